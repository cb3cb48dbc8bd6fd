"""Options to parameters on the wire: the same in both dialects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import attrs

from junto.core import ChatOptions, RejectedRequestError, Tool

from ..assembly import str_of
from ._models import Capabilities
from ._options import DashScopeOptions, SearchOptions, TranslationOptions

__all__ = ["is_thinking", "parameters_of", "switch_thinking", "wants_json"]

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# These have forms of their own on the wire, or none.
_OTHERWISE = {"model", "tools", "tool_choice", "response_format", "extra", "stop_tokens"}
_RENAMED = {"thinking": "enable_thinking"}


def _named(kind: type[ChatOptions]) -> dict[str, str]:
    names: list[str] = [a.name for a in attrs.fields(kind) if a.name not in _OTHERWISE]
    return {name: _RENAMED.get(name, name) for name in names}


_SHARED = _named(ChatOptions)
_ALL = _named(DashScopeOptions)


def parameters_of(options: ChatOptions) -> dict[str, Any]:
    """What is set, by its name on the wire; ``extra`` has the last word.

    Raises:
        RejectedRequestError: A tool has a name that the service refuses.
    """
    parameters: dict[str, Any] = {}
    for name, wire in (_ALL if isinstance(options, DashScopeOptions) else _SHARED).items():
        value = getattr(options, name)
        if value is not None:
            parameters[wire] = _plain(value)
    if isinstance(options, DashScopeOptions) and options.stop_tokens is not None:
        parameters["stop"] = options.stop_tokens
    if options.tools:
        parameters["tools"] = [_tool(tool) for tool in options.tools]
    if options.tool_choice is not None:
        parameters["tool_choice"] = _tool_choice(options.tool_choice)
    if options.response_format is not None:
        form = options.response_format
        parameters["response_format"] = {"type": form} if isinstance(form, str) else form
    parameters.update(options.extra)
    return parameters


def switch_thinking(parameters: dict[str, Any], can: Capabilities) -> None:
    """Tell a hybrid model whether to think: sources disagree about the defaults."""
    if can.thinking not in {"on", "off"} or "enable_thinking" in parameters:
        return
    if (effort := parameters.get("reasoning_effort")) is not None:
        thinks = effort != "none"
    else:
        thinks = can.thinking == "on" or bool(parameters.get("thinking_budget"))
    parameters["enable_thinking"] = thinks


def is_thinking(parameters: Mapping[str, Any], can: Capabilities) -> bool:
    """Whether the model will think, as far as anybody knows."""
    return can.thinking == "always" or bool(parameters.get("enable_thinking"))


def wants_json(parameters: Mapping[str, Any]) -> str:
    """Which kind of JSON is asked for; empty for text."""
    form = parameters.get("response_format")
    kind = str_of(cast("Mapping[str, Any]", form).get("type")) if isinstance(form, Mapping) else ""
    return "" if kind == "text" else kind


def _plain(value: Any) -> Any:
    if isinstance(value, SearchOptions | TranslationOptions):
        return {k: v for k, v in attrs.asdict(value, recurse=False).items() if v is not None}
    return value


def _tool(tool: Tool) -> dict[str, Any]:
    if not _TOOL_NAME.fullmatch(tool.name) or tool.name == "search":
        raise RejectedRequestError(
            f"DashScope takes no tool of the name {tool.name!r}: letters, digits, '_' and '-',"
            " at most 64, and not 'search'",
            kind="bad_tool",
        )
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _tool_choice(choice: str) -> str | dict[str, Any]:
    if choice in {"auto", "none", "required"}:
        return choice
    return {"type": "function", "function": {"name": choice}}
