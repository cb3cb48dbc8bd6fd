"""Stream events: one object per fact.

A stream is a sequence of these.  They are slotted and mutable only because a frozen
object costs 2.2 times as much to make: treat them as values, and return a new one
instead of changing the one you were given.

Reasoning is never inside a :class:`TextDelta`.  Views such as ``stream.text()`` are pure
functions of the events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from attrs import Factory, define

from .usage import FinishReason, Usage

__all__ = [
    "CustomEvent",
    "Event",
    "Finish",
    "ModelWarning",
    "ReasoningDelta",
    "Restart",
    "Source",
    "TextDelta",
    "ToolCallDelta",
    "ToolResult",
    "UsageUpdate",
]


@define
class TextDelta:
    """The next piece of the answer."""

    text: str


@define
class ReasoningDelta:
    """The next piece of the chain of thought.

    Attributes:
        text: The piece.
        shown: What ``stream.text()`` prints for it, set by a reasoning advisor;
            ``None`` prints nothing.
        signature: The provider's opaque seal of the reasoning, where it has one.
    """

    text: str
    shown: str | None = None
    signature: str | None = None


@define
class ToolCallDelta:
    """A piece of a tool call; pieces with the same ``index`` belong together.

    Attributes:
        index: Which call of the answer, from 0.
        id: The call's id; empty on later pieces.
        name: The tool's name; empty on later pieces.
        arguments: The next piece of the arguments' JSON text.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@define
class ToolResult:
    """A tool was run by an advisor, and this is its answer.

    Attributes:
        call_id: The id of the call that it answers.
        name: The tool's name.
        text: What goes back to the model.
        is_error: The tool failed.
    """

    call_id: str
    name: str
    text: str
    is_error: bool = False


@define
class Source:
    """A source that the answer rests on, from the model's search or from retrieval."""

    url: str
    title: str = ""
    index: int | None = None
    metadata: Mapping[str, Any] = Factory(dict[str, Any])


@define
class UsageUpdate:
    """Tokens used so far.  Each replaces the one before it: they are never summed."""

    usage: Usage


@define
class Finish:
    """The answer is complete.  Comes exactly once, last.

    Attributes:
        reason: Why the model stopped.
        metadata: Facts about the whole answer: ``request_id``, ``model``, ``raw_reason``
            (the provider's own word), where the provider gives them.
    """

    reason: FinishReason = FinishReason.STOP
    metadata: Mapping[str, Any] = Factory(dict[str, Any])


@define
class Restart:
    """Everything shown so far is void; the answer starts anew."""

    reason: str = ""


@define
class ModelWarning:
    """The provider sent the request, but a part of it has no effect or is not supported.

    Attributes:
        model: The model's name.
        parameter: What has no effect: an option such as ``temperature``, or a part of
            the request such as ``system message``.
        message: One sentence for people.
    """

    model: str
    parameter: str
    message: str


@define
class CustomEvent:
    """An advisor's own event, for its own reader.

    Attributes:
        name: Dotted, beginning with the advisor's or package's name.
        data: Anything.
    """

    name: str
    data: Any = None


Event: TypeAlias = (
    TextDelta
    | ReasoningDelta
    | ToolCallDelta
    | ToolResult
    | Source
    | UsageUpdate
    | Finish
    | Restart
    | ModelWarning
    | CustomEvent
)
"""Anything that a stream can carry."""
