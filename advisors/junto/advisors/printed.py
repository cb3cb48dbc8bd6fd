"""A thought as it is printed."""

from __future__ import annotations

import re

from attrs import evolve

from junto.core import ReasoningDelta

__all__ = ["Printed"]


class Printed:
    """Makes events of a thought that print as one block, whatever stands in it.

    A tag inside is printed with a backslash.  What may be the beginning of a tag is held,
    so that a tag is always one event.
    """

    def __init__(self, opening: str, closing: str) -> None:
        self._tags = (opening, closing)
        self._marks = {opening[0], closing[0]}
        self._found = re.compile("|".join(map(re.escape, self._tags)))
        self._before = opening
        self._held = ""

    def is_plain(self, text: str) -> bool:
        """Whether the next piece of a block prints as it is."""
        return not (self._held or self._before) and self._marks.isdisjoint(text)

    def pieces(self, text: str) -> list[ReasoningDelta]:
        """The next events of a block."""
        text = self._held + text
        out: list[ReasoningDelta] = []
        at = 0
        for match in self._found.finditer(text):
            self._add(out, text[at : match.start()])
            self._add(out, match[0], _broken(match))
            at = match.end()
        rest = text[at:]
        size = next((i for i in range(len(rest)) if self._may_begin(rest[i:])), len(rest))
        self._add(out, rest[:size])
        self._held = rest[size:]
        return out

    def rest(self) -> list[ReasoningDelta]:
        """What is held, after all."""
        out: list[ReasoningDelta] = []
        self._add(out, self._held)
        self._held = ""
        return out

    def sealed(self, out: list[ReasoningDelta], signature: str) -> list[ReasoningDelta]:
        """The same events with a seal on the last of them; what is held stays held."""
        last = out.pop() if out else ReasoningDelta("")
        return [*out, evolve(last, signature=signature)]

    def end(self, after: str) -> list[ReasoningDelta]:
        """The end of the block."""
        out = [*self.rest(), ReasoningDelta("", self._tags[1] + after)]
        self._before = self._tags[0]
        return out

    def whole(self, text: str) -> str:
        """One piece in a block of its own."""
        return self._tags[0] + self._found.sub(_broken, text) + self._tags[1]

    def _add(self, out: list[ReasoningDelta], text: str, shown: str | None = None) -> None:
        if text:
            out.append(ReasoningDelta(text, self._before + (text if shown is None else shown)))
            self._before = ""

    def _may_begin(self, tail: str) -> bool:
        return tail[0] in self._marks and any(tag.startswith(tail) for tag in self._tags)


def _broken(tag: re.Match[str]) -> str:
    return f"{tag[0][0]}\\{tag[0][1:]}"
