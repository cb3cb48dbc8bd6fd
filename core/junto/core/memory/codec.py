"""Turns as JSON: versioned, in plain ASCII, the same in every store.

All that is not ASCII is escaped, so that NUL and lone surrogates, which some stores
refuse and others change, come back as they were.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Any, cast

from attrs import evolve, fields

from ..messages import (
    AssistantMessage,
    AudioPart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    SystemMessage,
    TextPart,
    ToolCallPart,
    ToolMessage,
    UserMessage,
    VideoPart,
)
from ..store_errors import StoreFormatError
from ..usage import COUNTS, FinishReason, Usage
from .turn import Turn

__all__ = ["TURN_VERSION", "hash_input", "turn_from_json", "turn_to_json"]

TURN_VERSION = 1
"""The version that is written.  Older ones are read, newer ones are refused."""

_MEDIA: dict[type, str] = {ImagePart: "image", AudioPart: "audio", VideoPart: "video"}
_MEDIA_BY_NAME: dict[str, Any] = {name: kind for kind, name in _MEDIA.items()}
_ROLES: dict[str, Any] = {
    kind.role: kind for kind in (SystemMessage, UserMessage, AssistantMessage, ToolMessage)
}

# Two surrogates that stand next to each other in a str would come back as one character.
_PAIR = re.compile("(?<=[\ud800-\udbff])(?=[\udc00-\udfff])")


def turn_to_json(turn: Turn) -> str:
    """The turn as one line of ASCII; ``seq`` and ``created`` are part of it where set.

    Raises:
        TypeError: The metadata holds what JSON cannot say.
        ValueError: The metadata holds NaN or an infinite number, or itself.
    """
    body: dict[str, Any] = {
        "v": TURN_VERSION,
        "id": turn.id,
        "input": [_from_message(m) for m in turn.input],
        "output": [_from_message(m) for m in turn.output],
        "status": turn.status.value,
    }
    if turn.finish_reason is not None:
        body["finish"] = turn.finish_reason.value
    if turn.usage != Usage():
        usage = {name: getattr(turn.usage, name) for name in COUNTS}
        body["usage"] = {name: count for name, count in usage.items() if count is not None}
        if turn.usage.estimated:
            body["usage"]["estimated"] = True
    if turn.metadata:
        body["metadata"] = dict(turn.metadata)
    for name in ("parent", "seq", "created"):
        value = getattr(turn, name)
        if value is not None:
            body[name] = value
    return _dumps(body)


def turn_from_json(text: str | bytes) -> Turn:
    """The turn that was written; what is unknown in an object of a known kind is ignored.

    Raises:
        StoreFormatError: It is of a newer version, holds something of an unknown kind, or
            is no turn at all.
    """
    try:
        body: Any = json.loads(text)
        _check_version(body)
        return Turn(
            body["id"],
            [_to_message(m) for m in body["input"]],
            [_to_message(m) for m in body["output"]],
            finish_reason=_finish(body.get("finish")),
            usage=_usage(body.get("usage", {})),
            status=body["status"],
            parent=body.get("parent"),
            metadata=body.get("metadata", {}),
            seq=body.get("seq"),
            created=body.get("created"),
        )
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        msg = f"what is stored is no turn that can be read: {error!r}"
        raise StoreFormatError(msg) from error


def hash_input(messages: Iterable[Message]) -> str:
    """What tells the same question from another: 64 hexadecimal digits."""
    text = _dumps([_from_message(message) for message in messages])
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _check_version(body: Any) -> None:
    version = body["v"]
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        msg = f"what is stored has the version {version!r}, which there never was"
        raise StoreFormatError(msg)
    if version > TURN_VERSION:
        msg = (
            f"what is stored has version {version}, and this junto reads versions up to "
            f"{TURN_VERSION}: use a newer junto"
        )
        raise StoreFormatError(msg)


def _from_message(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "parts": [_from_part(p) for p in message.parts]}
    if isinstance(message, ToolMessage):
        body["call_id"] = _text(message.call_id)
        if message.name:
            body["name"] = _text(message.name)
        if message.is_error:
            body["is_error"] = True
    return body


def _to_message(body: Mapping[str, Any]) -> Message:
    role = body["role"]
    if role not in _ROLES:
        msg = f"what is stored has a message of the unknown role {role!r}"
        raise StoreFormatError(msg)
    parts = [_to_part(part) for part in body["parts"]]
    if role == ToolMessage.role:
        name, is_error = _read(body.get("name", "")), bool(body.get("is_error", False))
        return ToolMessage(parts, call_id=_read(body["call_id"]), name=name, is_error=is_error)
    return _ROLES[role](parts)  # type: ignore[no-any-return]  # one of the other three


def _from_part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart():
            body: dict[str, Any] = {"type": "text", "text": _text(part.text)}
            if part.cache:
                body["cache"] = True
        case ReasoningPart():
            body = {"type": "reasoning", "text": _text(part.text)}
            body |= {
                name: _text(value)
                for name in ("shown", "signature")
                if (value := getattr(part, name)) is not None
            }
        case ToolCallPart():
            body = {"type": "tool_call", "id": _text(part.id), "name": _text(part.name)}
            body["arguments"] = _text(part.arguments)
        case _:
            body = {"type": _MEDIA[type(part)]}
            if part.url is not None:
                body["url"] = _text(part.url)
            if part.data is not None:
                body["data"] = b64encode(part.data).decode("ascii")
            if part.media_type is not None:
                body["media_type"] = _text(part.media_type)
            if isinstance(part, VideoPart) and part.frames is not None:
                body["frames"] = [_from_part(frame) for frame in part.frames]
            if part.cache:
                body["cache"] = True
            if part.extra:
                body["extra"] = dict(part.extra)
    return body


def _to_part(body: Mapping[str, Any]) -> Part:
    match kind := body["type"]:
        case "text":
            return TextPart(_read(body["text"]), cache=bool(body.get("cache", False)))
        case "reasoning":
            shown, signature = _maybe(body.get("shown")), _maybe(body.get("signature"))
            return ReasoningPart(_read(body["text"]), shown=shown, signature=signature)
        case "tool_call":
            return ToolCallPart(_read(body["id"]), _read(body["name"]), _read(body["arguments"]))
        case "image" | "audio" | "video":
            data, frames = body.get("data"), body.get("frames")
            given: dict[str, Any] = {
                "url": _maybe(body.get("url")),
                "data": None if data is None else b64decode(data, validate=True),
                "media_type": _maybe(body.get("media_type")),
                "cache": bool(body.get("cache", False)),
                "extra": body.get("extra", {}),
            }
            if frames is not None:
                given["frames"] = [_to_part(frame) for frame in frames]
            part: Part = _MEDIA_BY_NAME[kind](**given)
            return part
        case _:
            msg = f"what is stored has a part of the unknown type {kind!r}"
            raise StoreFormatError(msg)


def _finish(value: str | None) -> FinishReason | None:
    return None if value is None else FinishReason(value)


def _usage(body: Mapping[str, Any]) -> Usage:
    known = {a.name for a in fields(Usage)}
    return evolve(Usage(), **{name: value for name, value in body.items() if name in known})


def _text(text: str) -> str | list[str]:
    """A text as JSON says it without loss: as it is, or in pieces to be joined."""
    return text if text.isascii() or not _PAIR.search(text) else _PAIR.split(text)


def _read(value: Any) -> str:
    if isinstance(value, list):
        value = "".join(cast("list[str]", value))
    if not isinstance(value, str):
        msg = f"there is {type(value).__name__} where text should be"
        raise TypeError(msg)
    return value


def _maybe(value: Any) -> str | None:
    return None if value is None else _read(value)
