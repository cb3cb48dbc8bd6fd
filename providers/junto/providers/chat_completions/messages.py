"""Messages in the form of chat completions."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from junto.core import (
    AssistantMessage,
    AudioPart,
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolMessage,
    VideoPart,
)

from ..assembly import is_json

__all__ = ["data_url", "encode_call", "encode_messages"]

_CACHE = {"type": "ephemeral"}
_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-m4a": "m4a"}


def encode_messages(
    messages: Iterable[Message],
    *,
    reasoning: bool = False,
    cache: bool = False,
    audio_as_url: bool = False,
    call_index: bool = False,
) -> list[dict[str, Any]]:
    """The list ``messages``.  As many as came in, in their order and roles.

    Args:
        messages: What was said.
        reasoning: Send the chain of thought of earlier answers back.
        cache: Send the cache marks of parts.
        audio_as_url: Sound goes as an URL or a ``data:`` URL (DashScope), and not as bare
            base64 (OpenAI).
        call_index: Number the calls of earlier answers (DashScope); others may refuse it.
    """
    encoded: list[dict[str, Any]] = []
    for message in messages:
        parts = _content(message.parts, cache=cache, audio_as_url=audio_as_url)
        plain = all(part.keys() == {"type", "text"} for part in parts)
        entry: dict[str, Any] = {
            "role": message.role,
            "content": "".join([part["text"] for part in parts]) if plain else parts,
        }
        if isinstance(message, ToolMessage):
            entry["tool_call_id"] = message.call_id
        elif isinstance(message, AssistantMessage):
            if calls := message.tool_calls:
                entry["tool_calls"] = [
                    encode_call(call, n if call_index else None) for n, call in enumerate(calls)
                ]
            if reasoning and message.reasoning:
                entry["reasoning_content"] = message.reasoning
        encoded.append(entry)
    return encoded


def encode_call(call: ToolCallPart, index: int | None = None) -> dict[str, Any]:
    """A call of an earlier turn; text that is not JSON would poison the conversation."""
    arguments = call.arguments if is_json(call.arguments) else "{}"
    function = {"name": call.name, "arguments": arguments}
    entry: dict[str, Any] = {"id": call.id, "type": "function", "function": function}
    return entry if index is None else entry | {"index": index}


def data_url(part: ImagePart | AudioPart | VideoPart) -> str:
    """Where a part is: its URL, or its bytes as one."""
    if part.data is None:
        return part.url or ""
    return f"data:{part.media_type};base64,{base64.b64encode(part.data).decode()}"


def _content(parts: tuple[Part, ...], *, cache: bool, audio_as_url: bool) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case TextPart():
                entry: dict[str, Any] = {"type": "text", "text": part.text}
            case ImagePart():
                extra = dict(part.extra)
                image = {"url": data_url(part)}
                if "detail" in extra:  # OpenAI's own key is inside
                    image["detail"] = extra.pop("detail")
                entry = {"type": "image_url", "image_url": image, **extra}
            case AudioPart():
                entry = {"type": "input_audio", "input_audio": _audio(part, audio_as_url)}
                entry |= part.extra
            case VideoPart():
                entry = {**_video(part), **part.extra}
            case _:
                continue  # reasoning and calls have places of their own
        if cache and part.cache:
            entry["cache_control"] = _CACHE
        content.append(entry)
    return content


def _video(part: VideoPart) -> dict[str, Any]:
    if part.frames is not None:
        return {"type": "video", "video": [data_url(frame) for frame in part.frames]}
    return {"type": "video_url", "video_url": {"url": data_url(part)}}


def _audio(part: AudioPart, as_url: bool) -> dict[str, Any]:  # noqa: FBT001  one place calls it
    if part.data is not None and not as_url:
        data = base64.b64encode(part.data).decode()
    else:
        data = data_url(part)
    sub = (part.media_type or "").partition("/")[2].partition(";")[0].lower()
    if not sub:
        sub = (part.url or "").partition("?")[0].rpartition(".")[2].lower()
    name = _FORMATS.get(sub, sub)
    return {"data": data, "format": name} if name.isalnum() and len(name) <= 8 else {"data": data}
