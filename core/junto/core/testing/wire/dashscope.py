"""The native dialect of DashScope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from attrs import frozen

from ...usage import Usage
from .completions import call_of, put
from .connection import Asked
from .dialect import Dialect, Sent, as_json, message_of, sse
from .facts import Blank, Failure, Frame, whole_of

__all__ = ["DashScopeNative"]

_CODES = {
    400: "InvalidParameter",
    401: "InvalidApiKey",
    403: "AccessDenied",
    404: "ModelNotFound",
    429: "Throttling.RateQuota",
    503: "ModelServingError",
}


@frozen
class DashScopeNative(Dialect):
    """Alibaba Cloud's own protocol: usage on each frame, and no mark of the end."""

    prefix: str = "/api/v1"

    usage_may_follow: ClassVar[bool] = False

    def frame(self, frame: Frame, *, number: int, request_id: str) -> bytes:
        """One frame; where it is not the last, its reason is the text "null"."""
        message: dict[str, Any] = {"role": "assistant"}
        put(message, "content", frame.text, frame.blank)
        put(message, "reasoning_content", frame.reasoning, frame.blank)
        if frame.calls:
            message["tool_calls"] = [call_of(piece, frame.blank) for piece in frame.calls]
        choice: dict[str, Any] = {"message": message}
        if frame.choice:
            choice["index"] = frame.choice
        blank = Blank.WORD if frame.blank is Blank.ABSENT else frame.blank
        put(choice, "finish_reason", frame.finish, blank)
        return _record(
            {
                "output": {"choices": [choice] if frame.choices else []},
                "usage": {} if frame.usage is None else _usage(frame.usage),
                "request_id": request_id,
            },
            number,
        )

    def whole(self, frames: Sequence[Frame], *, request_id: str) -> bytes:
        """An answer in one piece."""
        whole = whole_of(frames)
        message: dict[str, Any] = {"role": "assistant", "content": whole.text}
        if whole.reasoning:
            message["reasoning_content"] = whole.reasoning
        if whole.calls:
            message["tool_calls"] = [call_of(piece, Blank.ABSENT) for piece in whole.calls]
        choices = [{"message": message, "finish_reason": whole.finish}]
        payload: dict[str, Any] = {"output": {"choices": choices}, "request_id": request_id}
        if whole.usage is not None:
            payload["usage"] = _usage(whole.usage)
        return as_json(payload).encode()

    def refusal(self, failure: Failure) -> bytes:
        """An error."""
        code = _CODES.get(failure.status, "InternalError")
        payload = {"request_id": failure.request_id, "code": code, "message": failure.message}
        return as_json(payload).encode()

    def failure(self, failure: Failure) -> bytes:
        """The same, as an event, its status in a comment."""
        data = self.refusal(failure).decode()
        return f"id:9\nevent:error\n:HTTP_STATUS/{failure.status}\ndata:{data}\n\n".encode()

    def malformed(self) -> Sequence[bytes]:
        """Also frames whose parts are of another kind."""
        return (
            *super().malformed(),
            sse('{"output": 5}'),
            sse('{"output": {"choices": 5}}'),
            sse('{"output": {"choices": [{"message": "text"}]}}'),
            sse('{"output": {"choices": [{"message": {"content": 5}}]}}'),
        )

    def sent(self, asked: Asked) -> Sent:
        """What a request asks for; the switch of a stream is a header."""
        body = asked.json
        parameters = dict(body.get("parameters") or {})
        return Sent(
            model=body["model"],
            messages=[message_of(message) for message in body["input"]["messages"]],
            tools=[tool["function"]["name"] for tool in parameters.pop("tools", None) or ()],
            stream=asked.headers.get("x-dashscope-sse") == "enable",
            parameters=parameters,
        )


def _record(payload: Any, number: int) -> bytes:
    data = as_json(payload)
    return f"id:{number}\nevent:result\n:HTTP_STATUS/200\ndata:{data}\n\n".encode()


def _usage(usage: Usage) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    if usage.cached_tokens is not None:
        counts["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        counts["output_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return counts
