"""Usage objects of chat completions."""

from __future__ import annotations

from typing import Any

from junto.core import Usage

from ..assembly import table_of

__all__ = ["to_usage"]


def to_usage(value: Any) -> Usage | None:
    """The counts as the pipeline has them; ``None`` where there are none.

    A count that is none is left out, whatever it is instead.  Servers differ in where they
    put the cache: OpenAI and DashScope in ``prompt_tokens_details``, DeepSeek beside it.
    """
    table = table_of(value)
    prompt = table_of(table.get("prompt_tokens_details"))
    completion = table_of(table.get("completion_tokens_details"))
    written = _first(
        prompt.get("cache_creation_input_tokens"),
        prompt.get("cache_write_tokens"),
        table_of(prompt.get("cache_creation")).get("ephemeral_5m_input_tokens"),
    )
    cached = _first(
        prompt.get("cached_tokens"),
        table.get("cached_tokens"),
        table.get("prompt_cache_hit_tokens"),
    )
    asked = _first(table.get("prompt_tokens"), table.get("input_tokens"))
    said = _first(table.get("completion_tokens"), table.get("output_tokens"))
    total = _first(table.get("total_tokens"))
    if total is None and asked is not None and said is not None:
        total = asked + said
    images, films = _first(prompt.get("image_tokens")), _first(prompt.get("video_tokens"))
    usage = Usage(
        input_tokens=asked,
        output_tokens=said,
        total_tokens=total,
        reasoning_tokens=_first(completion.get("reasoning_tokens"), table.get("reasoning_tokens")),
        cached_tokens=cached,
        cache_write_tokens=written,
        image_tokens=images if films is None else films + (images or 0),
        audio_tokens=_first(prompt.get("audio_tokens")),
    )
    return None if usage == Usage() else usage


def _first(*values: Any) -> int | None:
    """The first that is a number of tokens."""
    for value in values:
        if type(value) is int and 0 <= value < 2**53:
            return value
    return None
