"""What a model can do: as the vendor's pages and recorded traffic had it on 2026-11-22.

Line-ups change monthly, so this is never a gate.  A name that is not here is sent as it
is, and streamed, which every model allows; ``DashScopeModel(capabilities=…)`` overrides
a row, or some of it.  The rows are in ``_table``.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal, TypeAlias, get_args

from attrs import Attribute, field, frozen

__all__ = ["Capabilities", "Path", "capabilities_of"]

Path: TypeAlias = Literal["text", "multimodal", "compatible"]
"""The endpoint of a model: the two of the native protocol, or the compatible mode's."""
_Streaming: TypeAlias = Literal["only", "thinking", "free"]
_Thinking: TypeAlias = Literal["always", "on", "off", "none"]


def _one_of(words: Any) -> Any:
    """A validator of the words of a ``Literal``."""
    known = get_args(words)

    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if value is not None and value not in known:
            shown = ", ".join(map(repr, known))
            msg = f"{attribute.name} is one of {shown}, not {value!r}"
            raise ValueError(msg)

    return check


@frozen(kw_only=True)
class Capabilities:
    """What one model can do; ``None`` means that nobody said, or that sources disagree.

    Attributes:
        path: The endpoint that serves it: on the native protocol a model has exactly one.
            ``"compatible"`` where it only answers on the compatible mode.  ``None``: the
            one for media where a message holds some, else the one for text.
        stream: ``"only"``: a plain call is refused; ``"thinking"``: refused while it
            thinks; ``"free"``: both work.
        thinking: ``"always"``, ``"none"``, or the default of a hybrid: ``"on"``, ``"off"``.
        tools: Takes tools.
        tools_while_thinking: Takes them also while it thinks.
        forced_tool: Takes a ``tool_choice`` that forces a tool, while not thinking.
        json: Takes ``response_format`` of ``json_object``.
        json_schema: Takes ``json_schema`` too.
        json_while_thinking: Takes either also while it thinks.
        partial: Continues an answer that is begun; only while not thinking.
        cache: Takes explicit cache marks.
        search: Searches the web with ``enable_search``.
        system: Takes system messages; ``False`` also where the vendor advises against them.
        incremental: Knows ``incremental_output``; without it frames are cumulative.
        keeps_reasoning: Wants the reasoning of earlier turns back (``preserve_thinking``).
        ignored: Parameters that are accepted and have no effect.
        max_context: Tokens of input, reasoning and answer together.
        max_input: Tokens of the messages; less the reasoning's share while it thinks.
        max_reasoning: Tokens of the chain of thought.
        max_output: Tokens of the visible answer.
    """

    path: Path | None = field(default=None, validator=_one_of(Path))
    stream: _Streaming | None = field(default=None, validator=_one_of(_Streaming))
    thinking: _Thinking | None = field(default=None, validator=_one_of(_Thinking))
    tools: bool | None = None
    tools_while_thinking: bool | None = None
    forced_tool: bool | None = None
    json: bool | None = None
    json_schema: bool | None = None
    json_while_thinking: bool | None = None
    partial: bool | None = None
    cache: bool | None = None
    search: bool | None = None
    system: bool | None = None
    incremental: bool = True
    keeps_reasoning: bool = False
    ignored: frozenset[str] = frozenset()
    max_context: int | None = None
    max_input: int | None = None
    max_reasoning: int | None = None
    max_output: int | None = None


def capabilities_of(model: str) -> Capabilities:
    """The row of ``model``; one that knows nothing, when there is none."""
    return _find(model)


@lru_cache(maxsize=256)
def _find(model: str) -> Capabilities:
    from ._table import ROWS  # The rows are made of this class.

    name = model.removesuffix("-us")  # models of the US region (models.md, section 4)
    for pattern, row in ROWS:
        if fnmatchcase(name, pattern):
            return row
    return Capabilities()
