"""Other questions and other answers."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from junto.core import (
    AssistantMessage,
    ChatResponse,
    FinishReason,
    Part,
    ReasoningPart,
    TextPart,
    ToolMessage,
    UserMessage,
)

__all__ = ["refused", "replaced", "rewritten"]


def refused(response: ChatResponse, refusal: str) -> ChatResponse:
    """A refusal instead of an answer; usage and metadata stay."""
    return evolve(
        response,
        messages=(AssistantMessage(refusal),),
        sources=(),
        finish_reason=FinishReason.CONTENT_FILTER,
    )


def rewritten(message: UserMessage | ToolMessage, text: str) -> UserMessage | ToolMessage:
    """The same message with another text; media stay, behind it."""
    rest = [part for part in message.parts if not isinstance(part, TextPart)]
    return evolve(message, parts=(TextPart(text), *rest))


def replaced(response: ChatResponse, where: str, text: str) -> ChatResponse:
    """The same response with another text, or another chain of thought.

    It stands where the first piece of the old one stood; tool calls and tool messages
    stay.
    """
    kind = TextPart if where == "text" else ReasoningPart
    new: list[Part] = [_rendered(response, text) if where == "reasoning" else TextPart(text)]
    messages: list[AssistantMessage | ToolMessage] = []
    for message in response.messages:
        if isinstance(message, AssistantMessage):
            parts: list[Part] = []
            for part in message.parts:
                if isinstance(part, kind):
                    parts += new
                    new = []
                else:
                    parts.append(part)
            messages.append(AssistantMessage(parts))
        else:
            messages.append(message)
    return evolve(response, messages=messages)


def _rendered(response: ChatResponse, text: str) -> ReasoningPart:
    """The new thought, printed as the old one was; its seal was for the old one."""
    old = [
        part
        for message in response.messages
        if isinstance(message, AssistantMessage)
        for part in message.parts
        if isinstance(part, ReasoningPart)
    ]
    if all(part.shown is None for part in old):
        return ReasoningPart(text)
    return ReasoningPart(text, shown=_around(old, text))


def _around(old: Sequence[ReasoningPart], text: str) -> str:
    """``text`` in the tags that stood around the old thought."""
    if len(old) == 1 and old[0].shown is not None and old[0].text in old[0].shown:
        before, _, after = old[0].shown.partition(old[0].text)
        return f"{before}{text}{after}"
    return text
