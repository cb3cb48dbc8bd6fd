"""What the tests of local models share."""

from __future__ import annotations

from collections.abc import Sequence

from junto.core import ChatModel, ChatRequest, Event, TextDelta


async def read(model: ChatModel, request: ChatRequest) -> list[Event]:
    """All events of an answer."""
    events: list[Event] = []
    async for item in model.stream(request):
        events += item if isinstance(item, Sequence) else [item]
    return events


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
