"""The rows of the capability table: patterns of names, the first that fits counts.

Sources: the vendor's pages on thinking, streaming, tools, structured output, partial mode,
cache, search and vision (2026-01 to 2026-08), recorded traffic, and the model cards of
Dify, LiteLLM and AgentScope where the pages are silent.  Where sources disagree, a value
is left out.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from ._models import Capabilities

__all__ = ["ROWS"]


def _C(**known: Any) -> Capabilities:  # noqa: N802  it stands for the class, sixty times
    """A row: of the text path, unless it says otherwise."""
    values: dict[str, Any] = {"path": "text", **known}
    return Capabilities(**values)


_SAMPLING = frozenset(
    {
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "top_logprobs",
    }
)


def _row(base: Capabilities, limits: tuple[int | None, ...] = (), **more: Any) -> Capabilities:
    """``base`` with limits (context, input, reasoning, output; in tokens) and changes."""
    names = ("max_context", "max_input", "max_reasoning", "max_output")
    changes: dict[str, Any] = {**dict(zip(names, limits, strict=False)), **more}
    return evolve(base, **changes)


_K128 = 131072
_QWQ = _C(
    stream="only",
    thinking="always",
    tools=True,
    forced_tool=False,
    json=False,
    json_schema=False,
    partial=False,
    cache=False,
    system=False,
    ignored=_SAMPLING,
)
_QVQ = _C(
    path="multimodal",
    stream="only",
    thinking="always",
    tools=False,
    json=False,
    json_schema=False,
    partial=False,
    cache=False,
    search=False,
    system=False,
)
_PLAIN = _C(stream="free", thinking="none", tools=True, json=True, partial=True, cache=False)
_CACHED = evolve(_PLAIN, cache=True)
_WEAK = _C(stream="free", thinking="none", tools=False, json=False, cache=False, search=False)
_HYBRID = _C(
    stream="free",
    thinking="off",
    tools=True,
    json=True,
    json_while_thinking=False,
    partial=True,
    cache=False,
    search=True,
)
_HYBRID_CACHED = evolve(_HYBRID, cache=True)
# Hosted open weights think by default, and then refuse a plain call.
_OPEN = _C(stream="thinking", thinking="on", tools=True, json=True, json_while_thinking=False)
_THINKS = _C(stream="free", thinking="always", tools=True, json=False, partial=False)
_DISTILLED = evolve(_THINKS, tools=False)
_NEW = _C(
    path="multimodal",
    thinking="on",
    tools=True,
    json=True,
    json_while_thinking=False,
    search=True,
)
_NEWER = evolve(_NEW, json_schema=True)
_NEWEST = evolve(_NEWER, json_while_thinking=None, keeps_reasoning=True)
_VISION = _C(path="multimodal", stream="free", thinking="none", json=True, partial=True)
_VISION_HYBRID = _C(
    path="multimodal",
    stream="free",
    thinking="off",
    tools=True,
    json=True,
    json_while_thinking=False,
    partial=True,
)
_VISION_THINKS = _C(path="multimodal", thinking="always", tools=True, json=False, partial=False)
_SENSES = _C(path="multimodal", stream="free", thinking="none", tools=False, json=False)
_OMNI = _C(path="compatible", stream="only")
_MILLION = (1000000, 997952, 81920, 32768)
_NEW_MILLION = (1000000, 991808, 81920, 65536)
_NEWER_MILLION = (1000000, 991808, 262144, 65536)
_NEWEST_MILLION = (1000000, 991808, 262144, 131072)

ROWS: tuple[tuple[str, Capabilities], ...] = (
    # Qwen, commercial, text
    ("qwq-plus*", _row(_QWQ, (_K128, 98304, 32768, 8192), search=True)),
    ("qwq-32b-preview", _C(thinking="always", tools=False, json=False, max_context=32768)),
    ("qwq-*", _row(_QWQ, (_K128, 98304, 32768, 8192))),
    ("qwen3-max-preview", _row(_HYBRID, (262144, 258048, 81920, 65536))),
    ("qwen3-max-2025-09-23", _row(_PLAIN, (262144, 258048, None, 65536), search=True)),
    # It did not think at first, and answered enable_thinking in a recording of 2026-02.
    ("qwen3-max", _row(_HYBRID_CACHED, (262144, 258048, None, 65536))),
    (
        "qwen3-max-*",
        _C(
            thinking="off",
            tools=True,
            json=True,
            cache=False,
            search=True,
            max_context=262144,
            max_input=258048,
            max_output=65536,
        ),
    ),
    ("qwen-max*", _row(_PLAIN, (32768, 30720, None, 8192), search=True)),
    ("qwen-plus-character*", evolve(_WEAK, partial=False)),
    ("qwen-plus-2024-*", _row(_PLAIN, (_K128, 129024, None, 8192))),
    ("qwen-plus-*2025-01-*", _row(_PLAIN, (_K128, 129024, None, 8192))),
    ("qwen-plus", _row(_HYBRID_CACHED, _MILLION, json_schema=True)),
    ("qwen-plus-*", _row(_HYBRID, _MILLION, json_schema=True)),
    ("qwen-flash", _row(_HYBRID_CACHED, _MILLION)),
    ("qwen-flash-*", _row(_HYBRID, _MILLION)),
    ("qwen-turbo-latest", _row(_HYBRID, (1000000, None, None, 16384))),
    ("qwen-turbo*", _row(_HYBRID, (_K128, 129024, None, 16384))),
    ("qwen-long*", evolve(_WEAK, json=True, max_context=10000000)),
    ("qwen3-coder-plus*", _row(_CACHED, (1000000, 997952, None, 65536), search=False)),
    ("qwen3-coder-flash*", _row(_CACHED, (1000000, 997952, None, 65536), search=False)),
    (
        "qwen3-coder-*",
        _C(
            stream="free",
            thinking="none",
            tools=True,
            json=True,
            search=False,
            max_context=262144,
            max_output=65536,
        ),
    ),
    (
        "qwen-coder-*",
        _C(
            stream="free",
            thinking="none",
            partial=True,
            search=False,
            cache=False,
            max_context=_K128,
            max_output=8192,
        ),
    ),
    ("qwen-math-*", _row(_WEAK, (4096, 3072, None, 3072))),
    (
        "qwen-mt-*",
        evolve(_WEAK, partial=False, system=False, incremental=False, max_context=16384),
    ),
    # With `skill` it only streams, and shows progress as if it were reasoning.
    ("qwen-doc-turbo*", evolve(_WEAK, partial=False)),
    ("qwen-deep-research*", _C(stream="only", tools=False, json=False, partial=False, cache=False)),
    # Qwen 3.5 to 3.8: most take images, and have the path of those that do
    ("qwen3.[678]-max-preview", _C(thinking="on", tools=True, max_context=240000)),
    (
        "qwen3.7-max*",
        _row(_NEWER, _NEWER_MILLION, path="text"),
    ),
    ("qwen3.8-max*", _row(_NEWEST, _NEWEST_MILLION)),
    ("qwen3.8-flash*", _row(_NEWEST, _NEWEST_MILLION)),
    ("qwen3.7-plus*", _row(_NEWER, _NEWER_MILLION)),
    ("qwen3.7-flash*", _row(_NEW, (1000000, None, 262144, 131072), search=None)),
    ("qwen3.6-flash*", _row(_NEW, (1000000, 991808, None, 65536), stream="free")),
    ("qwen3.6-plus*", _row(_NEW, _NEW_MILLION, stream="free")),
    ("qwen3.[58]-plus*", _row(_NEW, _NEW_MILLION)),
    ("qwen3.5-flash*", _row(_NEW, _NEW_MILLION)),
    # Qwen with open weights
    ("qwen3-*-thinking-2507", _row(_THINKS, (_K128, None, 81920, 32768))),
    (
        "qwen3-*-instruct-2507",
        _C(
            stream="free",
            thinking="none",
            tools=True,
            json=True,
            max_context=_K128,
            max_output=32768,
        ),
    ),
    ("qwen3-next-*-thinking", _row(_THINKS, (None, None, 81920, None))),
    ("qwen3-next-*-instruct", _C(stream="free", thinking="none", tools=True)),
    # Pictures, films and sound
    ("qvq-*", _row(_QVQ, (_K128, None, None, 8192))),
    ("qwen3-vl-*-thinking", _row(_VISION_THINKS, (_K128, None, 81920, 32768))),
    ("qwen3-vl-*-instruct", evolve(_VISION, tools=True, partial=None, max_context=_K128)),
    ("qwen3-vl-plus*", _row(_VISION_HYBRID, (262144, 260096, None, 32768))),
    ("qwen3-vl-*", _VISION_HYBRID),
    ("qwen-vl-ocr*", evolve(_SENSES, partial=False)),
    ("qwen*-vl-*", _row(_VISION, (_K128, 129024, None, 8192))),
    ("qwen3-omni-*-captioner", _SENSES),
    (
        "qwen3-omni-flash*",
        evolve(_OMNI, thinking="off", tools=True, partial=False, max_context=65536),
    ),
    ("qwen*-omni-*", evolve(_OMNI, tools=True)),
    ("gui-plus*", _SENSES),
    ("qwen-audio-*", _SENSES),
    # Open weights again, behind the names above that begin alike
    ("qwen3-*b", _row(_OPEN, (_K128,))),
    ("qwen2.5-*", _C(stream="free", thinking="none", tools=True, max_output=8192)),
    # Others that DashScope hosts
    ("deepseek-r1-distill-*", _row(_DISTILLED, (32768, 32768, 16384, 16384))),
    ("deepseek-r1*", _row(_THINKS, (_K128, 98304, 32768, 16384))),
    ("deepseek-v3", _C(stream="free", thinking="none", tools=True, max_context=_K128)),
    (
        "deepseek-v3.1",
        _row(
            _C(stream="thinking", thinking="off", tools=True, tools_while_thinking=False),
            (_K128, 98304, 32768, 65536),
        ),
    ),
    (
        "deepseek-v3.2-exp",
        _row(
            _C(stream="free", thinking="off", tools=True, tools_while_thinking=False),
            (_K128, 98304, 32768, 65536),
        ),
    ),
    (
        "deepseek-v3.2*",
        _row(
            _C(stream="free", thinking="off", tools=True, tools_while_thinking=True),
            (_K128, 98304, 32768, 65536),
        ),
    ),
    ("deepseek-v4*", _C(stream="free", thinking="on", tools=True, max_output=393216)),
    (
        "glm-4.5-air",
        _C(stream="only", thinking="on", tools=True, json=True, search=False),
    ),
    ("glm-4.5", _C(thinking="on", tools=True, json=True)),
    ("glm-4.6", _C(stream="free", thinking="on", tools=True, max_context=202752)),
    ("glm-4.7", _C(thinking="off", tools=True, json=True, max_context=202752)),
    ("glm-*", _C(tools=True, json=True)),
    (
        "kimi-k2-thinking",
        _row(_THINKS, (262144, None, 16384, None), json=True),
    ),
    ("kimi-k2.*", _row(_C(tools=True, json=True), (262144, 229376, 32768), path="multimodal")),
    ("Moonshot-Kimi-K2-Instruct", _C(stream="free", thinking="none", tools=True, max_output=8192)),
    ("MiniMax-M2*", _C(tools=True, max_context=196608, max_reasoning=32768)),
)
