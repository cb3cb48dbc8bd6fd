"""The parameters of DashScope, with their ranges (API reference of Model Studio, 2026-08).

Ranges are checked here where the service documents one, so that a mistake is told before
anything is sent.  What differs by model is left to the service.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from attrs import Attribute, field, frozen

from junto.core import ChatOptions

from ..ranges import between, texts, whole

__all__ = ["DashScopeOptions", "Effort", "SearchOptions", "TranslationOptions"]

Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Tokens: TypeAlias = tuple[int, ...] | tuple[tuple[int, ...], ...]


_between = functools.partial(between, at="DashScope")
_whole = functools.partial(whole, at="DashScope")


def _mapping_or(kind: type) -> Any:
    """A validator of what is given as an object of its own, or as a mapping."""

    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if value is not None and not isinstance(value, kind | Mapping):
            msg = f"{attribute.name} is {kind.__name__}(…) or a mapping, not {value!r}"
            raise TypeError(msg)

    return check


def _tokens(value: Iterable[int] | Iterable[Iterable[int]] | None) -> Tokens | None:
    if value is None:
        return None
    items: list[Any] = list(value)
    if all(type(item) is int for item in items):
        return tuple(items)
    return tuple(tuple(cast("Iterable[int]", item)) for item in items)


@frozen(kw_only=True)
class SearchOptions:
    """How the model searches the web: ``search_options``.

    Sources come back over the native protocol alone, as
    :class:`~junto.core.Source` events.

    Attributes:
        enable_source: Say which pages were found.
        enable_citation: Put numbers into the text; needs ``enable_source``.
        citation_format: ``"[<number>]"`` or ``"[ref_<number>]"``.
        forced_search: Search in any case.
        search_strategy: ``"turbo"``, ``"max"``, ``"agent"``, ``"agent_max"``; with older
            models ``"standard"`` or ``"pro"``.
        enable_search_extension: Also ask specialised sources, such as weather.
        prepend_search_result: Send the sources in a frame of their own, first.
        freshness: Only pages of so many last days.
        assigned_site_list: Only pages of these hosts.
        intention_options: Such as ``{"prompt_intervene": "…"}``, what to search for.
    """

    enable_source: bool | None = None
    enable_citation: bool | None = None
    citation_format: str | None = None
    forced_search: bool | None = None
    search_strategy: str | None = None
    enable_search_extension: bool | None = None
    prepend_search_result: bool | None = None
    freshness: int | None = field(default=None, validator=_whole(1))
    assigned_site_list: tuple[str, ...] | None = field(default=None, converter=texts)
    intention_options: Mapping[str, Any] | None = field(default=None, hash=False)


@frozen(kw_only=True)
class TranslationOptions:
    """What qwen-mt translates, and how: ``translation_options``.

    Attributes:
        source_lang: A language's English name, or ``"auto"``.
        target_lang: A language's English name.
        terms: Pairs ``{"source": …, "target": …}`` to translate so.
        tm_list: Pairs of sentences as examples.
        domains: A sentence in English on the field and the style.
    """

    source_lang: str
    target_lang: str
    terms: Sequence[Mapping[str, str]] | None = field(default=None, hash=False)
    tm_list: Sequence[Mapping[str, str]] | None = field(default=None, hash=False)
    domains: str | None = None


@frozen(kw_only=True, repr=False)
class DashScopeOptions(ChatOptions):
    """All options of DashScope.  ``None`` leaves a thing to the service; ``False`` is sent.

    Those that all providers share are inherited; three have another range here:
    ``temperature`` is from 0 to below 2, ``top_p`` above 0 to 1, ``top_logprobs`` 0 to 5.
    Which of them a model takes, and its defaults, are its own affair; what the capability
    table knows to be lost gives a :class:`~junto.core.ModelWarning`.

    Source of names and ranges: API reference of Model Studio, 2026-08.

    Attributes:
        temperature: From 0 to below 2.  The service's defaults: 0.6 to 1.0 by model.
        top_p: Above 0 to 1; defaults 0.8, thinking 0.95.
        top_k: How many candidates; above 100 it is off.  Not for DeepSeek, Kimi, MiniMax.
        max_tokens: Tokens; with thinking models of the visible answer alone.
        max_completion_tokens: Tokens of reasoning and answer together, to within about
            10; qwen3.5 and later, DeepSeek.
        seed: 0 to 2**63 - 1; over the compatible mode 0 to 2**31 - 1.
        logprobs: Ask for the probabilities of the tokens; some snapshots only.
        top_logprobs: And of how many alternatives, 0 to 5.
        thinking: ``enable_thinking``.  Hybrid models are always told, with their own
            default where this is unset.
        thinking_budget: The most tokens to think for, from 1; exact, the answer follows.
        parallel_tool_calls: The service's default is false, unlike OpenAI's.
        repetition_penalty: Above 0; 1 is none.
        preserve_thinking: Take the reasoning of earlier answers into account.  It is then
            sent back, and billed as input.  qwen3.6 and later, Kimi.
        reasoning_effort: Instead of ``thinking_budget``: DeepSeek-V4 and GLM ``high``,
            ``max``; qwen3.8 ``low``, ``medium``, ``xhigh``; ``none`` switches thinking off.
        clear_thinking: GLM only.
        stop_tokens: Ends as token ids, or as lists of them; not together with ``stop``.
        n: How many answers, 1 to 4; see :attr:`~junto.core.ChatResponse.choices`.  Not
            with tools, and not while thinking.
        logit_bias: By token id, -100 to 100; qwen-plus-character.
        tool_stream: Stream arguments that hold arrays and objects; without it they come
            in one piece.  qwen3.5 and later, GLM-5.1.
        enable_search: Let the model search the web.
        search_options: How.
        enable_code_interpreter: Let the model run code; qwen3-max, thinking.
        enable_text_image_mixed: Let images come as HTML inside the text.
        vl_high_resolution_images: Up to 16384 tokens an image; ``max_pixels`` is ignored.
        vl_enable_image_hw_output: Say the sizes of the images.
        ocr_options: ``task`` and ``task_config``; qwen-vl-ocr.
        translation_options: qwen-mt.
        skill: qwen-doc-turbo.
        modalities: ``("text", "audio")``; Omni, over the compatible mode.
        audio: ``{"voice": …, "format": …}``; Omni and speech.
        asr_options: Speech recognition.
        output_format: Deep research.
        result_format: Left unset, it is ``message``, the one form that carries everything.
        incremental_output: Left unset, it is true; false makes each frame repeat the text
            so far, which is read as well.
    """

    temperature: float | None = field(default=None, validator=_between(0, 2, open_high=True))
    top_p: float | None = field(default=None, validator=_between(0, 1, open_low=True))
    seed: int | None = field(default=None, validator=_whole(0, 2**63 - 1))
    top_logprobs: int | None = field(default=None, validator=_whole(0, 5))
    repetition_penalty: float | None = field(
        default=None, validator=_between(0, float("inf"), open_low=True, open_high=True)
    )
    max_completion_tokens: int | None = field(default=None, validator=_whole(1))
    preserve_thinking: bool | None = None
    reasoning_effort: Effort | str | None = None
    clear_thinking: bool | None = None
    stop_tokens: Tokens | None = field(default=None, converter=_tokens)
    n: int | None = field(default=None, validator=_whole(1, 4))
    logit_bias: Mapping[str, float] | None = field(default=None, hash=False)
    tool_stream: bool | None = None
    enable_search: bool | None = None
    search_options: SearchOptions | Mapping[str, Any] | None = field(
        default=None, hash=False, validator=_mapping_or(SearchOptions)
    )
    enable_code_interpreter: bool | None = None
    enable_text_image_mixed: bool | None = None
    vl_high_resolution_images: bool | None = None
    vl_enable_image_hw_output: bool | None = None
    ocr_options: Mapping[str, Any] | None = field(default=None, hash=False)
    translation_options: TranslationOptions | Mapping[str, Any] | None = field(
        default=None, hash=False, validator=_mapping_or(TranslationOptions)
    )
    skill: Sequence[Mapping[str, Any]] | None = field(default=None, hash=False)
    modalities: tuple[str, ...] | None = field(default=None, converter=texts)
    audio: Mapping[str, Any] | None = field(default=None, hash=False)
    asr_options: Mapping[str, Any] | None = field(default=None, hash=False)
    output_format: str | None = None
    result_format: Literal["message", "text"] | None = None
    incremental_output: bool | None = None

    def __attrs_post_init__(self) -> None:
        if self.stop and self.stop_tokens:
            raise ValueError("stop and stop_tokens do not go together: choose one")

    @classmethod
    def _check_names(cls, values: Mapping[str, Any]) -> None:
        if "enable_thinking" in values:
            raise TypeError("'enable_thinking' is not an option: it is called 'thinking' here")
        super()._check_names(values)
