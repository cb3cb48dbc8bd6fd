"""Options and tools in the form of chat completions, and the body that holds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

import attrs

from junto.core import ChatOptions, Tool

__all__ = ["encode_body", "encode_options", "encode_tool", "number_of_choices"]

# These have forms of their own on the wire.
_FORMED = frozenset({"model", "tools", "tool_choice", "response_format", "extra"})
_MOST = 128  # choices that OpenAI gives at once; others give fewer


def encode_options(
    options: ChatOptions, *, renamed: Mapping[str, str] | None = None, without: Collection[str] = ()
) -> dict[str, Any]:
    """What is set, by its name on the wire; ``extra`` has the last word.

    Args:
        options: Those of all providers, or a provider's own.
        renamed: Names that differ on the wire.
        without: Names that are not sent.
    """
    renamed = renamed or {}
    parameters: dict[str, Any] = {}
    for name in _names_of(type(options)):
        if name not in without:
            value = getattr(options, name)
            if value is not None:
                parameters[renamed.get(name, name)] = _plain(value)
    if options.tools:
        parameters["tools"] = [encode_tool(tool) for tool in options.tools]
    if options.tool_choice is not None:
        parameters["tool_choice"] = _tool_choice(options.tool_choice)
    if options.response_format is not None:
        form = options.response_format
        parameters["response_format"] = {"type": form} if isinstance(form, str) else form
    parameters.update(options.extra)
    return parameters


def encode_tool(tool: Tool) -> dict[str, Any]:
    """A tool that the model may call."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def encode_body(
    model: str, messages: list[dict[str, Any]], parameters: Mapping[str, Any], *, streamed: bool
) -> dict[str, Any]:
    """The whole request; a streamed one asks for its usage, unless it says otherwise."""
    body = {"model": model, "messages": messages, **parameters}
    options = body.pop("stream_options", {"include_usage": True})
    if streamed:
        body["stream"] = True
        if options:  # nothing in them: a server that refuses them gets none
            body["stream_options"] = options
    return body


def number_of_choices(parameters: Mapping[str, Any]) -> int:
    """How many answers are asked for."""
    asked = parameters.get("n")
    return asked if type(asked) is int and 1 < asked <= _MOST else 1


def _names_of(kind: type[ChatOptions]) -> tuple[str, ...]:
    return tuple(str(a.name) for a in attrs.fields(kind) if a.name not in _FORMED)


def _plain(value: object) -> Any:
    if attrs.has(type(value)):
        facts = attrs.asdict(cast("Any", value), recurse=False)
        return {name: fact for name, fact in facts.items() if fact is not None}
    return value


def _tool_choice(choice: str) -> str | dict[str, Any]:
    if choice in {"auto", "none", "required"}:
        return choice
    return {"type": "function", "function": {"name": choice}}
