"""The bytes of an answer: the frames that DashScope and OpenAI-compatible services send.

Each event brings two characters. The first 40 per cent are reasoning, but for a single one.
"""

import json
from typing import Any

CHARACTERS = 2
TEXT = "词 "
REASONING_SHARE = 0.4

_ID = "3f6a1c52-8b1e-9d47-a0c3-5d7e24b9f016"


def native(count: int) -> list[bytes]:
    """Return an answer of so many events in DashScope's own protocol; the last one finishes."""
    return [_native(i, count) for i in range(count)]


def openai(count: int) -> list[bytes]:
    """Return an answer of so many events in the OpenAI-compatible protocol.

    The last one is followed at once by what belongs to the end: finish reason, usage, `[DONE]`.
    """
    events = [_delta(_parts(i, count, "reasoning_content")) for i in range(count)]
    usage = _usage(count, "prompt_tokens", "completion_tokens")
    end = _delta({}, finish="stop") + _chunk([], usage) + b"data: [DONE]\n\n"
    return [*events[:-1], events[-1] + end]


def _native(i: int, count: int) -> bytes:
    message = {**_parts(i, count, "reasoning_content"), "role": "assistant"}
    finish = "stop" if i == count - 1 else "null"
    frame = {
        "output": {"choices": [{"message": message, "finish_reason": finish}]},
        "usage": _usage(i + 1, "input_tokens", "output_tokens"),
        "request_id": _ID,
    }
    return f"id:{i + 1}\nevent:result\n:HTTP_STATUS/200\ndata:{_dumps(frame)}\n\n".encode()


def _parts(i: int, count: int, reasoning: str) -> dict[str, str]:
    thinks = i < int(count * REASONING_SHARE)
    return {"content": "" if thinks else TEXT, reasoning: TEXT if thinks else ""}


def _delta(delta: dict[str, str], finish: str | None = None) -> bytes:
    return _chunk([{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}], None)


def _chunk(choices: list[dict[str, Any]], usage: dict[str, int] | None) -> bytes:
    frame = {
        "id": f"chatcmpl-{_ID}",
        "object": "chat.completion.chunk",
        "created": 1767225600,
        "model": "qwen-plus",
        "system_fingerprint": None,
        "choices": choices,
        "usage": usage,
    }
    return f"data: {_dumps(frame)}\n\n".encode()


def _usage(tokens: int, given: str, made: str) -> dict[str, int]:
    return {"total_tokens": 11 + tokens, given: 11, made: tokens}


def _dumps(frame: dict[str, Any]) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
