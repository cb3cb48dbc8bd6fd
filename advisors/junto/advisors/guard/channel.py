"""A text that grows, what the checks say of it, and how much of it may leave."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .mode import Window
from .verdict import Block, Check, verdict_of

__all__ = ["Channel"]

_TO_LAST_SPACE = re.compile(r".*\s", re.DOTALL)


class Channel:
    """The text of one kind, as far as it has come.

    Attributes:
        raw: What came, from where the checks look on.
        out: What is made of it: the same, unless a check replaced something.
        cleared: How much of ``out`` may leave, and so cannot change any more.
        left: How much has left.
        replaced: Whether a check replaced something.
        since: How many characters have come since the checks were asked.
        whole: Whether all of it has been looked at as what it ends with.
    """

    def __init__(self, where: str, name: str, checks: Sequence[Check], window: Window) -> None:
        self.where = where
        self._name = name
        self._checks = checks
        self._window = window
        # A check that says how far it looks back is given that much, whatever the context.
        reach = max(getattr(check, "reach", 0) for check in checks)
        self._keep = window.characters + max(window.context, reach)
        self._seen = 0
        self.raw: str = ""
        self.out: str = ""
        self.cleared: int = 0
        self.left: int = 0
        self.replaced: bool = False
        self.since: int = 0
        self.whole: bool = True

    async def look(self, text: str, *, final: bool = False) -> Block | None:
        """Ask the checks about all there is with ``text`` behind it; then take that in."""
        raw = out = self.raw + text
        for check in self._checks:
            grows: Any = getattr(check, "look", None)
            if grows is None:
                given: Any = check(out)
            else:
                given = grows(out, self._seen if out is raw else 0, final=final)
            verdict = None if given is None else await verdict_of(self._name, given)
            if isinstance(verdict, Block):
                return verdict
            if verdict is not None and verdict.text != out:
                out = verdict.text
        if out is not raw or self.replaced:
            self.replaced = True
            if not out.startswith(self.out[: self.cleared]):
                return Block("what was to be replaced is longer than the window")
        self.raw, self.out, self._seen, self.since = raw, out, len(raw), 0
        self.whole = final
        held = 0 if final else self._window.characters
        self.cleared = max(self.cleared, len(out) - held)
        return None

    def add(self, text: str) -> None:
        """Take in text that the checks are not asked about yet."""
        self.raw += text
        self.out += text
        self.since += len(text)
        self.whole = False

    @property
    def room(self) -> int:
        """How many characters may be looked at in one go, so that none is forgotten later.

        What the checks see must not depend on how the text was cut.
        """
        return max(1, 2 * self._keep + 1 - len(self.raw))

    def forget(self) -> None:
        """Let go of what is long past, in front of a space if there is one; after a look."""
        keep = self._keep
        if len(self.raw) <= 2 * keep:
            return
        cut = len(self.raw) - keep
        space = _TO_LAST_SPACE.match(self.raw, cut - keep // 2, cut)
        cut = cut if space is None else space.end()
        gone = cut + len(self.out) - len(self.raw)
        if 0 <= gone <= self.left and self.raw[cut:] == self.out[gone:]:
            self.raw, self.out = self.raw[cut:], self.out[gone:]
            self._seen -= cut
            self.cleared -= gone
            self.left -= gone
