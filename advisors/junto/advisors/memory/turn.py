"""A turn: what is stored, and what is read back of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from attrs import evolve, field, frozen

from junto.core import AssistantMessage, Message, ToolCallPart, ToolMessage

__all__ = ["Turn", "check_conversation", "history", "window"]

_LONGEST_ID = 255
_NOT_IN_IDS = {"Cc", "Cf", "Cs"}


def _messages(value: Iterable[Message]) -> tuple[Message, ...]:
    return tuple(value)


@frozen
class Turn:
    """One question and all that followed, to the final answer.

    Attributes:
        id: Unique in the conversation; storing the same id again changes nothing.
        messages: What the user (or the caller's tools) said, then what was answered.
            No system messages, and no reasoning unless the advisor keeps it.
    """

    id: str
    messages: tuple[Message, ...] = field(converter=_messages)


def check_conversation(conversation: object) -> str:
    """The id of a conversation, if it can be one.

    Raises:
        ValueError: There is none, it is longer than 255 characters, or it holds control
            or format characters or lone surrogates.
        TypeError: It is no text.
    """
    if conversation is None:
        msg = (
            "memory needs to know the conversation: pass conversation_id='…' with the "
            "question (there is no default, which all users would share)"
        )
        raise ValueError(msg)
    if not isinstance(conversation, str):
        msg = f"conversation_id is a str, not {type(conversation).__name__}"
        raise TypeError(msg)
    if not 1 <= len(conversation) <= _LONGEST_ID:
        msg = f"conversation_id has 1 to {_LONGEST_ID} characters, not {len(conversation)}"
        raise ValueError(msg)
    for character in conversation:
        if unicodedata.category(character) in _NOT_IN_IDS:
            msg = f"conversation_id holds the character {character!a}, which it may not"
            raise ValueError(msg)
    return conversation


def window(turns: Sequence[Turn], max_messages: int) -> list[Turn]:
    """The newest turns with at most ``max_messages`` messages in all, oldest first.

    Turns stay whole: the newest is kept even when it is longer, and a turn that begins
    with tool results keeps the turn that asked for them.
    """
    kept: list[Turn] = []
    count = 0
    for turn in reversed(turns):
        needed = bool(kept) and bool(kept[-1].messages) and _answers(kept[-1].messages[0])
        if kept and not needed and count + len(turn.messages) > max_messages:
            break
        kept.append(turn)
        count += len(turn.messages)
    return kept[::-1]


def _answers(message: Message) -> bool:
    return isinstance(message, ToolMessage)


def history(turns: Iterable[Turn], new: Sequence[Message]) -> list[Message]:
    """Turns as messages in front of the new ones, such that a provider takes them.

    A tool call that was never answered is left out, and so is an answer to a call that
    is not there: a provider refuses the whole conversation for either.
    """
    old = [message for turn in turns for message in turn.messages]
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
            kept = _answered_only(message, following[i + 1 :])
        asked = (
            {call.id for call in kept.tool_calls} if isinstance(kept, AssistantMessage) else set()
        )
        if kept is not None:
            result.append(kept)
    return result


def _answered_only(
    message: AssistantMessage, following: Sequence[Message]
) -> AssistantMessage | None:
    answered: set[str] = set()
    for other in following:
        if not isinstance(other, ToolMessage):
            break
        answered.add(other.call_id)
    parts = [p for p in message.parts if not isinstance(p, ToolCallPart) or p.id in answered]
    return evolve(message, parts=parts) if parts else None
