"""Steps for scripts: waiting, and text cut in odd ways."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from typing import TypeAlias

from attrs import evolve

from ..events import Event, ReasoningDelta, TextDelta, ToolCallDelta

__all__ = ["Pause", "Sizes", "batches", "cut", "hang", "recut"]

Sizes: TypeAlias = int | Iterable[int]
"""How long pieces are: one number for all, or several that are taken in turn."""


class Pause:
    """A step that waits until the test says so, or for ever.

    ::

        pause = Pause()
        model = ScriptedModel(["before", pause, "after"])
        ...
        await pause.reached()  # somebody is waiting there
        pause.release()

    It serves any number of streams of one event loop at once: released, it is open for
    all of them.  Cancellation passes.
    """

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._released = asyncio.Event()
        self.waiting: int = 0

    async def __call__(self) -> None:
        """What the model does at this step."""
        self.waiting += 1
        self._reached.set()
        try:
            await self._released.wait()
        finally:
            self.waiting -= 1

    async def reached(self) -> None:
        """Wait until a stream has come to this step."""
        await self._reached.wait()

    def release(self) -> None:
        """Let the streams go on that wait here, and all that come later."""
        self._released.set()

    def __repr__(self) -> str:
        return f"<Pause {'released' if self._released.is_set() else 'closed'}>"


def hang() -> Pause:
    """A step that never ends, but by cancellation or closing: a pause that nobody releases."""
    return Pause()


def cut(text: str, sizes: Sizes = 1) -> list[Event]:
    """The text as deltas of given sizes, counted in characters.

    ::

        cut("Hello", 2)  # He, ll, o
        cut("Hello", [1, 3])  # H, ell, o

    Raises:
        ValueError: A size is less than 1, or there is none.
    """
    return [TextDelta(piece) for piece in _pieces(text, sizes)]


def recut(events: Iterable[Event], sizes: Sizes = 1) -> list[Event]:
    """The same stream, with its text, reasoning and arguments cut at other places.

    Neighbouring deltas of one kind are joined and cut anew; everything else stays where
    it is.  Reasoning that is shown or signed is left as it is.

    Raises:
        ValueError: A size is less than 1, or there is none.
    """
    result: list[Event] = []
    for event in _joined(events):
        match event:
            case TextDelta():
                result += [TextDelta(piece) for piece in _pieces(event.text, sizes)]
            case ReasoningDelta(shown=None, signature=None):
                result += [ReasoningDelta(piece) for piece in _pieces(event.text, sizes)]
            case ToolCallDelta():
                first, *rest = _pieces(event.arguments, sizes) or [""]
                result.append(evolve(event, arguments=first))
                result += [ToolCallDelta(event.index, arguments=piece) for piece in rest]
            case _:
                result.append(event)
    return result


def batches(events: Iterable[Event], sizes: Sizes) -> list[Sequence[Event]]:
    """The events in lists, each as if from one network read.

    Raises:
        ValueError: A size is less than 1, or there is none.
    """
    rest = list(events)
    result: list[Sequence[Event]] = []
    lengths = _lengths(sizes)
    while rest:
        size = next(lengths)
        result.append(rest[:size])
        del rest[:size]
    return result


def _joined(events: Iterable[Event]) -> list[Event]:
    result: list[Event] = []
    for event in events:
        both = _one(result[-1], event) if result else None
        if both is None:
            result.append(event)
        else:
            result[-1] = both
    return result


def _one(left: Event, right: Event) -> Event | None:
    """Two deltas of one kind as one."""
    match left, right:
        case TextDelta(), TextDelta():
            return TextDelta(left.text + right.text)
        case (
            ReasoningDelta(shown=None, signature=None),
            ReasoningDelta(shown=None, signature=None),
        ):
            return ReasoningDelta(left.text + right.text)
        case ToolCallDelta(), ToolCallDelta(id="") if left.index == right.index:
            return evolve(left, arguments=left.arguments + right.arguments)
        case _:
            return None


def _pieces(text: str, sizes: Sizes) -> list[str]:
    result: list[str] = []
    lengths = _lengths(sizes)
    while text:
        size = next(lengths)
        result.append(text[:size])
        text = text[size:]
    return result


def _lengths(sizes: Sizes) -> Iterator[int]:
    given = [sizes] if isinstance(sizes, int) else list(sizes)
    if not given or min(given) < 1:
        msg = f"pieces have sizes of at least 1, not {sizes!r}"
        raise ValueError(msg)
    return cycle(given)
