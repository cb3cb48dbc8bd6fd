r"""Surrogate pairs that arrive in halves.

A sender that writes JSON with ``\u`` escapes and cuts its text by UTF-16 units can put the
two halves of one emoji into two frames.  Joined they are a character; alone they are
text that no file and no socket takes, so a half that stays alone becomes U+FFFD.
"""

from __future__ import annotations

from junto.core import Event, ReasoningDelta, TextDelta, ToolCallDelta

__all__ = ["Mender", "mend_text"]


class Mender:
    """Mends the events of one answer.  True while it holds a half back."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[type[TextDelta | ReasoningDelta], str] = {}

    def __bool__(self) -> bool:
        return bool(self._held)

    def mend(self, events: list[Event], start: int) -> None:
        """Mend ``events`` from ``start`` on, in place; a half at an end waits for its other."""
        fresh = events[start:]
        del events[start:]
        for event in fresh:
            if isinstance(event, TextDelta | ReasoningDelta):
                kind = type(event)
                text = self._held.pop(kind, "") + event.text
                if "\ud800" <= text[-1] <= "\udbff":
                    self._held[kind] = text[-1]
                    text = text[:-1]
                if text:
                    events.append(kind(mend_text(text)))
            elif isinstance(event, ToolCallDelta):
                arguments = mend_text(event.arguments)
                events.append(ToolCallDelta(event.index, event.id, event.name, arguments))
            else:
                events.append(event)

    def flush(self, events: list[Event]) -> None:
        """No more is coming: what is still held stays half."""
        events.extend(kind(mend_text(half)) for kind, half in self._held.items())
        self._held.clear()


def mend_text(text: str) -> str:
    """``text`` with halves of pairs joined, and single ones as U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
