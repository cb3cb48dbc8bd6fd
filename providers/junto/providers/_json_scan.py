"""Where a JSON value ends, found line by line without decoding it."""

from __future__ import annotations

import re

__all__ = ["JSONScanner"]

_MARKS = re.compile(rb'\\.|["{}\[\]]', re.DOTALL)


class JSONScanner:
    """Whether lines so far are a whole JSON object or array; each line is scanned once."""

    __slots__ = ("_depth", "_in_string", "_seen", "_whole")

    def __init__(self) -> None:
        self._seen = 0
        self._depth = 0
        self._in_string = False
        self._whole = False

    @property
    def balanced(self) -> bool:
        """Whether whatever was opened has been closed."""
        return self._depth == 0 and not self._in_string

    def complete(self, lines: list[bytes]) -> bool:
        """Whether ``lines``, which only ever grow, are one JSON object or array by now."""
        while self._seen < len(lines):
            self.scan(lines[self._seen])
            self._seen += 1
            self._whole = self.balanced and lines[0].lstrip()[:1] in {b"{", b"["}
        return self._whole

    def scan(self, piece: bytes) -> None:
        """Look at the next piece, which does not end behind a backslash."""
        for match in _MARKS.finditer(piece):
            mark = match[0]
            if mark == b'"':
                self._in_string = not self._in_string
            elif not self._in_string and len(mark) == 1:
                self._depth += 1 if mark in b"{[" else -1
