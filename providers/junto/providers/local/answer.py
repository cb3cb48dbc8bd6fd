"""From llama.cpp's answer to events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from junto.core import (
    Event,
    Finish,
    FinishReason,
    InterruptedStreamError,
    ProviderError,
    ReasoningDelta,
    RejectedRequestError,
    TextDelta,
    ThinkSplitter,
    ToolCallDelta,
    UnavailableError,
    Usage,
    UsageUpdate,
)

__all__ = ["AnswerReader"]

_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
}


class AnswerReader:
    """Reads the messages of one job.

    Args:
        model: The model's name, for the answer's metadata.
        split: The thoughts are tags inside the text.
    """

    def __init__(self, model: str, *, split: bool) -> None:
        self.done: bool = False
        self._model = model
        self._splitter = ThinkSplitter() if split else None
        self._text: list[str] = []
        self._id: str | None = None
        self._reason: str | None = None
        self._usage: Usage | None = None

    def read(self, messages: Iterable[Mapping[str, Any]]) -> list[Event]:
        """The events of some messages.

        Raises:
            ProviderError: llama.cpp says that it cannot.
            InterruptedStreamError: The answer broke off.
        """
        events: list[Event] = []
        for message in messages:
            if "chunk" in message:
                events += self._chunk(message["chunk"])
            elif "end" in message and self._reason is not None:
                events += self._end(self._reason)
            else:
                self._broke_off()
        return events

    def _chunk(self, chunk: Mapping[str, Any]) -> list[Event]:
        if "error" in chunk:
            raise self._error(chunk["error"])
        self._id = chunk.get("id", self._id)
        if usage := chunk.get("usage"):
            details: Mapping[str, Any] = usage.get("prompt_tokens_details") or {}
            self._usage = Usage(
                input_tokens=usage.get("prompt_tokens"),
                output_tokens=usage.get("completion_tokens"),
                total_tokens=usage.get("total_tokens"),
                cached_tokens=details.get("cached_tokens"),
            )
        events: list[Event] = []
        for choice in chunk.get("choices") or ():
            self._reason = choice.get("finish_reason") or self._reason
            events += self._delta(choice.get("delta") or {})
        return events

    def _delta(self, delta: Mapping[str, Any]) -> list[Event]:
        events: list[Event] = []
        if thought := delta.get("reasoning_content"):
            events.append(ReasoningDelta(thought))
        if text := delta.get("content"):
            events += self._splitter.feed(text) if self._splitter else [TextDelta(text)]
        for call in delta.get("tool_calls") or ():
            function: Mapping[str, Any] = call.get("function") or {}
            events.append(
                ToolCallDelta(
                    call.get("index", 0),
                    call.get("id") or "",
                    function.get("name") or "",
                    function.get("arguments") or "",
                )
            )
        self._text += [event.text for event in events if isinstance(event, TextDelta)]
        return events

    def _end(self, reason: str) -> list[Event]:
        self.done = True
        events: list[Event] = self._splitter.flush() if self._splitter else []
        if self._usage is not None:
            events.append(UsageUpdate(self._usage))
        metadata: dict[str, Any] = {"model": self._model, "raw_reason": reason}
        if self._id:
            metadata["request_id"] = self._id
        events.append(Finish(_REASONS.get(reason, FinishReason.UNKNOWN), metadata))
        return events

    def _error(self, error: Mapping[str, Any]) -> ProviderError:
        text = str(error.get("message", ""))
        code, status = error.get("type"), error.get("code")
        partial = "".join(self._text)
        if code == "exceed_context_size_error":
            needs, has = error.get("n_prompt_tokens"), error.get("n_ctx")
            text = (
                f"the conversation has {needs} tokens, and a stream of this model holds {has}: "
                f"shorten it (a memory advisor with a smaller window), or make room with "
                f"LocalModel({self._model!r}, context_tokens=…)"
            )
            return RejectedRequestError(text, status=status, code=code, kind="context_length")
        if status is None or status < 500 or not self._id:
            return RejectedRequestError(
                f"llama.cpp refuses the request: {text}", status=status, code=code
            )
        return UnavailableError(
            f"llama.cpp failed: {text}", status=status, code=code, partial_text=partial
        )

    def _broke_off(self) -> None:
        msg = (
            "the local model's process ended in the middle of the answer, or the model was "
            "closed; the next request starts it again"
        )
        raise InterruptedStreamError(msg, partial_text="".join(self._text), request_id=self._id)
