"""Looking at the class of an author, which must not replace checks by accident."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .loops import claim

__all__ = ["claim_no_override", "is_fixture"]


def claim_no_override(cls: type[Any], contract: type[Any], on_purpose: Iterable[str]) -> None:
    """Fail if a subclass replaces a check of its contract, and gives no reason."""
    own = cls.__mro__[: cls.__mro__.index(contract)]
    names = {name for base in own for name in vars(base)}
    found = {name for name in names if name.startswith("test_") and hasattr(contract, name)}
    replaced = sorted(found - set(on_purpose))
    claim(
        not replaced,
        f"{cls.__name__} overrides {', '.join(replaced)}: declare what it does, or give the "
        "reason in overrides",
    )


def is_fixture(defined: object) -> bool:
    """Whether a class attribute is a fixture of pytest."""
    # pytest has no public word for it; the second one is how it was before 8.4.
    made = type(defined).__name__ == "FixtureFunctionDefinition"
    return made or hasattr(defined, "_pytestfixturefunction")
