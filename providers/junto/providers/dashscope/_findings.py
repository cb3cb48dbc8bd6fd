"""What a request asks of a model that the model does not do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from junto.core import (
    AssistantMessage,
    Message,
    ModelWarning,
    RejectedRequestError,
    SystemMessage,
    ToolCallPart,
)

from ._models import Capabilities
from ._parameters import is_thinking, wants_json

__all__ = ["check"]

_SENT = "it was sent all the same"
_MARKS = 4  # a request may have (context cache)


def check(
    messages: tuple[Message, ...],
    parameters: dict[str, Any],
    model: str,
    can: Capabilities,
    *,
    strict: bool,
) -> tuple[ModelWarning, ...]:
    """One warning per thing that the capability table knows to be lost on ``model``.

    All of it is sent as it was asked for, but for a forced tool, which the service would
    refuse: ``parameters`` then says ``auto``.

    Raises:
        RejectedRequestError: With ``strict``, in place of the warnings.
    """
    found = [
        (name, "has no effect on this model", _SENT)
        for name in sorted(can.ignored.intersection(parameters))
        if parameters[name] is not None and parameters[name] is not False
    ]
    found += [(name, why, _SENT) for name, why in _of_messages(messages, can)]
    found += [(name, why, _SENT) for name, why in _of_parameters(messages, parameters, can)]
    if (why := _forced_tool(parameters, can)) is not None:
        parameters["tool_choice"] = "auto"
        found.append(("tool_choice", why, "'auto' was sent instead"))
    if found and strict:
        raise RejectedRequestError(
            f"{model}: "
            + "; ".join([f"{name} {why}" for name, why, _ in found])
            + " (strict=True)",
            kind="not_supported",
        )
    return tuple(
        [ModelWarning(model, name, f"{model}: {name} {why}; {sent}") for name, why, sent in found]
    )


def _of_messages(messages: tuple[Message, ...], can: Capabilities) -> Iterator[tuple[str, str]]:
    if can.system is False and SystemMessage in map(type, messages):
        yield "system message", "is advised against or ignored: put it into the user message"
    marks = _count_marks(messages)
    if marks and can.cache is False:
        yield "cache", "marks are not supported by this model"
    elif marks > _MARKS:
        yield "cache", f"marks: a request has at most {_MARKS}"


def _of_parameters(
    messages: tuple[Message, ...], parameters: dict[str, Any], can: Capabilities
) -> Iterator[tuple[str, str]]:
    thinks = is_thinking(parameters, can)
    if parameters.get("tools"):
        if can.tools is False:
            yield "tools", "are not supported by this model"
        elif can.tools_while_thinking is False and thinks:
            yield "tools", "are not supported by this model while it thinks"
    if form := wants_json(parameters):
        yield from _json_reasons(form, messages, can, thinks=thinks)
    if messages and isinstance(messages[-1], AssistantMessage) and not messages[-1].tool_calls:
        if can.partial is False:
            yield "partial", "mode (an assistant message at the end) is not supported"
        elif thinks:
            yield "partial", "mode (an assistant message at the end) goes without thinking only"
    if can.thinking == "always" and parameters.get("enable_thinking") is False:
        yield "thinking", "cannot be switched off on this model"
    if can.thinking == "none" and parameters.get("enable_thinking"):
        yield "thinking", "is not supported by this model"
    if can.search is False and parameters.get("enable_search"):
        yield "enable_search", "is not supported by this model"
    several = parameters.get("n")
    if isinstance(several, int) and several > 1 and (thinks or parameters.get("tools")):
        yield "n", "above 1 goes neither with thinking nor with tools"


def _json_reasons(
    form: str, messages: tuple[Message, ...], can: Capabilities, *, thinks: bool
) -> Iterator[tuple[str, str]]:
    name = "response_format"
    if can.json is False or (form == "json_schema" and can.json_schema is False):
        yield name, f"of {form} is not supported by this model"
    elif thinks and can.json_while_thinking is False:
        yield name, f"of {form} goes without thinking only"
    if form == "json_object" and not any("json" in m.text.lower() for m in messages):
        yield name, "of json_object needs the word 'json' in a message"


def _forced_tool(parameters: dict[str, Any], can: Capabilities) -> str | None:
    """Why a tool cannot be forced here."""
    choice = parameters.get("tool_choice")
    if choice is None or (isinstance(choice, str) and choice in {"auto", "none"}):
        return None
    if can.forced_tool is False:
        return "that forces a tool is not supported by this model"
    if is_thinking(parameters, can):
        return "that forces a tool is refused while the model thinks"
    return "'required' is not known to DashScope" if choice == "required" else None


def _count_marks(messages: tuple[Message, ...]) -> int:
    return sum(
        getattr(part, "cache", False)
        for message in messages
        for part in message.parts
        if not isinstance(part, ToolCallPart)
    )
