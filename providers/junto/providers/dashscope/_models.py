"""What each model can do, as data: models.md, written 2026-11-22.

Line-ups change monthly, so this is never a gate.  A name that is not here is sent as it
is, and streamed, which every model allows; ``DashScopeModel(capabilities=…)`` overrides
a row.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal

from attrs import frozen

__all__ = ["Capabilities", "capabilities_of"]


@frozen(kw_only=True)
class Capabilities:
    """What one model can do; ``None`` means that nobody said.

    Attributes:
        path: The native endpoint that serves it: a model has exactly one.
        stream: ``"only"``: a plain call is refused; ``"thinking"``: refused while it
            thinks; ``"free"``: both work.
        thinking: ``"always"``, ``"none"``, or the default of a hybrid: ``"on"``, ``"off"``.
        tools: Takes tools.
        forced_tool: Takes a ``tool_choice`` that forces a tool, while not thinking.
        json: Takes ``response_format`` of JSON.
        partial: Continues an answer that is begun.
        cache: Takes explicit cache marks.
        system: Takes system messages; ``False`` also where the vendor advises against them.
        incremental: Knows ``incremental_output``; without it frames are cumulative.
        keeps_reasoning: Wants the reasoning of earlier turns back (``preserve_thinking``).
        ignored: Parameters that are accepted and have no effect.
    """

    path: Literal["text", "multimodal"] = "text"
    stream: Literal["only", "thinking", "free"] | None = None
    thinking: Literal["always", "on", "off", "none"] | None = None
    tools: bool | None = None
    forced_tool: bool | None = None
    json: bool | None = None
    partial: bool | None = None
    cache: bool | None = None
    system: bool | None = None
    incremental: bool = True
    keeps_reasoning: bool = False
    ignored: frozenset[str] = frozenset()


_C = Capabilities
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
_QWQ = _C(
    stream="only",
    thinking="always",
    tools=True,
    forced_tool=False,
    json=False,
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
    partial=False,
    cache=False,
    system=False,
)
_PLAIN = _C(stream="free", thinking="none", tools=True, json=True, partial=True, cache=False)
_CACHED = _C(stream="free", thinking="none", tools=True, json=True, partial=True, cache=True)
_OLD = _C(stream="free", thinking="none", tools=False, json=False, cache=False)
_HYBRID = _C(stream="free", thinking="off", tools=True, json=True, partial=True, cache=False)
_HYBRID_CACHED = _C(stream="free", thinking="off", tools=True, json=True, partial=True, cache=True)
_OPEN = _C(stream="thinking", thinking="on", tools=True, json=True)
_THINKS = _C(stream="free", thinking="always", tools=True, json=False, partial=False)
_NEW = _C(path="multimodal", thinking="on", tools=True, json=True)
_NEW_KEEPING = _C(path="multimodal", thinking="on", tools=True, json=True, keeps_reasoning=True)
_VISION = _C(path="multimodal", stream="free", thinking="none", json=True, partial=True)
_VISION_HYBRID = _C(
    path="multimodal", stream="free", thinking="off", tools=True, json=True, partial=True
)
_VISION_THINKS = _C(path="multimodal", thinking="always", tools=True, json=False, partial=False)

_ROWS: tuple[tuple[str, Capabilities], ...] = (
    # 1. Qwen commercial text
    ("qwq-*", _QWQ),
    ("qwen3-max-preview", _HYBRID),
    ("qwen3-max-2025-09-23", _PLAIN),
    ("qwen3-max", _HYBRID_CACHED),  # "none then"; answers enable_thinking in 2026-02
    ("qwen3-max-*", _C(thinking="off", tools=True, json=True)),
    ("qwen-max*", _PLAIN),
    ("qwen-plus-character*", _C(stream="free", thinking="none", tools=False, json=False)),
    ("qwen-plus-2024-*", _PLAIN),
    ("qwen-plus-*2025-01-*", _PLAIN),
    ("qwen-plus", _HYBRID_CACHED),
    ("qwen-plus-*", _HYBRID),
    ("qwen-flash", _HYBRID_CACHED),
    ("qwen-flash-*", _HYBRID),
    ("qwen-turbo*", _HYBRID),
    ("qwen-long*", _C(stream="free", thinking="none", tools=False, json=True, cache=False)),
    ("qwen3-coder-plus*", _CACHED),
    ("qwen3-coder-flash*", _CACHED),
    ("qwen3-coder-*", _C(stream="free", thinking="none", tools=True, json=True)),
    ("qwen-coder-*", _C(stream="free", thinking="none", partial=True)),
    ("qwen-math-*", _OLD),
    (
        "qwen-mt-*",
        _C(
            stream="free",
            thinking="none",
            tools=False,
            json=False,
            partial=False,
            cache=False,
            system=False,
            incremental=False,
        ),
    ),
    ("qwen-doc-turbo*", _OLD),
    ("qwen-deep-research*", _C(stream="only", tools=False, json=False, cache=False)),
    # 2. Qwen 3.5 to 3.8
    ("qwen3.[678]-max-preview", _C(thinking="on", tools=True)),
    ("qwen3.7-max*", _C(thinking="on", tools=True, json=True)),
    ("qwen3.8-max*", _NEW_KEEPING),
    ("qwen3.8-flash*", _NEW_KEEPING),
    ("qwen3.[5678]-plus*", _NEW),
    ("qwen3.[567]-flash*", _NEW),
    # 3. Qwen with open weights
    ("qwen3-*-thinking-2507", _THINKS),
    ("qwen3-*-instruct-2507", _C(stream="free", thinking="none", tools=True, json=True)),
    ("qwen3-next-*-thinking", _THINKS),
    ("qwen3-next-*-instruct", _C(stream="free", thinking="none", tools=True)),
    # 4. Vision
    ("qvq-*", _QVQ),
    ("qwen3-vl-*-thinking", _VISION_THINKS),
    ("qwen3-vl-*-instruct", _VISION),
    ("qwen3-vl-*", _VISION_HYBRID),
    ("qwen-vl-ocr*", _C(path="multimodal", stream="free", thinking="none", tools=False)),
    ("qwen*-vl-*", _VISION),
    ("qwen3-omni-*-captioner", _C(path="multimodal", stream="free", thinking="none")),
    ("qwen*-omni-*", _C(path="multimodal", stream="only")),
    ("gui-plus*", _C(path="multimodal", stream="free", thinking="none")),
    ("qwen-audio-*", _C(path="multimodal", stream="free", thinking="none")),
    # 3 again, after the names above that begin alike
    ("qwen3-*b", _OPEN),
    ("qwen3-*-a*b", _OPEN),
    ("qwen2.5-*", _C(stream="free", thinking="none", tools=True)),
    # 5. Others that DashScope hosts
    ("deepseek-r1-distill-*", _C(stream="free", thinking="always", tools=False, json=False)),
    ("deepseek-r1*", _THINKS),
    ("deepseek-v3", _C(stream="free", thinking="none", tools=True)),
    ("deepseek-v3.1", _C(stream="thinking", thinking="off", tools=True)),
    ("deepseek-v3.2*", _C(stream="free", thinking="off", tools=True)),
    ("deepseek-v4*", _C(stream="free", thinking="on", tools=True)),
    ("glm-4.5-air", _C(stream="only", thinking="on", tools=True, json=True)),
    ("glm-4.[56]", _C(thinking="on", tools=True)),
    ("glm-*", _C(tools=True)),
    ("kimi-k2-thinking", _THINKS),
    ("kimi-k2.*", _C(path="multimodal", tools=True, json=True)),
    ("Moonshot-Kimi-K2-Instruct", _C(stream="free", thinking="none", tools=True)),
)
"""Patterns with the row they lead to; the first that fits counts."""


@lru_cache(maxsize=256)
def capabilities_of(model: str) -> Capabilities:
    """The row of ``model``; the one that knows nothing, when there is none."""
    name = model.removesuffix("-us")  # models of the US region (models.md, section 4)
    for pattern, row in _ROWS:
        if fnmatchcase(name, pattern):
            return row
    return Capabilities()
