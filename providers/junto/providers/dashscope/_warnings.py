"""What a request asks of a model that the model does not do: sent all the same, with a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from junto.core import AssistantMessage, Message, ModelWarning, SystemMessage, TextPart

from ._models import Capabilities

__all__ = ["find_warnings"]


def find_warnings(
    messages: tuple[Message, ...],
    parameters: Mapping[str, Any],
    model: str,
    capabilities: Capabilities,
) -> tuple[ModelWarning, ...]:
    """One warning per thing that the capability table knows to be lost on ``model``."""
    reasons = _reasons(messages, parameters, capabilities)
    return tuple(
        [
            ModelWarning(model, name, f"{model}: {name} {reason}; it was sent all the same")
            for name, reason in reasons
        ]
    )


def _reasons(
    messages: tuple[Message, ...], parameters: Mapping[str, Any], can: Capabilities
) -> list[tuple[str, str]]:
    reasons = [
        (name, "has no effect on this model")
        for name in sorted(can.ignored.intersection(parameters))
        if parameters[name] is not None and parameters[name] is not False
    ]
    add = reasons.append
    if can.system is False and SystemMessage in map(type, messages):
        add(("system message", "is advised against or ignored: put it into the user message"))
    if can.tools is False and parameters.get("tools"):
        add(("tools", "is not supported by this model"))
    if (choice := parameters.get("tool_choice")) is not None:
        reasons += _choice_reasons(choice, parameters, can)
    if can.json is False and _asks_for_json(parameters.get("response_format")):
        add(("response_format", "of JSON is not supported by this model"))
    if can.partial is False and messages and isinstance(messages[-1], AssistantMessage):
        add(("partial", "mode (an assistant message at the end) is not supported by this model"))
    if can.cache is False and _has_cache_marks(messages):
        add(("cache", "marks are not supported by this model"))
    if can.thinking == "always" and parameters.get("enable_thinking") is False:
        add(("thinking", "cannot be switched off on this model"))
    if can.thinking == "none" and parameters.get("enable_thinking"):
        add(("thinking", "is not supported by this model"))
    return reasons


def _choice_reasons(
    choice: Any, parameters: Mapping[str, Any], can: Capabilities
) -> Iterator[tuple[str, str]]:
    if isinstance(choice, str) and choice in {"auto", "none"}:
        return
    if can.forced_tool is False:
        yield "tool_choice", "that forces a tool is not supported by this model"
    elif choice == "required":
        yield "tool_choice", "'required' is not known to the native protocol"
    elif can.thinking == "always" or parameters.get("enable_thinking"):
        yield "tool_choice", "that forces a tool is refused while the model thinks"


def _asks_for_json(form: Any) -> bool:
    if not isinstance(form, Mapping):
        return False
    return cast("Mapping[str, Any]", form).get("type") not in {None, "text"}


def _has_cache_marks(messages: tuple[Message, ...]) -> bool:
    for message in messages:
        for part in message.parts:
            if isinstance(part, TextPart) and part.cache:
                return True
    return False
