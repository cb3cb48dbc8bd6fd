"""What a class of checks needs of pytest: its guard, its fixture, its skips."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

import pytest

__all__ = ["Guarded", "skip"]


class Guarded:
    """A class of checks that an author derives from, and must not hollow out by accident.

    ::

        class AdvisorContract(Checks, subject="advisor", maker="advisor"):

    Args of a contract's class:
        subject: What is checked, for messages.
        maker: The method or fixture by which the author gives it.

    Attributes:
        overrides: Checks that a subclass overrides on purpose, each with the reason.
    """

    overrides: ClassVar[Mapping[str, str]] = {}

    _given: Any = None
    _contract: ClassVar[type[Any]]
    _subject: ClassVar[str]
    _maker: ClassVar[str]

    def __init_subclass__(cls, *, subject: str = "", maker: str = "", **more: Any) -> None:
        super().__init_subclass__(**more)
        if subject:
            cls._contract, cls._subject, cls._maker = cls, subject, maker

    @pytest.fixture(autouse=True)
    def _take_from_fixture(self, request: pytest.FixtureRequest) -> None:
        defined = inspect.getattr_static(type(self), self._maker)
        undefined = defined is inspect.getattr_static(self._contract, self._maker)
        if undefined or _is_fixture(defined):
            self._given = request.getfixturevalue(self._maker)

    def test_no_check_is_overridden(self) -> None:
        """A check that is replaced by accident would check nothing."""
        lineage = type(self).__mro__
        own = lineage[: lineage.index(self._contract)]
        names = {name for base in own for name in vars(base) if name.startswith("test_")}
        replaced = [name for name in names - set(self.overrides) if hasattr(self._contract, name)]
        if replaced:
            msg = (
                f"{type(self).__name__} overrides {', '.join(sorted(replaced))}: declare what "
                f"the {self._subject} does, or give the reason in overrides"
            )
            raise AssertionError(msg)


def skip(reason: str) -> NoReturn:
    """Leave a check out; pytest prints the reason with ``-rs``."""
    pytest.skip(reason)


def _is_fixture(defined: object) -> bool:
    # pytest has no public word for it; the second one is how it was before 8.4.
    made = type(defined).__name__ == "FixtureFunctionDefinition"
    return made or hasattr(defined, "_pytestfixturefunction")
