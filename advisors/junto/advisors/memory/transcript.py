"""A conversation as one text, in which nobody can pretend to be somebody else."""

from __future__ import annotations

from collections.abc import Iterable

from junto.core import (
    AssistantMessage,
    AudioPart,
    ImagePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    VideoPart,
)

__all__ = ["QUOTE", "quoted", "transcript"]

QUOTE = "> "
"""In front of each line that somebody said; a line without it is ours."""


def quoted(text: str) -> str:
    """The text with a mark in front of each of its lines, whatever ends them."""
    # splitlines() knows every line end that a model may take for one: CR, NEL, U+2028, …
    return "\n".join(f"{QUOTE}{line}" for line in text.splitlines())


def transcript(messages: Iterable[Message]) -> str:
    """Messages as text: a line with the role, and under it, quoted, what was said.

    Media are only named.  Reasoning, and messages that hold nothing else, are left out.
    """
    blocks: list[str] = []
    for message in messages:
        for head, said in _said(message):
            body = quoted(said)
            if body:
                blocks.append(f"{head}:\n{body}")
    return "\n".join(blocks)


def _said(message: Message) -> Iterable[tuple[str, str]]:
    role = (
        "tool, failing" if isinstance(message, ToolMessage) and message.is_error else message.role
    )
    text = ""
    calls: list[str] = []
    for part in message.parts:
        match part:
            case TextPart():
                text += part.text
            case ToolCallPart():
                calls.append(f"{part.name}({part.arguments})")
            case ImagePart() | AudioPart() | VideoPart():
                text += f"[{type(part).__name__.removesuffix('Part').lower()}]"
            case ReasoningPart():
                pass
    yield role, text
    if isinstance(message, AssistantMessage):
        for call in calls:
            yield f"{role}, calling a tool", call
