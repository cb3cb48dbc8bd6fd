"""The guard that people reach for first: blocked words."""

from __future__ import annotations

from collections.abc import Iterable

from junto.core import Phase

from .advisor import GuardAdvisor
from .mode import Mode, OnBlock, Sides, window
from .verdict import Check
from .words import WordCheck

__all__ = ["SafeGuardAdvisor"]

_WINDOW = window(200)


class SafeGuardAdvisor(GuardAdvisor):
    """Lets no blocked word in, and none out: not even in a thought, or cut into pieces.

    Words are found as :class:`WordCheck` says: whatever their case, width, and unseen
    characters in them.

    Args:
        words: The blocked words and phrases; may be empty if there is a ``check``.
        check: Asked as well, after the words, which are looked for again in what it makes;
            see :class:`GuardAdvisor`.
        whole_words: Whether a word is found only as a word of its own.
        mode: ``window(n)``, ``"buffer"`` or ``"observe"``.
        sides: ``"input"``, ``"output"`` or ``"both"``.
        on_block: ``"refuse"``, ``"stop"`` or ``"raise"``.
        refusal: What is answered instead.
        name: For logs, and for replacing or leaving it out for one request.
        order: Its place in the chain.

    Raises:
        TypeError: For words that are none, and what :class:`GuardAdvisor` raises.
        ValueError: For a blank word; there is neither a word nor a check.
    """

    def __init__(
        self,
        words: Iterable[str] = (),
        check: Check | None = None,
        *,
        whole_words: bool = True,
        mode: Mode = _WINDOW,
        sides: Sides = "both",
        on_block: OnBlock = "refuse",
        refusal: str = "I cannot answer that.",
        name: str = "safeguard",
        order: int = Phase.GUARD,
    ) -> None:
        given = words if isinstance(words, str) else tuple(words)
        checks: list[Check] = [] if check is None else [check]
        if given or check is None:
            found = WordCheck(given, whole_words=whole_words)
            # What the check makes may have a word in it again.
            checks = [found, check, found] if check is not None else [found]
        super().__init__(
            checks[0],
            mode,
            sides=sides,
            on_block=on_block,
            refusal=refusal,
            name=name,
            order=order,
        )
        self.checks: tuple[Check, ...] = tuple(checks)
