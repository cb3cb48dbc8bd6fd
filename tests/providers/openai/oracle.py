"""Answers of chat completions, read in the plainest way: nothing here is the provider's."""

import json
from typing import Any


def read(body: bytes) -> dict[str, Any]:
    """What `expected.json` has to say of an answer."""
    payloads = _payloads(body)
    said = [
        (choice["index"], choice.get("message") or choice.get("delta") or {})
        for payload in payloads
        for choice in payload["choices"]
    ]
    ends = {
        choice["index"]: choice["finish_reason"]
        for payload in payloads
        for choice in payload["choices"]
        if choice.get("finish_reason")
    }
    first = [message for index, message in said if index == 0]
    found: dict[str, Any] = {
        "text": _join(first, "content"),
        "reasoning": _join(first, "reasoning_content") + _join(first, "reasoning"),
        "tool_calls": _calls(first),
        "finish": ends[0],
        "others": {
            str(n): {
                "text": _join([message for index, message in said if index == n], "content"),
                "finish": ends[n],
            }
            for n in {index for index, _ in said} - {0}
        },
    }
    for usage in [payload["usage"] for payload in payloads if payload.get("usage")][-1:]:
        found["usage"] = [usage[f"{name}_tokens"] for name in ("prompt", "completion", "total")]
        found["cached"] = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
        details = usage.get("completion_tokens_details") or {}
        found["reasoning_tokens"] = details.get("reasoning_tokens")
    return {name: value for name, value in found.items() if value or name == "text" or value == 0}


def _payloads(body: bytes) -> list[dict[str, Any]]:
    if body.startswith(b"{"):
        return [json.loads(body)]
    frames = [frame.removeprefix("data: ") for frame in body.decode().split("\n\n")]
    return [json.loads(frame) for frame in frames if frame.startswith("{")]


def _join(messages: list[dict[str, Any]], name: str) -> str:
    return "".join(message.get(name) or "" for message in messages)


def _calls(messages: list[dict[str, Any]]) -> list[dict[str, str]]:
    calls: list[dict[str, str]] = []
    for message in messages:
        for number, piece in enumerate(message.get("tool_calls") or ()):
            if piece.get("index", number) == len(calls):
                calls.append({"id": piece["id"], "name": piece["function"]["name"]})
                calls[-1]["arguments"] = ""
            call = calls[piece.get("index", number)]
            call["arguments"] += piece["function"].get("arguments") or ""
    return calls
