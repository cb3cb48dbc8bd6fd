"""Turns as messages, such that a provider takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import evolve

from junto.core import AssistantMessage, Message, ToolCallPart, ToolMessage
from junto.core.memory import Turn

__all__ = ["answers_tools", "history", "repaired"]


def answers_tools(turn: Turn) -> bool:
    """Whether it begins with tool results, and so goes on with the turn before it."""
    return bool(turn.messages) and isinstance(turn.messages[0], ToolMessage)


def history(earlier: Iterable[Turn | Message], new: Sequence[Message]) -> list[Message]:
    """Earlier turns as messages in front of the new ones."""
    old: list[Message] = []
    for item in earlier:
        old += item.messages if isinstance(item, Turn) else [item]
    return repaired(old, new)


def repaired(old: Sequence[Message], new: Sequence[Message] = ()) -> list[Message]:
    """Messages without what a provider refuses the whole conversation for.

    A tool call that was never answered is left out, and so is an answer to a call that
    is not there.

    Args:
        old: The messages.
        new: What follows them, and may answer the last calls.
    """
    following = [*old, *new]
    result: list[Message] = []
    asked: set[str] = set()
    for i, message in enumerate(old):
        if isinstance(message, ToolMessage):
            if message.call_id in asked:
                result.append(message)
            continue
        kept: Message | None = message
        if isinstance(message, AssistantMessage) and message.tool_calls:
            kept = _answered_only(message, following, i + 1)
        asked = (
            {call.id for call in kept.tool_calls} if isinstance(kept, AssistantMessage) else set()
        )
        if kept is not None:
            result.append(kept)
    return result


def _answered_only(
    message: AssistantMessage, following: Sequence[Message], start: int
) -> AssistantMessage | None:
    answered: set[str] = set()
    for i in range(start, len(following)):
        other = following[i]
        if not isinstance(other, ToolMessage):
            break
        answered.add(other.call_id)
    parts = [p for p in message.parts if not isinstance(p, ToolCallPart) or p.id in answered]
    return evolve(message, parts=parts) if parts else None
