"""A request of the pipeline to a request on the wire (wire.md sections 3 and 4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import msgspec
from attrs import field, frozen

from junto.core import ChatOptions, ChatRequest, ModelWarning, Tool

from ._hosts import PATHS
from ._json import table_of
from ._messages import encode_messages, uses_oss
from ._models import Capabilities
from ._warnings import find_warnings

__all__ = ["Call", "prepare"]

_FIELDS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "max_tokens",
    "stop": "stop",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "thinking": "enable_thinking",
    "thinking_budget": "thinking_budget",
    "parallel_tool_calls": "parallel_tool_calls",
}
"""Options that need no more than their name on the wire."""
_values = attrgetter(*_FIELDS)
_WIRE_NAMES = tuple(_FIELDS.values())


@frozen(kw_only=True)
class Call:
    """A request that is ready to be sent, but for the key.

    Attributes:
        model: The model's name.
        path: Below the base URL.
        headers: Without ``Authorization``.
        body: JSON.
        cumulative: The frames of the answer will repeat the text so far.
        choices: How many answers are asked for.
        warnings: What of the request has no effect or is not supported.
    """

    model: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    cumulative: bool
    choices: int
    warnings: tuple[ModelWarning, ...]


def prepare(
    request: ChatRequest, model: str, capabilities: Capabilities, *, workspace: str | None = None
) -> Call:
    """Put ``request`` into the native form.

    ``request.stream`` is a wish: a plain call goes out only where the model is known to
    answer one without thinking, because thinking models refuse it or are cut after 300 s.

    Raises:
        RejectedRequestError: A part of a message cannot be sent to this model.
        TypeError: ``extra`` or a tool's schema holds something that is not JSON.
    """
    parameters = _parameters(request.options)
    streamed = request.stream or not _answers_whole(capabilities, parameters)
    # Defaults differ by model, so both are always said (quirks 16 and 17); extra may differ.
    parameters.setdefault("result_format", "message")
    if streamed and capabilities.incremental:
        parameters.setdefault("incremental_output", True)
    messages = encode_messages(request.messages, model, capabilities)
    body = {"model": model, "input": {"messages": messages}, "parameters": parameters}
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if streamed else "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "junto",
    }
    if streamed:
        headers["X-DashScope-SSE"] = "enable"  # the switch: a body field has no effect
    if workspace is not None:
        headers["X-DashScope-WorkSpace"] = workspace
    if capabilities.path == "multimodal" and uses_oss(request.messages):
        headers["X-DashScope-OssResourceResolve"] = "enable"
    choices = parameters.get("n")
    return Call(
        model=model,
        path=PATHS[capabilities.path],
        headers=headers,
        body=_dump(body),
        cumulative=streamed and not parameters.get("incremental_output"),
        choices=choices if type(choices) is int and 1 < choices <= 16 else 1,
        warnings=find_warnings(request.messages, parameters, model, capabilities),
    )


def _parameters(options: ChatOptions) -> dict[str, Any]:
    """``parameters`` of the body: the only place where the service looks for options."""
    given = zip(_WIRE_NAMES, _values(options), strict=True)
    parameters: dict[str, Any] = {wire: value for wire, value in given if value is not None}
    if options.tools:
        parameters["tools"] = [_tool(tool) for tool in options.tools]
    if options.tool_choice is not None:
        parameters["tool_choice"] = _tool_choice(options.tool_choice)
    if options.response_format is not None:
        form = options.response_format
        parameters["response_format"] = {"type": form} if isinstance(form, str) else form
    parameters.update(options.extra)
    return parameters


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _tool_choice(choice: str) -> str | dict[str, Any]:
    if choice in {"auto", "none", "required"}:
        return choice
    return {"type": "function", "function": {"name": choice}}


def _answers_whole(capabilities: Capabilities, parameters: Mapping[str, Any]) -> bool:
    """Whether a plain call is safe: neither stream-only nor, in this request, thinking."""
    if capabilities.stream in {None, "only"}:
        return False
    thinking = parameters.get("enable_thinking")
    if capabilities.thinking == "none":
        return not thinking
    if capabilities.thinking == "off":
        return not thinking and "thinking_budget" not in parameters
    return capabilities.thinking == "on" and thinking is False


def _dump(body: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(body, enc_hook=_plain)
    except UnicodeEncodeError:  # a lone surrogate somewhere: only escapes can carry it
        return json.dumps(body, default=_plain, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return table_of({**value})
    raise TypeError(f"{type(value).__name__} in a request is not JSON")
