"""A stream, read to its end and summed up."""

from collections.abc import Iterable, Sequence

from attrs import frozen

from junto.core import (
    ChatError,
    ChatModel,
    ChatRequest,
    Event,
    Finish,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageUpdate,
)


@frozen
class Heard:
    """A stream, summed up."""

    text: str
    reasoning: str
    tool_calls: list[dict[str, str]]
    usage: Usage | None
    finish: Finish | None
    error: ChatError | None
    events: list[Event]

    def same(self, other: "Heard") -> bool:
        """Whether the other heard the same, however it was cut."""
        return (
            self.text,
            self.reasoning,
            self.tool_calls,
            self.usage,
            self.finish,
            str(self.error),
        ) == (
            other.text,
            other.reasoning,
            other.tool_calls,
            other.usage,
            other.finish,
            str(other.error),
        ) and type(self.error) is type(other.error)


def sum_up(events: Iterable[Event], error: ChatError | None = None) -> Heard:
    events = list(events)
    calls: dict[int, dict[str, str]] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            call = calls.setdefault(event.index, {"id": "", "name": "", "arguments": ""})
            call["id"] += event.id
            call["name"] += event.name
            call["arguments"] += event.arguments
    usages = [event.usage for event in events if isinstance(event, UsageUpdate)]
    finishes = [event for event in events if isinstance(event, Finish)]
    assert len(finishes) <= 1
    assert not finishes or events[-1] is finishes[0]
    return Heard(
        "".join([e.text for e in events if isinstance(e, TextDelta)]),
        "".join([e.text for e in events if isinstance(e, ReasoningDelta)]),
        [calls[index] for index in sorted(calls)],
        usages[-1] if usages else None,
        finishes[0] if finishes else None,
        error,
        events,
    )


async def hear(model: ChatModel, request: ChatRequest | str = "你好") -> Heard:
    """Read a stream to its end, whatever the end is."""
    events: list[Event] = []
    try:
        async for item in model.stream(
            ChatRequest(request) if isinstance(request, str) else request
        ):
            events += item if isinstance(item, Sequence) else [item]
    except ChatError as error:
        return sum_up(events, error)
    return sum_up(events)
