"""What a request asks of a model that the model does not do: sent all the same, with a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from junto.core import AssistantMessage, Message, ModelWarning, SystemMessage, TextPart

from ._models import Capabilities

__all__ = ["find_warnings"]


def find_warnings(
    messages: Iterable[Message],
    parameters: Mapping[str, Any],
    model: str,
    capabilities: Capabilities,
) -> Iterator[ModelWarning]:
    """One warning per thing that the capability table knows to be lost on ``model``."""
    for name, reason in _reasons(tuple(messages), parameters, capabilities):
        yield ModelWarning(model, name, f"{model}: {name} {reason}; it was sent all the same")


def _reasons(
    messages: tuple[Message, ...], parameters: Mapping[str, Any], can: Capabilities
) -> Iterator[tuple[str, str]]:
    for name in sorted(can.ignored):
        if _is_set(parameters.get(name)):
            yield name, "has no effect on this model"
    if can.system is False and any(isinstance(m, SystemMessage) for m in messages):
        yield "system message", "is advised against or ignored: put it into the user message"
    if can.tools is False and parameters.get("tools"):
        yield "tools", "is not supported by this model"
    yield from _choice_reasons(parameters, can)
    if can.json is False and _asks_for_json(parameters.get("response_format")):
        yield "response_format", "of JSON is not supported by this model"
    if can.partial is False and messages and isinstance(messages[-1], AssistantMessage):
        yield "partial", "mode (an assistant message at the end) is not supported by this model"
    if can.cache is False and _has_cache_marks(messages):
        yield "cache", "marks are not supported by this model"
    if can.thinking == "always" and parameters.get("enable_thinking") is False:
        yield "thinking", "cannot be switched off on this model"
    if can.thinking == "none" and parameters.get("enable_thinking"):
        yield "thinking", "is not supported by this model"


def _choice_reasons(parameters: Mapping[str, Any], can: Capabilities) -> Iterator[tuple[str, str]]:
    choice = parameters.get("tool_choice")
    if choice is None or (isinstance(choice, str) and choice in {"auto", "none"}):
        return
    if can.forced_tool is False:
        yield "tool_choice", "that forces a tool is not supported by this model"
    elif choice == "required":
        yield "tool_choice", "'required' is not known to the native protocol"
    elif can.thinking == "always" or parameters.get("enable_thinking"):
        yield "tool_choice", "that forces a tool is refused while the model thinks"


def _is_set(value: Any) -> bool:
    return value is not None and value is not False


def _asks_for_json(form: Any) -> bool:
    if not isinstance(form, Mapping):
        return False
    return cast("Mapping[str, Any]", form).get("type") not in {None, "text"}


def _has_cache_marks(messages: tuple[Message, ...]) -> bool:
    return any(
        isinstance(part, TextPart) and part.cache for message in messages for part in message.parts
    )
