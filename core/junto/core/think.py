"""Finding think tags inside plain text, however it is cut."""

from __future__ import annotations

from .events import Event, ReasoningDelta, TextDelta

__all__ = ["ThinkSplitter"]


class ThinkSplitter:
    """Splits ``<think>…</think>`` in front of an answer from the answer.  Pure, no I/O.

    Feed it pieces of text; what it gives does not depend on how the text was cut.  Only
    what is the first thing of the answer (after white space) is thinking: a tag later on
    is text, because a user can make a model echo one.  A block that is never closed is
    thinking to the end.  White space around the block belongs to neither side.

    Args:
        started: The opening tag was part of the prompt, so that the text begins inside
            the block.
        opening: The opening tag.
        closing: The closing tag.
    """

    def __init__(
        self, *, started: bool = False, opening: str = "<think>", closing: str = "</think>"
    ) -> None:
        self._opening = opening
        self._closing = closing
        self._state = "inside" if started else "before"
        self._held = ""
        self._trim = started
        self.unclosed = False

    @property
    def done(self) -> bool:
        """Nothing is held, and all that follows is text."""
        return self._state == "text" and not self._held

    def feed(self, text: str) -> list[Event]:
        """Take the next piece of text; give what is certain by now."""
        self._held += text
        events: list[Event] = []
        while self._held and self._step(events):
            pass
        return events

    def flush(self) -> list[Event]:
        """The text has ended: give what was held."""
        held, self._held = self._held, ""
        self.unclosed = self._state == "inside"
        if self.unclosed:
            held = held.rstrip() if not self._trim else held.strip()
            return [ReasoningDelta(held)] if held else []
        if self._state == "gap":
            held = held.lstrip()
        return [TextDelta(held)] if held else []

    def _step(self, events: list[Event]) -> bool:
        """Take one step; whether another may follow."""
        if self._state == "before":
            return self._before()
        if self._state == "inside":
            return self._inside(events)
        if self._state == "gap":
            self._held = self._held.lstrip()
            if not self._held:
                return False
            self._state = "text"
        events.append(TextDelta(self._held))
        self._held = ""
        return False

    def _before(self) -> bool:
        start = self._held.lstrip()
        if start.startswith(self._opening):
            self._held = start[len(self._opening) :]
            self._state, self._trim = "inside", True
            return True
        if self._opening.startswith(start):
            return False
        self._state = "text"
        return True

    def _inside(self, events: list[Event]) -> bool:
        if self._trim:
            self._held = self._held.lstrip()
            if not self._held:
                return False
            self._trim = False
        at = self._held.find(self._closing)
        if at >= 0:
            thought, self._held = self._held[:at].rstrip(), self._held[at + len(self._closing) :]
            self._state = "gap"
        else:
            keep = self._uncertain()
            thought, self._held = self._held[:keep], self._held[keep:]
        if thought:
            events.append(ReasoningDelta(thought))
        return at >= 0

    def _uncertain(self) -> int:
        """Where the tail begins that may be white space before, or part of, the end."""
        held, tag = self._held, self._closing
        for size in range(min(len(tag) - 1, len(held)), 0, -1):
            if held.endswith(tag[:size]):
                return len(held[: len(held) - size].rstrip())
        return len(held.rstrip())
