r"""Surrogate pairs that arrive in halves.

A sender that writes JSON with ``\u`` escapes and cuts its text by UTF-16 units can put the
two halves of one emoji into two frames.  Joined they are a character; alone they are
text that no file and no socket takes, so a half that stays alone becomes U+FFFD.
"""

from __future__ import annotations

from typing import Any, cast

from junto.core import Event, ReasoningDelta, Restart, TextDelta, ToolCallDelta

__all__ = ["Mender", "mend_text", "mend_value"]

_Place = type[TextDelta] | type[ReasoningDelta] | int


class Mender:
    """Mends the events of one answer.  True while it holds a half back."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        # By where the other half would come: text, reasoning, or the arguments of a call.
        self._held: dict[_Place, str] = {}

    def __bool__(self) -> bool:
        return bool(self._held)

    @property
    def holds_text(self) -> bool:
        """Whether the last character of the text is held back."""
        return TextDelta in self._held

    def mend(self, events: list[Event], start: int) -> None:
        """Mend ``events`` from ``start`` on, in place; a half at an end waits for its other."""
        fresh = events[start:]
        del events[start:]
        for event in fresh:
            if isinstance(event, TextDelta | ReasoningDelta):
                kind = type(event)
                if text := self._mend(kind, event.text):
                    events.append(kind(text))
            elif isinstance(event, ToolCallDelta):
                called, name = mend_text(event.id), mend_text(event.name)
                arguments = self._mend(event.index, event.arguments)
                if called or name or arguments:
                    events.append(ToolCallDelta(event.index, called, name, arguments))
            else:
                if isinstance(event, Restart):
                    self._held.clear()
                events.append(event)

    def flush(self, events: list[Event]) -> None:
        """No more is coming: what is still held stays half."""
        for place, half in self._held.items():
            text = mend_text(half)
            events.append(
                ToolCallDelta(place, arguments=text) if isinstance(place, int) else place(text)
            )
        self._held.clear()

    def _mend(self, place: _Place, text: str) -> str:
        text = self._held.pop(place, "") + text
        if "\ud800" <= text[-1:] <= "\udbff":
            self._held[place] = text[-1]
            text = text[:-1]
        return mend_text(text)


def mend_text(text: str) -> str:
    """``text`` with halves of pairs joined, and single ones as U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def mend_value(value: Any) -> Any:
    """Decoded JSON with :func:`mend_text` applied to all text in it, in place."""
    if isinstance(value, str):
        return mend_text(value)
    left: list[object] = [value]
    while left:  # no recursion: it may be as deep as its decoder goes
        box = left.pop()
        if isinstance(box, dict):
            table = cast("dict[str, object]", box)
            fresh = {mend_text(key): item for key, item in table.items()}
            table.clear()
            table.update((key, _mended(item, left)) for key, item in fresh.items())
        elif isinstance(box, list):
            items = cast("list[object]", box)
            items[:] = [_mended(item, left) for item in items]
    return value


def _mended(item: object, left: list[object]) -> object:
    """``item``, mended if it is text, and put down to be looked into if not."""
    if isinstance(item, str):
        return mend_text(item)
    left.append(item)
    return item
