"""From events to a response: the only place that knows how.

A record keeps text as compacted pieces and never the events themselves: 2,000 events
cost 273 KiB kept, and 7 KiB as text.
"""

from __future__ import annotations

from collections.abc import Iterable

from .chat import ChatResponse
from .errors import ProtocolError
from .events import (
    CustomEvent,
    Event,
    Finish,
    ModelWarning,
    ReasoningDelta,
    Restart,
    Source,
    TextDelta,
    ToolCallDelta,
    ToolResult,
    UsageUpdate,
)
from .messages import AssistantMessage, Part, ReasoningPart, TextPart, ToolCallPart, ToolMessage
from .usage import Usage

__all__ = ["NoEventError", "Record", "collect"]

_COMPACT_FROM = 512


class NoEventError(ProtocolError):
    """Something in a stream is no event; whose fault that is, the driver knows."""

    def __init__(self, given: object) -> None:
        self.given: str = type(given).__name__
        super().__init__(f"a stream carries events, not {self.given}")


class _Call:
    """A tool call in the making."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []


class Record:
    """What passed one place of the chain."""

    __slots__ = (
        "_calls",
        "_kind",
        "_messages",
        "_parts",
        "_shown",
        "_signature",
        "pieces",
        "sources",
    )

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything: a restart made it void."""
        self.pieces: list[str] = []
        self.sources: list[Source] = []
        self._kind: type[TextDelta | ReasoningDelta] = TextDelta
        self._shown: list[str] | None = None
        self._signature: str | None = None
        self._parts: list[Part | _Call] = []
        self._calls: dict[int, _Call] = {}
        self._messages: list[AssistantMessage | ToolMessage] = []

    def copy(self) -> Record:
        """The same so far; from here on the two go their own ways."""
        twin = Record()
        twin.pieces = ["".join(self.pieces)] if self.pieces else []
        twin.sources = list(self.sources)
        twin._kind = self._kind
        twin._shown = None if self._shown is None else list(self._shown)
        twin._signature = self._signature
        for part in self._parts:
            twin._parts.append(_copied(part) if isinstance(part, _Call) else part)
        held = [part for part in self._parts if isinstance(part, _Call)]
        made = [part for part in twin._parts if isinstance(part, _Call)]
        pairs = {id(old): new for old, new in zip(held, made, strict=True)}
        twin._calls = {index: pairs[id(call)] for index, call in self._calls.items()}
        twin._messages = list(self._messages)
        return twin

    @property
    def empty(self) -> bool:
        """Whether nothing that a reader could see has passed."""
        return not (self.has_content or self.has_reasoning or self.sources)

    @property
    def has_content(self) -> bool:
        """Whether some text, a tool call or a tool's result has passed."""
        if self._messages or (self._kind is TextDelta and any(self.pieces)):
            return True
        return any(not isinstance(part, ReasoningPart) for part in self._parts)

    @property
    def has_reasoning(self) -> bool:
        """Whether some reasoning has passed."""
        if self._kind is ReasoningDelta and (any(self.pieces) or self._shown):
            return True
        parts = [*self._parts]
        for message in self._messages:
            parts += message.parts if isinstance(message, AssistantMessage) else ()
        return any(isinstance(part, ReasoningPart) for part in parts)

    def add(self, event: Event) -> None:
        """Take one event in.  Usage and finish are kept by the driver, not here."""
        kind = event.__class__
        if kind is TextDelta:
            if self._kind is not TextDelta:
                if not event.text:  # type: ignore[union-attr]  # told apart by class
                    return
                self._seal()
            self.pieces.append(event.text)  # type: ignore[union-attr]  # told apart by class
        elif kind is ReasoningDelta:
            self._add_reasoning(event)  # type: ignore[arg-type]  # told apart by class
        else:
            self._add_other(event)

    def compact(self) -> None:
        """Join the pieces when they have become many."""
        if len(self.pieces) > _COMPACT_FROM:
            self.pieces[:] = ["".join(self.pieces)]
        if self._shown is not None and len(self._shown) > _COMPACT_FROM:
            self._shown[:] = ["".join(self._shown)]
        for call in self._calls.values():
            if len(call.arguments) > _COMPACT_FROM:
                call.arguments[:] = ["".join(call.arguments)]

    def messages(self) -> tuple[AssistantMessage | ToolMessage, ...]:
        """What has passed, as messages."""
        parts = [_built(part) if isinstance(part, _Call) else part for part in self._parts]
        current = self._current()
        if current is not None:
            parts.append(current)
        if parts or not self._messages:
            return (*self._messages, AssistantMessage(parts))
        return tuple(self._messages)

    def _add_reasoning(self, event: ReasoningDelta) -> None:
        if self._kind is not ReasoningDelta:
            if not (event.text or event.shown or event.signature):
                return
            self._seal()
            self._kind = ReasoningDelta
        self.pieces.append(event.text)
        if event.shown is not None:
            if self._shown is None:
                self._shown = []
            self._shown.append(event.shown)
        if event.signature is not None:
            self._signature = event.signature

    def _add_other(self, event: Event) -> None:
        match event:
            case ToolCallDelta():
                call = self._calls.get(event.index)
                if call is None:
                    self._seal()
                    call = self._calls[event.index] = _Call()
                    self._parts.append(call)
                call.id = call.id or event.id
                call.name = call.name or event.name
                call.arguments.append(event.arguments)
            case ToolResult():
                self._end_message()
                answer = ToolMessage(
                    event.text, call_id=event.call_id, name=event.name, is_error=event.is_error
                )
                self._messages.append(answer)
            case Source():
                self.sources.append(event)
            case Restart():
                self.clear()
            case ModelWarning() | CustomEvent():
                pass  # not part of the answer
            case _:
                raise NoEventError(event)

    def _current(self) -> Part | None:
        text = "".join(self.pieces)
        if self._kind is ReasoningDelta:
            shown = None if self._shown is None else "".join(self._shown)
            if text or shown or self._signature:
                return ReasoningPart(text, shown=shown, signature=self._signature)
            return None
        return TextPart(text) if text else None

    def _seal(self) -> None:
        current = self._current()
        if current is not None:
            self._parts.append(current)
        self.pieces = []
        self._kind = TextDelta
        self._shown = None
        self._signature = None

    def _end_message(self) -> None:
        self._seal()
        if self._parts:
            parts = [_built(part) if isinstance(part, _Call) else part for part in self._parts]
            self._messages.append(AssistantMessage(parts))
        self._parts = []
        self._calls = {}


def _copied(call: _Call) -> _Call:
    twin = _Call()
    twin.id, twin.name, twin.arguments = call.id, call.name, list(call.arguments)
    return twin


def _built(call: _Call) -> ToolCallPart:
    return ToolCallPart(call.id, call.name, "".join(call.arguments))


def collect(events: Iterable[Event]) -> ChatResponse:
    """The response that a sequence of events amounts to."""
    record = Record()
    usage, finish = Usage(), None
    for event in events:
        if isinstance(event, UsageUpdate):
            usage = event.usage
        elif isinstance(event, Finish):
            finish = event
        else:
            record.add(event)
    return ChatResponse(
        messages=record.messages(),
        finish_reason=None if finish is None else finish.reason,
        usage=usage,
        sources=record.sources,
        metadata={} if finish is None else finish.metadata,
    )
