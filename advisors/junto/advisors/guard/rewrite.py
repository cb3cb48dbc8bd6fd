"""Other questions and other answers."""

from __future__ import annotations

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
