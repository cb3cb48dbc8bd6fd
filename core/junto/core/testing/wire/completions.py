"""The dialect of chat completions: OpenAI's protocol, which most servers speak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from attrs import frozen

from ...usage import Usage
from .connection import Asked
from .dialect import Dialect, Sent, as_json, message_of, sse
from .facts import Blank, CallPiece, Failure, Frame, whole_of

__all__ = ["ChatCompletions", "call_of", "put"]

_CODES = {
    400: ("invalid_request_error", "invalid_value"),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permission_error", "permission_denied"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
    503: ("server_error", "overloaded"),
}
_SERVER = ("server_error", "server_error")


@frozen
class ChatCompletions(Dialect):
    """OpenAI's protocol, and what compatible servers add to it.

    Attributes:
        prefix: What a base URL has behind host and port.
        reasoning_key: The name of the chain of thought: ``"reasoning"`` with vLLM.
        done: Whether a stream ends with ``data: [DONE]``.
    """

    prefix: str = "/v1"
    reasoning_key: str = "reasoning_content"
    done: bool = True

    usage_may_follow: ClassVar[bool] = True

    def frame(self, frame: Frame, *, number: int, request_id: str) -> bytes:
        """One chunk."""
        delta: dict[str, Any] = {"role": "assistant"} if number == 1 else {}
        put(delta, "content", frame.text, frame.blank)
        put(delta, self.reasoning_key, frame.reasoning, frame.blank)
        if frame.calls:
            delta["tool_calls"] = [call_of(piece, frame.blank) for piece in frame.calls]
        choice: dict[str, Any] = {"index": frame.choice, "delta": delta}
        put(choice, "finish_reason", frame.finish, frame.blank)
        payload: dict[str, Any] = {
            "id": f"chatcmpl-{request_id}",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "contract-model",
            "choices": [choice] if frame.choices else [],
        }
        if frame.usage is not None:
            payload["usage"] = _usage(frame.usage)
        return sse(as_json(payload))

    def end(self) -> bytes:
        """The mark of the end."""
        return sse("[DONE]") if self.done else b""

    def whole(self, frames: Sequence[Frame], *, request_id: str) -> bytes:
        """A completion."""
        whole = whole_of(frames)
        message: dict[str, Any] = {"role": "assistant", "content": whole.text}
        if whole.reasoning:
            message[self.reasoning_key] = whole.reasoning
        if whole.calls:
            message["tool_calls"] = [call_of(piece, Blank.ABSENT) for piece in whole.calls]
        payload: dict[str, Any] = {
            "id": f"chatcmpl-{request_id}",
            "object": "chat.completion",
            "created": 1,
            "model": "contract-model",
            "choices": [{"index": 0, "message": message, "finish_reason": whole.finish}],
        }
        if whole.usage is not None:
            payload["usage"] = _usage(whole.usage)
        return as_json(payload).encode()

    def refusal(self, failure: Failure) -> bytes:
        """An error."""
        kind, code = _CODES.get(failure.status, _SERVER)
        error = {"message": failure.message, "type": kind, "param": None, "code": code}
        return as_json({"error": error}).encode()

    def failure(self, failure: Failure) -> bytes:
        """The same, as a chunk."""
        return sse(self.refusal(failure).decode())

    def malformed(self) -> Sequence[bytes]:
        """Also chunks whose parts are of another kind."""
        return (
            *super().malformed(),
            sse('{"choices": 5}'),
            sse('{"choices": [7]}'),
            sse('{"choices": [{"index": 0, "delta": "text"}]}'),
            sse('{"choices": [{"index": 0, "delta": {"content": 5}}]}'),
        )

    def sent(self, asked: Asked) -> Sent:
        """What a request asks for."""
        body = dict(asked.json)
        return Sent(
            model=body.pop("model"),
            messages=[message_of(message) for message in body.pop("messages")],
            tools=[tool["function"]["name"] for tool in body.pop("tools", None) or ()],
            stream=body.pop("stream", False),
            parameters=body,
        )


def put(target: dict[str, Any], key: str, value: str | None, blank: Blank) -> None:
    """Write what a frame says under ``key``, or what stands there instead."""
    if value is not None:
        target[key] = value
    elif blank is not Blank.ABSENT:
        target[key] = blank.value_of(key)


def call_of(piece: CallPiece, blank: Blank) -> dict[str, Any]:
    """A piece of a tool call."""
    call: dict[str, Any] = {} if piece.index is None else {"index": piece.index}
    function: dict[str, Any] = {}
    put(call, "id", piece.id, blank)
    put(function, "name", piece.name, blank)
    put(function, "arguments", piece.arguments, blank)
    return {**call, "type": "function", "function": function}


def _usage(usage: Usage) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    if usage.cached_tokens is not None:
        counts["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        counts["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return counts
