"""Messages to the form of the native protocol (wire.md sections 4.1 and 4.2).

The two paths differ in the form of ``content``, and nowhere else: the text path takes a
string (or, for cache marks, a list tagged by ``type``), the multimodal path a list of
parts tagged by key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from junto.core import (
    AssistantMessage,
    AudioPart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    RejectedRequestError,
    TextPart,
    ToolCallPart,
    ToolMessage,
    VideoPart,
)

from ..chat_completions import data_url, encode_call
from ._models import Path

__all__ = ["encode_messages", "path_of", "uses_oss"]

_CACHE = {"type": "ephemeral"}
_MEDIA: dict[type, str] = {ImagePart: "image", AudioPart: "audio", VideoPart: "video"}


def encode_messages(
    messages: Iterable[Message], model: str, *, path: str, reasoning: bool
) -> list[dict[str, Any]]:
    """The list ``input.messages``.  As many messages as came in, in their order and roles.

    Args:
        messages: What was said.
        model: For the error's text.
        path: ``"text"`` or ``"multimodal"``.
        reasoning: Send the chain of thought of earlier answers back; models that do not
            ask for it ignore it, or bill it again (quirk 29).

    Raises:
        RejectedRequestError: A part that the path has no form for.
    """
    content_of = _content_list if path == "multimodal" else _content_text
    encoded: list[dict[str, Any]] = []
    for message in messages:
        entry: dict[str, Any] = {
            "role": message.role,
            "content": content_of(message.parts, model),
        }
        if isinstance(message, ToolMessage):
            entry["tool_call_id"] = message.call_id
        elif isinstance(message, AssistantMessage):
            if calls := message.tool_calls:
                entry["tool_calls"] = [encode_call(call, n) for n, call in enumerate(calls)]
            if reasoning and message.reasoning:
                entry["reasoning_content"] = message.reasoning
        encoded.append(entry)
    if encoded and encoded[-1]["role"] == "assistant" and "tool_calls" not in encoded[-1]:
        encoded[-1]["partial"] = True
    return encoded


def path_of(messages: Iterable[Message]) -> Path:
    """Where a model that nobody knows will answer: where media go, if there are some."""
    media = any(type(part) in _MEDIA for message in messages for part in message.parts)
    return "multimodal" if media else "text"


def uses_oss(messages: Iterable[Message]) -> bool:
    """Whether a part is in the vendor's temporary storage, which needs a header."""
    return any(
        url.startswith("oss://")
        for message in messages
        for part in message.parts
        if isinstance(part, ImagePart | AudioPart | VideoPart)
        for url in _urls(part)
    )


def _urls(part: ImagePart | AudioPart | VideoPart) -> list[str]:
    frames = part.frames if isinstance(part, VideoPart) else None
    return [each.url or "" for each in frames or (part,)]


def _content_text(parts: tuple[Part, ...], model: str) -> str | list[dict[str, Any]]:
    texts: list[TextPart] = []
    marked = False
    for part in parts:
        if isinstance(part, TextPart):
            texts.append(part)
            marked = marked or part.cache
        elif not isinstance(part, ReasoningPart | ToolCallPart):
            raise RejectedRequestError(
                f"{model} takes text only, and not the {type(part).__name__} of a message: use"
                " a vision or audio model (such as qwen3-vl-plus), or, if this is one, pass"
                ' capabilities={"path": "multimodal"}',
                kind="unsupported_part",
            )
    if not marked:
        return "".join([part.text for part in texts])
    return [
        {"type": "text", "text": part.text, **({"cache_control": _CACHE} if part.cache else {})}
        for part in texts
    ]


def _content_list(parts: tuple[Part, ...], _model: str) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, TextPart):
            entry: dict[str, Any] = {"text": part.text}
        elif isinstance(part, ImagePart | AudioPart | VideoPart):
            frames = part.frames if isinstance(part, VideoPart) else None
            where = data_url(part) if frames is None else [data_url(frame) for frame in frames]
            entry = {_MEDIA[type(part)]: where, **part.extra}
        else:
            continue  # reasoning and calls have places of their own
        if part.cache:
            entry["cache_control"] = _CACHE
        content.append(entry)
    return content
