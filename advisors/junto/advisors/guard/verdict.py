"""What a check says of a text."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from attrs import field, frozen

from junto.core import AdvisorContractError, ChatError, clean_text

__all__ = ["Block", "Check", "GuardBlockedError", "Replace", "Verdict", "judged", "verdict_of"]


def _one_line(reason: str) -> str:
    return clean_text(reason, 200)


@frozen
class Block:
    """The text must not pass.

    Attributes:
        reason: Why, for logs and metadata: name the rule, and do not repeat the text.
    """

    reason: str = field(default="", converter=_one_line)


@frozen
class Replace:
    """Another text is to stand in its place.

    Attributes:
        text: The whole other text.
    """

    text: str = field(repr=False)


Verdict: TypeAlias = Block | Replace | None
"""``None`` lets the text pass."""

Check: TypeAlias = Callable[[str], Verdict | Awaitable[Verdict]]
"""From a text to a verdict; a plain function or an ``async`` one."""


class GuardBlockedError(ChatError):
    """A guard with ``on_block="raise"`` has blocked a question or an answer.

    Attributes:
        advisor: The guard's name.
        where: ``"input"``, ``"text"`` or ``"reasoning"``.
        reason: As the check gave it.
    """

    def __init__(
        self, message: str = "", *, advisor: str = "", where: str = "", reason: str = ""
    ) -> None:
        super().__init__(message)
        self.advisor = advisor
        self.where = where
        self.reason = reason


async def judged(name: str, checks: Sequence[Check], text: str) -> Verdict:
    """Ask the checks one after the other; each sees what the one before it made.

    Args:
        name: The guard's, for errors.
        checks: The checks.
        text: The text.

    Raises:
        AdvisorContractError: A check gave something else than a verdict.
    """
    now = text
    for check in checks:
        verdict = await verdict_of(name, check(now))
        if isinstance(verdict, Block):
            return verdict
        if verdict is not None:
            now = verdict.text
    return None if now == text else Replace(now)


async def verdict_of(name: str, given: Any) -> Verdict:
    """What a check gave, awaited if it is to be awaited."""
    if given is None:
        return None
    verdict: Any = await given if inspect.isawaitable(given) else given
    if verdict is None or isinstance(verdict, Block | Replace):
        return verdict
    msg = (
        f"a check of guard {name!r} returned {type(verdict).__name__}; it returns None to "
        "let the text pass, Block(reason) or Replace(text)"
    )
    raise AdvisorContractError(msg, advisor=name)
