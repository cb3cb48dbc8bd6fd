"""Options to parameters on the wire: the same in both dialects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from junto.core import ChatOptions, RejectedRequestError, Tool

from ..assembly import str_of
from ..chat_completions import encode_options
from ._models import Capabilities
from ._options import DashScopeOptions

__all__ = ["is_thinking", "parameters_of", "switch_thinking", "wants_json"]

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RENAMED = {"thinking": "enable_thinking"}


def parameters_of(options: ChatOptions) -> dict[str, Any]:
    """What is set, by its name on the wire; ``extra`` has the last word.

    Raises:
        RejectedRequestError: A tool has a name that the service refuses.
    """
    for tool in options.tools or ():
        _check_tool(tool)
    parameters = encode_options(options, renamed=_RENAMED, without={"stop_tokens"})
    if isinstance(options, DashScopeOptions) and options.stop_tokens is not None:
        parameters.setdefault("stop", options.stop_tokens)
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


def _check_tool(tool: Tool) -> None:
    if not _TOOL_NAME.fullmatch(tool.name) or tool.name == "search":
        raise RejectedRequestError(
            f"DashScope takes no tool of the name {tool.name!r}: letters, digits, '_' and '-',"
            " at most 64, and not 'search'",
            kind="bad_tool",
        )
