"""One frame of the native protocol: JSON bytes to a typed value.

The shapes are those of wire.md sections 5, 7 and 9.  Only what is read is declared;
unknown keys are skipped without making objects of them, and usage and request id, which
are on every frame, are decoded for one frame a read (:class:`Meta`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from junto.core import ProtocolError, Usage

__all__ = [
    "Choice",
    "ContentPart",
    "Frame",
    "Message",
    "Meta",
    "Output",
    "ToolFragment",
    "decode",
    "decode_slowly",
    "sum_choices",
    "to_usage",
]

_T = TypeVar("_T")


class ContentPart(msgspec.Struct, gc=False):
    """A part of a multimodal answer: ``{"text": …}``; other kinds have no text."""

    text: str | None = None


class Function(msgspec.Struct, gc=False):
    """The inner half of a tool-call fragment; ``arguments`` is JSON text, or a piece of it."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class ToolFragment(msgspec.Struct, gc=False):
    """A piece of a tool call.  Any of it may be missing, null or empty."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Message(msgspec.Struct, gc=False):
    """What a choice says; ``phase`` and ``status`` occur in deep research alone."""

    content: str | list[ContentPart | str] | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolFragment] | None = None
    phase: str | None = None
    status: str | None = None


class Choice(msgspec.Struct, gc=False):
    """One of the answers; ``finish_reason`` is the string ``"null"`` while it runs."""

    message: Message | None = None
    finish_reason: str | None = None
    index: int | None = None
    logprobs: Any = None


class Output(msgspec.Struct, gc=False):
    """The answer in one of its three shapes: choices, text, or deep research's message."""

    choices: list[Choice] | None = None
    text: str | None = None
    finish_reason: str | None = None
    message: Message | None = None
    search_info: Any = None
    tool_info: Any = None
    model_name: str | None = None


class Frame(msgspec.Struct, gc=False):
    """A whole payload.  A non-empty ``code`` or an ``error`` makes it an error."""

    output: Output | None = None
    code: str | int | None = None
    error: Any = None


class Meta(msgspec.Struct, gc=False):
    """What every frame repeats; ``usage`` can be ``{}`` or null."""

    usage: Any = None
    request_id: Any = None


_decoders: dict[type, Any] = {kind: msgspec.json.Decoder(kind) for kind in (Frame, Meta)}


def decode(data: bytes, kind: type[_T]) -> _T:
    """Read ``data`` as ``kind``, the slow way where msgspec refuses the text.

    Python's own reader takes lone surrogates (``"\\ud83d"``) and invalid UTF-8 becomes
    U+FFFD.  A number in quotes is taken as the number.

    Raises:
        ProtocolError: It is not JSON, nests too deep, or has other types than agreed.
    """
    try:
        result: _T = _decoders[kind].decode(data)
    except msgspec.MsgspecError:
        return decode_slowly(data, kind)
    except RecursionError:
        raise ProtocolError("JSON from the service nests too deep") from None
    return result


def decode_slowly(data: bytes, kind: type[_T]) -> _T:
    """The slow way of :func:`decode`."""
    text = data.decode("utf-8", "replace")
    try:
        value = _loads(text)
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"unexpected JSON from the service: {error}") from None
    except RecursionError:
        raise ProtocolError("JSON from the service nests too deep") from None
    except ValueError:
        raise ProtocolError(f"the service sent something that is not JSON: {text[:80]}") from None


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        # Several data lines are joined by LF; a sender that cuts inside a string means none.
        if "\n" not in text:
            raise
        return json.loads(text.replace("\n", ""))


def to_usage(raw: dict[str, Any]) -> Usage:
    """The counts of a usage object, wherever the model of the day puts them (section 9).

    A number that is missing, or no whole number, is ``None``; ``total_tokens``, which
    some vision models leave out, is then the sum.
    """
    prompt = _table(raw, "prompt_tokens_details")
    inputs = _table(raw, "input_tokens_details")
    outputs = _table(raw, "output_tokens_details")
    creation = _table(prompt, "cache_creation")
    input_tokens = _count(raw, "input_tokens")
    output_tokens = _count(raw, "output_tokens")
    total = _count(raw, "total_tokens")
    if total is None and input_tokens is not None and output_tokens is not None:
        total = input_tokens + output_tokens
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=total,
        reasoning_tokens=_count(outputs, "reasoning_tokens"),
        cached_tokens=_first(_count(prompt, "cached_tokens"), _count(raw, "cached_tokens")),
        cache_write_tokens=_first(
            _count(prompt, "cache_creation_input_tokens"),
            _count(creation, "ephemeral_5m_input_tokens"),
        ),
        image_tokens=_pictures(raw, inputs),
        audio_tokens=_first(_count(inputs, "audio_tokens"), _count(raw, "audio_tokens")),
    )


def sum_choices(payloads: Iterable[bytes], latest: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The usage of several answers: each frame counts the output of its own choice (7.5).

    Args:
        payloads: Frames, in order.
        latest: The last usage of each choice; brought up to date.
    """
    for payload in payloads:
        try:
            frame, meta = decode(payload, Frame), decode(payload, Meta)
        except ProtocolError:
            continue
        choices = frame.output.choices if frame.output is not None else None
        if isinstance(meta.usage, dict) and meta.usage and choices:
            latest[choices[0].index or 0] = meta.usage
    usages = list(latest.values())
    if not usages:
        return {}
    outputs = sum(_count(usage, "output_tokens") or 0 for usage in usages)
    inputs = _count(usages[-1], "input_tokens") or 0
    return {**usages[-1], "output_tokens": outputs, "total_tokens": inputs + outputs}


def _pictures(raw: dict[str, Any], inputs: dict[str, Any]) -> int | None:
    images = _first(_count(inputs, "image_tokens"), _count(raw, "image_tokens"))
    films = _first(_count(inputs, "video_tokens"), _count(raw, "video_tokens"))
    return images if films is None else films + (images or 0)


def _table(raw: dict[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def _count(raw: dict[str, Any], name: str) -> int | None:
    value = raw.get(name)
    return value if type(value) is int and value >= 0 else None


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one
