"""What llama.cpp is asked, and what it answers: pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from junto.core import (
    AssistantMessage,
    AudioPart,
    ChatOptions,
    ChatRequest,
    ImagePart,
    Message,
    ModelWarning,
    RejectedRequestError,
    SystemMessage,
    ToolMessage,
    VideoPart,
)

from .template import Template, Thinking
from .thinking import thinking_grammar, thinking_request

__all__ = ["DEFAULT_SYSTEM", "Body", "request_body"]

DEFAULT_SYSTEM = "You are a helpful assistant."
"""Sent where a request has no system text: what some models put in its place by
themselves makes them answer nonsense."""

_SAME_NAME = (
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "parallel_tool_calls",
)
_OURS = ("messages", "n", "return_progress", "stream", "stream_options")


@frozen
class Body:
    """One request to llama.cpp.

    Attributes:
        values: Its JSON.
        warnings: What of the request has no effect.
        split: The thoughts come as tags inside the text, and have to be taken apart.
    """

    values: dict[str, Any]
    warnings: list[ModelWarning] = field(factory=list[ModelWarning])
    split: bool = False


def request_body(
    request: ChatRequest,
    *,
    model: str,
    template: Template = Template(),  # noqa: B008  a constant
    thinking: bool = False,
    sampling: Mapping[str, Any] | None = None,
) -> Body:
    """Translate a request.

    Args:
        request: The request.
        model: The model's name.
        template: What its chat template knows.
        thinking: Whether it thinks where the request does not say.
        sampling: What suits the model where the request does not say.

    Raises:
        RejectedRequestError: The request holds what no local model takes.
    """
    options = request.options
    if options.model is not None and options.model != model:
        msg = (
            f"this LocalModel holds {model!r} and no other model: "
            f"use LocalModel({options.model!r}) for that"
        )
        raise RejectedRequestError(msg, kind="model")
    body: dict[str, Any] = {
        **(sampling or {}),
        **_options(options),
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        "cache_prompt": True,
    }
    warnings = list(_warnings(options, model))
    body.update({key: value for key, value in options.extra.items() if key not in _OURS})
    system = request.system or DEFAULT_SYSTEM
    think = thinking if options.thinking is None else options.thinking
    split = False
    if template.thinking is Thinking.SWITCH:
        switch = {"enable_thinking": think}
        body["chat_template_kwargs"] = {**switch, **body.get("chat_template_kwargs", {})}
    elif template.thinking is Thinking.ALWAYS and options.thinking is False:
        text = "This model always thinks first; it has no switch."
        warnings.append(ModelWarning(model, "thinking", text))
    elif template.thinking is Thinking.GRAMMAR and think:
        if obstacle := _obstacle(request, body):
            text = f"A thought cannot be asked for together with {obstacle}; it is left out."
            warnings.append(ModelWarning(model, "thinking", text))
        else:
            system = thinking_request(system, request.user_text)
            body["grammar"] = thinking_grammar(options.thinking_budget)
            body["reasoning_format"] = "none"
            split = True
    if options.thinking_budget is not None and not split:
        text = "The budget counts only where a thought is asked for and held by a grammar."
        warnings.append(ModelWarning(model, "thinking_budget", text))
    body["messages"] = [
        {"role": "system", "content": system},
        *(_message(m) for m in request.messages if not isinstance(m, SystemMessage)),
    ]
    if body.get("tools") and not template.tools:
        text = "This model's chat template has no place for tools: it is not told of them."
        warnings.append(ModelWarning(model, "tools", text))
    if body.get("tool_choice") == "required":
        warnings += _hold_to_tools(request, body, model, template)
    return Body(body, warnings, split)


def _hold_to_tools(
    request: ChatRequest, body: dict[str, Any], model: str, template: Template
) -> Iterator[ModelWarning]:
    """Leave the model no choice: begin its answer with the tag that opens a call.

    llama.cpp takes a required call for a wish where the model's format allows text too.
    """
    if template.tool_tag and not _continued(request):
        body["messages"].append({"role": "assistant", "content": "<tool_call>\n"})
        body.setdefault("parallel_tool_calls", False)
    else:
        text = "This model is asked to call a tool, but cannot be held to it."
        yield ModelWarning(model, "tool_choice", text)


def _options(options: ChatOptions) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in _SAME_NAME:
        value = getattr(options, name)
        if value is not None:
            values[name] = value
    if options.stop:
        values["stop"] = list(options.stop)
    if isinstance(options.response_format, str):
        values["response_format"] = {"type": options.response_format}
    elif options.response_format is not None:
        values["response_format"] = dict(options.response_format)
    if options.tools:
        # llama.cpp knows no choice by name: the one tool is offered, and required.
        named = options.tool_choice not in {None, "auto", "none", "required"}
        values["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters) or {"type": "object", "properties": {}},
                },
            }
            for tool in options.tools
            if not named or tool.name == options.tool_choice
        ]
        if options.tool_choice is not None:
            values["tool_choice"] = "required" if named else options.tool_choice
        if not values["tools"]:
            msg = f"tool_choice names {options.tool_choice!r}, which is not among the tools"
            raise RejectedRequestError(msg, kind="tool_choice")
    return values


def _warnings(options: ChatOptions, model: str) -> Iterator[ModelWarning]:
    if options.logprobs or options.top_logprobs:
        text = "A local model's probabilities are not reported."
        yield ModelWarning(model, "logprobs", text)
    for name in _OURS:
        if name in options.extra:
            text = f"{name!r} belongs to junto and cannot be set."
            yield ModelWarning(model, name, text)


def _continued(request: ChatRequest) -> bool:
    """The last message is the beginning of the answer."""
    return bool(request.messages) and isinstance(request.messages[-1], AssistantMessage)


def _obstacle(request: ChatRequest, body: Mapping[str, Any]) -> str:
    """What keeps a grammar of ours out: llama.cpp takes only one."""
    if body.get("tools"):
        return "tools"
    if body.get("response_format", {"type": "text"}) != {"type": "text"}:
        return "a response format"
    if any(name in body for name in ("grammar", "json_schema")):
        return "a grammar"
    if _continued(request):
        return "an answer that is to be continued"
    return ""


def _message(message: Message) -> dict[str, Any]:
    for part in message.parts:
        if isinstance(part, ImagePart | AudioPart | VideoPart):
            kind = type(part).__name__.removesuffix("Part").lower()
            msg = f"a local model takes text only: remove the {kind}, or use another provider"
            raise RejectedRequestError(msg, kind="media")
    value: dict[str, Any] = {"role": message.role, "content": message.text}
    if isinstance(message, ToolMessage):
        value["tool_call_id"] = message.call_id
    if isinstance(message, AssistantMessage) and message.tool_calls:
        value["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    return value
