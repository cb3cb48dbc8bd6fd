"""A request of the pipeline to a request on the wire (wire.md sections 3, 4 and 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from junto.core import AssistantMessage, ChatRequest, ModelWarning

from ..assembly import table_of
from ..chat_completions import encode_body, number_of_choices
from ..chat_completions import encode_messages as encode_completion_messages
from ..client import json_headers
from ..encoding import dump_json
from ._findings import check
from ._hosts import CHAT_PATHS
from ._messages import encode_messages, uses_oss
from ._models import Capabilities, Path
from ._parameters import is_thinking, parameters_of, switch_thinking

__all__ = ["Call", "Settings", "headers_of", "prepare"]

_NATIVE_ONLY = {"result_format", "incremental_output"}


@frozen(kw_only=True)
class Settings:
    """What holds for each request of a client.

    Attributes:
        workspace: Goes into ``X-DashScope-WorkSpace``.
        inspection: Goes into ``X-DashScope-DataInspection``, as JSON text.
        strict: What a model does not do is an error and not a warning.
    """

    workspace: str | None = None
    inspection: str | None = None
    strict: bool = False


@frozen(kw_only=True)
class Call:
    """A request that is ready to be sent, but for the key.

    Attributes:
        model: The model's name.
        path: Which endpoint.
        url_path: Below the host.
        headers: Without ``Authorization``.
        body: JSON.
        cumulative: The frames of the answer will repeat the text so far.
        choices: How many answers are asked for.
        warnings: What of the request has no effect or is not supported.
    """

    model: str
    path: Path
    url_path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    cumulative: bool
    choices: int
    warnings: tuple[ModelWarning, ...]


def prepare(
    request: ChatRequest,
    model: str,
    can: Capabilities,
    path: Path,
    settings: Settings,
) -> Call:
    """Put ``request`` into the form of ``path``.

    ``request.stream`` is a wish: a plain call goes out only where the model is known to
    answer one without thinking, because thinking models refuse it or are cut after 300 s.

    Raises:
        RejectedRequestError: A part of a message cannot be sent on this path, a tool has
            a name that is refused, or ``strict`` finds something.
        TypeError: ``extra`` or a tool's schema holds something that is not JSON.
    """
    parameters = parameters_of(request.options)
    switch_thinking(parameters, can)
    warnings = check(request.messages, parameters, model, can, strict=settings.strict)
    _keep_reasoning(request, parameters, can)
    streamed = request.stream or not _answers_whole(can, parameters)
    headers = headers_of(settings, streamed=streamed)
    if path == "compatible":
        body = _compatible_body(request, model, parameters, streamed=streamed)
    else:
        # Defaults differ by model, so both are always said (quirks 16 and 17).
        parameters.setdefault("result_format", "message")
        if streamed and can.incremental:
            parameters.setdefault("incremental_output", True)
        keep = bool(parameters.get("preserve_thinking"))
        messages = encode_messages(request.messages, model, path=path, reasoning=keep)
        body = {"model": model, "input": {"messages": messages}, "parameters": parameters}
        if streamed:
            headers["X-DashScope-SSE"] = "enable"  # the switch: a body field has no effect
    if path == "multimodal" and uses_oss(request.messages):
        headers["X-DashScope-OssResourceResolve"] = "enable"
    native = path != "compatible"
    return Call(
        model=model,
        path=path,
        url_path=CHAT_PATHS[path],
        headers=headers,
        body=dump_json(body),
        cumulative=native and streamed and not parameters.get("incremental_output"),
        choices=number_of_choices(parameters),
        warnings=warnings,
    )


def headers_of(settings: Settings, *, streamed: bool) -> dict[str, str]:
    """The headers of a request, but for the key's."""
    headers = json_headers(streamed=streamed)
    if settings.workspace is not None:
        headers["X-DashScope-WorkSpace"] = settings.workspace
    if settings.inspection is not None:
        headers["X-DashScope-DataInspection"] = settings.inspection
    return headers


def _compatible_body(
    request: ChatRequest, model: str, parameters: dict[str, Any], *, streamed: bool
) -> dict[str, Any]:
    """What is DashScope's own stands beside OpenAI's, at the top level (8.1)."""
    messages = encode_completion_messages(
        request.messages,
        reasoning=bool(parameters.get("preserve_thinking")),
        cache=True,
        audio_as_url=True,
        call_index=True,
    )
    last = request.messages[-1]
    if isinstance(last, AssistantMessage) and not last.tool_calls:
        messages[-1]["partial"] = True
    kept = {name: value for name, value in parameters.items() if name not in _NATIVE_ONLY}
    return encode_body(model, messages, kept, streamed=streamed)


def _keep_reasoning(request: ChatRequest, parameters: dict[str, Any], can: Capabilities) -> None:
    """Say whether earlier reasoning is there, to a model that expects it all or none."""
    if not can.keeps_reasoning or "preserve_thinking" in parameters:
        return
    said = [m for m in request.messages if isinstance(m, AssistantMessage)]
    if said:
        parameters["preserve_thinking"] = all(message.reasoning for message in said)


def _answers_whole(can: Capabilities, parameters: Mapping[str, Any]) -> bool:
    """Whether a plain call is safe: neither stream-only nor, in this request, thinking."""
    if can.stream in {None, "only"} or can.thinking is None or is_thinking(parameters, can):
        return False
    search = table_of(parameters.get("search_options")).get("search_strategy")
    agent = isinstance(search, str) and search.startswith("agent")
    return not (agent or parameters.get("skill") or parameters.get("modalities"))
