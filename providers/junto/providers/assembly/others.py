"""The choices of an answer beside its first one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from junto.core import Choice, Event, ReasoningDelta, TextDelta, ToolCallDelta, collect

from .surrogates import Mender

if TYPE_CHECKING:
    from .choices import Assembly

__all__ = ["OtherChoice", "length_of"]


class OtherChoice:
    """A further choice in the making: its events are kept, and come with the finish."""

    __slots__ = ("assembly", "events")

    def __init__(self, assembly: Assembly) -> None:
        self.assembly: Assembly = assembly
        self.events: list[Event] = []

    def choice(self, index: int) -> Choice:
        """What it has come to."""
        finish = self.assembly.finish({})
        mender = Mender()
        mender.mend(self.events, 0)
        mender.flush(self.events)
        return Choice(
            index=index,
            message=collect(self.events).message,
            finish_reason=finish.reason if self.assembly.raw_reason else None,
            logprobs=cast("list[Any]", finish.metadata.get("logprobs", [])),
        )


def length_of(events: list[Event]) -> int:
    """How many characters the events hold."""
    length = 0
    for event in events:
        if isinstance(event, TextDelta | ReasoningDelta):
            length += len(event.text)
        elif isinstance(event, ToolCallDelta):
            length += len(event.id) + len(event.name) + len(event.arguments)
    return length
