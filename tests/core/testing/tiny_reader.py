"""Bytes of a chat completion to events, each step a method that can be broken by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from junto.core import (
    ChatError,
    Event,
    Finish,
    FinishReason,
    InterruptedStreamError,
    ProtocolError,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UnavailableError,
    Usage,
    UsageUpdate,
)

from .tiny_wire import Records

RUNNING = {None, "", "null"}


class TinyReader:
    """What has come of one answer."""

    records_type: type[Records] = Records

    def __init__(self, request_id: str | None, scrub: Callable[[str], str]) -> None:
        self.scrub = scrub
        self.records = self.records_type()
        self.text = ""
        self.usage: Usage | None = None
        self.reason: FinishReason | None = None
        self.calls: list[dict[str, Any]] = []
        self.done = False
        self.failure: Exception | None = None
        self._request_id = request_id
        self._json: bytes | None = None
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        if self._first and data.startswith(b"{"):
            self._json = b""
        self._first = False
        if self._json is not None:
            self._json += data
            return []
        return self._events(lambda: self.records.feed(data))

    def end(self) -> list[Event]:
        """The body is over."""
        if self._json is not None:
            whole = self._json
            events = self._events(lambda: [whole])
        else:
            events = self._events(self.records.end)
        if self.failure is None and not self.done:
            events += self.at_end()
        return events

    def mark(self) -> list[Event]:
        """The mark of the end has come."""
        return self.at_end()

    def at_end(self) -> list[Event]:
        """There will be no more."""
        if self.reason is not None:
            return self.finish()
        self.failure = InterruptedStreamError("the answer broke off")
        return []

    def _events(self, records: Any) -> list[Event]:
        events: list[Event] = []
        try:
            for record in records():
                if self.done:
                    break
                if record == b"[DONE]":
                    events += self.mark()
                    break
                events += self.read(record)
                if self.failure is not None:
                    break
        except ChatError as error:
            self.failure = error
        return events

    def read(self, record: bytes) -> list[Event]:
        try:
            return self.take(self.decode(record))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return self.malformed(error)

    def decode(self, record: bytes) -> dict[str, Any]:
        value = json.loads(record)
        if not isinstance(value, dict):
            raise ProtocolError("this is no chunk")
        return value

    def malformed(self, error: Exception) -> list[Event]:
        self.failure = ProtocolError(f"this is no chunk ({type(error).__name__})")
        return []

    def take(self, chunk: dict[str, Any]) -> list[Event]:
        if chunk.get("error"):
            raise self.error_of(chunk["error"])
        events: list[Event] = []
        for choice in chunk["choices"]:
            if self.counts(choice):
                events += self.say(choice.get("delta") or choice.get("message") or {})
                if choice.get("finish_reason") not in RUNNING:
                    self.reason = self.reason_of(choice["finish_reason"])
        return events + self.count(chunk.get("usage"))

    def counts(self, choice: dict[str, Any]) -> bool:
        return not choice.get("index")

    def error_of(self, error: dict[str, Any]) -> ChatError:
        return UnavailableError(self.scrub(error["message"]))

    def say(self, delta: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        if thought := self.string(delta.get("reasoning_content")):
            events.append(ReasoningDelta(thought))
        if text := self.string(delta.get("content")):
            self.text += text
            events.append(TextDelta(text))
        for piece in delta.get("tool_calls") or ():
            events += self.call(piece)
        return events

    def string(self, value: Any) -> str:
        """A text without halves of characters."""
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ProtocolError("this is no text")
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def call(self, piece: dict[str, Any]) -> list[Event]:
        function = piece.get("function") or {}
        call = self.call_of(piece)
        new_id = piece.get("id") if not call["id"] else None
        new_name = function.get("name") if not call["name"] else None
        call["id"] = call["id"] or new_id
        call["name"] = call["name"] or new_name
        arguments = function.get("arguments") or ""
        if not (new_id or new_name or arguments):
            return []
        return [ToolCallDelta(call["position"], new_id or "", new_name or "", arguments)]

    def call_of(self, piece: dict[str, Any]) -> dict[str, Any]:
        """The call that a piece belongs to: by index, by id, or the latest."""
        index = piece.get("index")
        for call in self.calls:
            same = call["id"] == piece.get("id") if index is None else call["key"] == index
            if same:
                return call
        if index is None and not piece.get("id") and self.calls:
            return self.calls[-1]
        return self.new_call(index)

    def new_call(self, index: int | None) -> dict[str, Any]:
        call = {"position": len(self.calls), "key": index, "id": "", "name": ""}
        self.calls.append(call)
        return call

    def reason_of(self, word: str) -> FinishReason:
        return FinishReason(word) if word in {*FinishReason} else FinishReason.UNKNOWN

    def count(self, counts: Any) -> list[Event]:
        if not counts:
            return []
        details, thought = counts.get("prompt_tokens_details"), "completion_tokens_details"
        self.usage = Usage(
            input_tokens=counts["prompt_tokens"],
            output_tokens=counts["completion_tokens"],
            total_tokens=counts["total_tokens"],
            cached_tokens=(details or {}).get("cached_tokens"),
            reasoning_tokens=(counts.get(thought) or {}).get("reasoning_tokens"),
        )
        return [UsageUpdate(self.usage)]

    def finish(self) -> list[Event]:
        self.done = True
        return [Finish(self.reason or FinishReason.STOP, {"request_id": self._request_id})]
