"""Other questions and other answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

__all__ = ["checked", "refused", "replaced", "rewritten"]

# What a provider may say of the answer beside it, and would give the old text away.
_TELLING = {"logprobs", "tool_info"}


def checked(metadata: Mapping[str, Any], *, changed: bool) -> dict[str, Any]:
    """``metadata`` without the text that no check has seen.

    Further choices are nobody's to look at, so a guard lets none pass; token by token
    the provider's ``logprobs`` repeat a text that was blocked or replaced.
    """
    hidden = {"choices", *(_TELLING if changed else ())}
    return {name: value for name, value in metadata.items() if name not in hidden}


def refused(response: ChatResponse, refusal: str) -> ChatResponse:
    """A refusal instead of an answer; usage and harmless metadata stay."""
    return evolve(
        response,
        metadata=checked(response.metadata, changed=True),
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
    return evolve(response, messages=messages, metadata=checked(response.metadata, changed=True))


def _rendered(response: ChatResponse, text: str) -> ReasoningPart:
    """The new thought, printed as the old one was; its seal was for the old one."""
    printed = [
        part
        for message in response.messages
        if isinstance(message, AssistantMessage)
        for part in message.parts
        if isinstance(part, ReasoningPart) and part.shown is not None
    ]
    if not printed:
        return ReasoningPart(text)
    return ReasoningPart(text, shown=_around(printed[0], printed[-1], text) if text else "")


def _around(first: ReasoningPart, last: ReasoningPart, text: str) -> str:
    """``text`` as one block: in what stood before the first thought and after the last.

    A tag in it is broken by a backslash, as :class:`ReasoningAdvisor` does.
    """
    before, after = _before(first), _after(last)
    for tag in {before.strip(), after.strip()} - {""}:
        text = text.replace(tag, f"{tag[0]}\\{tag[1:]}")
    return f"{before}{text}{after}"


def _before(part: ReasoningPart) -> str:
    shown = part.shown or ""
    for size in _SIZES:
        at = shown.find(part.text[:size])
        if at >= 0:
            return shown[:at]
    return ""


def _after(part: ReasoningPart) -> str:
    shown = part.shown or ""
    for size in _SIZES:
        tail = part.text[-size:]
        at = shown.rfind(tail)
        if at >= 0:
            return shown[at + len(tail) :]
    return ""


# How much of a thought is looked for in what is printed of it, where a tag may be broken.
_SIZES = (1 << 20, 64, 16, 4, 2, 1)
