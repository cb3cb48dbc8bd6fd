"""Usage objects (wire.md section 9), which are on every frame, and the last one counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec

from junto.core import Usage

from ..assembly import UNREADABLE, load_json, str_of, table_of

__all__ = ["EMPTY", "Counts", "Meta", "decode_meta", "sum_choices", "to_usage"]

_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class CacheWrites(msgspec.Struct, gc=False):
    """``prompt_tokens_details.cache_creation``."""

    ephemeral_5m_input_tokens: _Count | None = None


class Details(msgspec.Struct, gc=False):
    """The three objects of details; each uses some of the names."""

    reasoning_tokens: _Count | None = None
    cached_tokens: _Count | None = None
    cache_creation_input_tokens: _Count | None = None
    cache_creation: CacheWrites | None = None
    image_tokens: _Count | None = None
    video_tokens: _Count | None = None
    audio_tokens: _Count | None = None


class Counts(msgspec.Struct, gc=False):
    """A usage object.  Models differ in what they give, and in where they put it."""

    input_tokens: _Count | None = None
    output_tokens: _Count | None = None
    total_tokens: _Count | None = None
    cached_tokens: _Count | None = None
    image_tokens: _Count | None = None
    video_tokens: _Count | None = None
    audio_tokens: _Count | None = None
    prompt_tokens_details: Details | None = None
    input_tokens_details: Details | None = None
    output_tokens_details: Details | None = None


class Meta(msgspec.Struct, gc=False):
    """What every frame repeats; ``usage`` is ``{}`` or null on some."""

    usage: Counts | None = None
    request_id: str | None = None


class _Index(msgspec.Struct, gc=False):
    index: int | None = None


class _Choices(msgspec.Struct, gc=False):
    choices: list[_Index] | None = None


class _Indexed(msgspec.Struct, gc=False):
    output: _Choices | None = None


_INNER: Mapping[str, type[msgspec.Struct]] = {
    "cache_creation": CacheWrites,
    "prompt_tokens_details": Details,
    "input_tokens_details": Details,
    "output_tokens_details": Details,
}
_T = TypeVar("_T", bound=msgspec.Struct)
EMPTY = Counts()
_decode = msgspec.json.Decoder(Meta).decode


def decode_meta(data: bytes) -> Meta:
    """Usage and request id of a frame; never raises.

    A count that is none is left out, whatever it is instead.
    """
    try:
        meta = _decode(data)
    except UNREADABLE:
        table = table_of(load_json(data))
        counts = _only_counts(table.get("usage"), Counts)
        meta = Meta(counts, str_of(table.get("request_id")) or None)
    return meta


def _only_counts(value: Any, kind: type[_T]) -> _T:
    """The counts of ``kind`` that ``value`` really has."""
    table = table_of(value)
    kept: dict[str, Any] = {}
    for name in kind.__struct_fields__:
        item = table.get(name)
        if name in _INNER:
            kept[name] = _only_counts(item, _INNER[name]) if isinstance(item, dict) else None
        elif type(item) is int and 0 <= item < 2**53:
            kept[name] = item
    return kind(**kept)


def to_usage(counts: Counts) -> Usage:
    """The counts as the pipeline has them; a missing total is the sum (quirk 68)."""
    cached, written = counts.cached_tokens, None
    reasoning = None
    images, films, audio = counts.image_tokens, counts.video_tokens, counts.audio_tokens
    if (details := counts.prompt_tokens_details) is not None:
        if details.cached_tokens is not None:
            cached = details.cached_tokens
        written = details.cache_creation_input_tokens
        if written is None and details.cache_creation is not None:
            written = details.cache_creation.ephemeral_5m_input_tokens
    if (details := counts.output_tokens_details) is not None:
        reasoning = details.reasoning_tokens
    if (details := counts.input_tokens_details) is not None:
        images = images if details.image_tokens is None else details.image_tokens
        films = films if details.video_tokens is None else details.video_tokens
        audio = audio if details.audio_tokens is None else details.audio_tokens
    total = counts.total_tokens
    if total is None and counts.input_tokens is not None and counts.output_tokens is not None:
        total = counts.input_tokens + counts.output_tokens
    return Usage(
        input_tokens=counts.input_tokens,
        output_tokens=counts.output_tokens,
        total_tokens=total,
        reasoning_tokens=reasoning,
        cached_tokens=cached,
        cache_write_tokens=written,
        image_tokens=images if films is None else films + (images or 0),
        audio_tokens=audio,
    )


def sum_choices(payloads: Iterable[bytes], latest: dict[int, Counts], choices: int) -> Counts:
    """The usage of several answers: each frame counts the output of its own choice (7.5).

    Args:
        payloads: Frames, in order.
        latest: The last usage of each choice; brought up to date.
        choices: How many there are; what is said of others is ignored.
    """
    for payload in payloads:
        counts = decode_meta(payload).usage
        try:
            output = msgspec.json.decode(payload, type=_Indexed).output
        except UNREADABLE:
            continue
        if counts is None or counts == EMPTY:
            continue
        if output is not None and output.choices:
            index = output.choices[0].index or 0
            if 0 <= index < choices:
                latest[index] = counts
    if not latest:
        return EMPTY
    last = list(latest.values())[-1]
    outputs = sum(counts.output_tokens or 0 for counts in latest.values())
    total = (last.input_tokens or 0) + outputs
    return msgspec.structs.replace(last, output_tokens=outputs, total_tokens=total)
