"""Where a JSON value ends, found piece by piece without decoding it."""

from __future__ import annotations

import re

__all__ = ["JSONScanner"]

_MARKS = re.compile(rb'\\.?|["{}\[\]]', re.DOTALL)


class JSONScanner:
    """Whether pieces so far are a whole JSON object or array; each piece is scanned once.

    Attributes:
        whole: They are.
        closed: They are, or hold a bracket too many at their end.
    """

    __slots__ = ("_depth", "_escaped", "_in_string", "_opened", "_seen", "closed", "whole")

    def __init__(self) -> None:
        self.whole = False
        self.closed = False
        self._seen = 0
        self._opened: bool | None = None  # what the first piece begins with
        self._depth = 0
        self._in_string = False
        self._escaped = False  # a backslash was the last byte

    def complete(self, lines: list[bytes]) -> bool:
        """Whether ``lines``, which only ever grow, are one JSON object or array by now."""
        while self._seen < len(lines):
            self.feed(lines[self._seen])
            self._seen += 1
        return self.whole

    def feed(self, piece: bytes) -> None:
        """Scan the next piece."""
        if self._opened is None:
            self._opened = piece.lstrip()[:1] in {b"{", b"["}
        start, self._escaped = int(self._escaped), self._escaped and not piece
        for match in _MARKS.finditer(piece, start):
            mark = match[0]
            if mark == b"\\":
                self._escaped = True
            elif mark == b'"':
                self._in_string = not self._in_string
            elif not self._in_string and len(mark) == 1:
                self._depth += 1 if mark in b"{[" else -1
        self.closed = self._opened and self._depth <= 0 and not self._in_string
        self.whole = self.closed and self._depth == 0
