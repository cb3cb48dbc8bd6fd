"""Whether a sequence of events is a stream, and amounts to its response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from attrs import asdict, fields

from ..chat import ChatResponse
from ..collect import collect
from ..events import (
    Event,
    Finish,
    Restart,
    ToolCallDelta,
    ToolResult,
    UsageUpdate,
)
from ..stream import ChatStream
from ..usage import Usage

__all__ = ["EventStreamError", "validate_events", "validate_stream"]

_EVENTS: tuple[type, ...] = get_args(Event)


class EventStreamError(AssertionError):
    """A sequence of events is no stream.

    Attributes:
        violations: Each rule that was broken, and where: one sentence each.
    """

    def __init__(self, violations: Iterable[str]) -> None:
        self.violations: tuple[str, ...] = tuple(violations)
        super().__init__("; ".join(self.violations))


def validate_events(
    events: Iterable[object], response: ChatResponse | None = None, *, complete: bool = True
) -> ChatResponse:
    """Check that events are a stream, and give the response that they amount to.

    * Everything is an event, and its texts are ``str``.
    * There is one finish, and it is the last.
    * Usage is the total so far: a number that was known never shrinks or goes away,
      but by a restart.
    * A tool call begins with its id and name, its index is the next one, and no two
      calls share an id; later pieces repeat neither another id nor another name.
    * A tool result answers a call that is known, once, and the call is over then.
    * A restart voids what came before it: calls, text and usage.
    * With ``response``: text, reasoning, ``display_text``, calls, sources, usage and
      finish are those of the response.

    Args:
        events: What came out of a stream, in order; no batches.
        response: The response of the same stream.
        complete: Whether the stream came to its end; one that broke off has no finish.

    Raises:
        EventStreamError: Lists every rule that was broken.
    """
    given = list(events)
    found = _Reading()
    for place, event in enumerate(given):
        found.take(place, event)
    violations = found.violations
    if complete and found.finishes == 0:
        violations.append("there is no finish")
    elif not complete and found.finishes:
        violations.append("a stream that broke off has a finish")
    sound: list[Any] = [event for event in given if isinstance(event, _EVENTS)]
    if not found.readable:
        raise EventStreamError(violations)
    collected = collect(sound)
    if response is not None:
        violations += _differences(collected, response)
    if violations:
        raise EventStreamError(violations)
    return collected


async def validate_stream(stream: ChatStream) -> ChatResponse:
    """Read a stream to its end, check its events, and give its response.

    Raises:
        EventStreamError: Lists every rule that was broken.
        ChatError: What the stream itself raises.
    """
    async with stream:
        events = [event async for event in stream]
        response = await stream.response()
        validate_events(events, response)
        return response


class _Reading:
    """What is known of a stream so far."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.finishes = 0
        # Whether a response can be made of it.
        self.readable = True
        self._begin()

    def _begin(self) -> None:
        # The open calls by index, and all calls by id: whether each has been answered.
        self._calls: dict[int, ToolCallDelta] = {}
        self._answered: dict[str, bool] = {}
        self._next_index = 0
        self._usage = Usage()

    def take(self, place: int, event: object) -> None:
        """Look at the next event."""
        for what in self._wrong(event):
            self.violations.append(f"event {place}: {what}")

    def _wrong(self, event: object) -> Iterator[str]:
        if not isinstance(event, _EVENTS):
            yield f"{type(event).__name__} is no event"
            return
        if self.finishes and not isinstance(event, Finish):
            yield f"{type(event).__name__} comes after the finish"
        for name in ("text", "shown", "arguments"):
            value = getattr(event, name, "")
            if not (isinstance(value, str) or (name == "shown" and value is None)):
                self.readable = False
                yield f"{name} of {type(event).__name__} is no text"
        match event:
            case Finish():
                self.finishes += 1
                if self.finishes > 1:
                    yield "there is a finish already"
            case UsageUpdate():
                yield from self._counted(event.usage)
            case ToolCallDelta():
                yield from self._called(event)
            case ToolResult():
                yield from self._answer(event)
            case Restart():
                self._begin()
            case _:
                pass

    def _counted(self, usage: Usage) -> Iterator[str]:
        for name, old in _counts(self._usage).items():
            new = getattr(usage, name)
            if old is not None and (new is None or new < old):
                yield f"usage is the total so far, but {name} goes from {old} to {new}"
        for name, new in _counts(usage).items():
            if new is not None and new < 0:
                yield f"{name} is {new}"
        self._usage = usage

    def _called(self, event: ToolCallDelta) -> Iterator[str]:
        begun = self._calls.get(event.index)
        if begun is not None:
            for name in ("id", "name"):
                given = getattr(event, name)
                if given and given != getattr(begun, name):
                    yield f"call {event.index} changes its {name} to {given!r}"
            return
        self._calls[event.index] = event
        if not event.id or not event.name:
            yield f"call {event.index} begins without its id and name"
        elif event.id in self._answered:
            yield f"call {event.index} has the id {event.id!r} of another call"
        # After tool results a message of its own begins, which may count anew.
        first = 0 if len(self._calls) == 1 else self._next_index
        if event.index not in {first, self._next_index}:
            yield f"call {event.index} comes where {self._next_index} is next"
        self._next_index = event.index + 1
        self._answered.setdefault(event.id, False)

    def _answer(self, event: ToolResult) -> Iterator[str]:
        if event.call_id not in self._answered:
            yield f"a result answers {event.call_id!r}, which nobody called"
        elif self._answered[event.call_id]:
            yield f"the call {event.call_id!r} is answered twice"
        self._answered[event.call_id] = True
        self._calls = {}


def _counts(usage: Usage) -> dict[str, int | None]:
    names = [a.name for a in fields(Usage) if a.name != "estimated"]
    counts: dict[str, int | None] = {name: getattr(usage, name) for name in names}
    return counts


def _differences(collected: ChatResponse, response: ChatResponse) -> Iterator[str]:
    for name in ("text", "reasoning", "display_text", "tool_calls", "sources", "finish_reason"):
        of_events, of_response = getattr(collected, name), getattr(response, name)
        if of_events != of_response:
            yield f"{name} of the events is {of_events!r}, of the response {of_response!r}"
    if collected.usage != response.usage:
        of_events, of_response = _known(collected.usage), _known(response.usage)
        yield f"usage of the events is {of_events}, of the response {of_response}"
    for key, value in collected.metadata.items():
        if key not in response.metadata or response.metadata[key] != value:
            yield f"the finish has {key}={value!r}, the response {response.metadata.get(key)!r}"


def _known(usage: Usage) -> dict[str, Any]:
    return asdict(usage, filter=lambda _, value: value is not None)
