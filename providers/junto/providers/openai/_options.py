"""The parameters of OpenAI's chat completions, with their ranges.

Source of names and ranges: OpenAI's API reference for "create chat completion", as the
types of the official SDK 3.57 have it (2026-11).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from attrs import Attribute, field, frozen

from junto.core import ChatOptions

from ..ranges import between, texts, whole

__all__ = ["OURS", "OpenAIOptions"]

Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Tier: TypeAlias = Literal["auto", "default", "flex", "scale", "priority", "fast"]

OURS = frozenset({"thinking", "thinking_budget", "send_reasoning"})
"""Options that have no name of their own in the protocol."""

_between = functools.partial(between, at="OpenAI")
_whole = functools.partial(whole, at="OpenAI")


def _pairs(_: Any, _attribute: Attribute[Any], value: Mapping[str, str] | None) -> None:
    for key, text in (value or {}).items():
        if len(key) > 64 or len(text) > 512:
            raise ValueError("metadata has keys of at most 64 characters, and values of 512")
    if len(value or {}) > 16:
        raise ValueError("metadata has at most 16 pairs")


def _biases(_: Any, _attribute: Attribute[Any], value: Mapping[str, float] | None) -> None:
    for token, bias in (value or {}).items():
        if not -100 <= bias <= 100:
            raise ValueError(f"logit_bias of token {token!r} is from -100 to 100, not {bias!r}")


@frozen(kw_only=True)
class OpenAIOptions(ChatOptions):
    """All options of OpenAI's chat completions; servers differ in which of them they know.

    Those that all providers share are inherited.  What neither knows, such as ``min_p`` of
    vLLM or ``grammar`` of llama.cpp, goes through ``extra``.

    Attributes:
        max_tokens: Sent to OpenAI as ``max_completion_tokens``, which all of its models
            take; to others as it is.
        seed: For answers that repeat, as far as the server keeps them so.
        top_logprobs: 0 to 20; needs ``logprobs``.
        thinking: Sent by the name that the server has for it (see :class:`Server`); a
            server that has none gives a :class:`~junto.core.ModelWarning`.
        thinking_budget: The same.
        stop: OpenAI takes up to 4; its reasoning models none.
        max_completion_tokens: Tokens of reasoning and answer together, from 1.
        n: How many answers, 1 to 128; see :attr:`~junto.core.ChatResponse.choices`.
        logit_bias: By token id, -100 to 100.
        reasoning_effort: ``none``, ``minimal``, ``low``, ``medium``, ``high``, ``xhigh`` or
            ``max``, as far as the model knows them; with other servers their own words.
        verbosity: ``low``, ``medium`` or ``high``.
        service_tier: ``auto``, ``default``, ``flex``, ``scale``, ``priority`` or ``fast``.
        store: Keep the answer on OpenAI's side.
        metadata: Up to 16 pairs, of at most 64 and 512 characters.
        modalities: ``("text", "audio")``.
        audio: ``{"voice": …, "format": …}``; the sound comes as
            :class:`~junto.core.CustomEvent` of kind ``provider.audio``.
        prediction: ``{"type": "content", "content": …}``, a text that is mostly known.
        web_search_options: ``{"search_context_size": …, "user_location": …}``.
        moderation: Moderation of question and answer.
        prompt_cache_key: Which requests share a cache.
        prompt_cache_options: ``{"mode": …, "ttl": …}``.
        prompt_cache_retention: ``in_memory`` or ``24h``.
        safety_identifier: Of the user, at most 128 characters.
        user: The same, before there was ``safety_identifier``.
        stream_options: Left unset, usage is asked for; an empty mapping is not sent, for
            servers that refuse it.
        send_reasoning: Send the reasoning of earlier answers back, as
            ``reasoning_content``.  Left unset, DeepSeek gets it, which refuses turns with
            tools without it, and nobody else.
    """

    top_logprobs: int | None = field(default=None, validator=_whole(0, 20))
    max_completion_tokens: int | None = field(default=None, validator=_whole(1))
    n: int | None = field(default=None, validator=_whole(1, 128))
    logit_bias: Mapping[str, float] | None = field(default=None, hash=False, validator=_biases)
    reasoning_effort: Effort | str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    service_tier: Tier | str | None = None
    store: bool | None = None
    metadata: Mapping[str, str] | None = field(default=None, hash=False, validator=_pairs)
    modalities: tuple[str, ...] | None = field(default=None, converter=texts)
    audio: Mapping[str, Any] | None = field(default=None, hash=False)
    prediction: Mapping[str, Any] | None = field(default=None, hash=False)
    web_search_options: Mapping[str, Any] | None = field(default=None, hash=False)
    moderation: Mapping[str, Any] | None = field(default=None, hash=False)
    prompt_cache_key: str | None = None
    prompt_cache_options: Mapping[str, Any] | None = field(default=None, hash=False)
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    safety_identifier: str | None = None
    user: str | None = None
    stream_options: Mapping[str, Any] | None = field(default=None, hash=False)
    send_reasoning: bool | None = None
