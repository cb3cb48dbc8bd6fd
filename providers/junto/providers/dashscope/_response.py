"""Frames to events: the state of one answer (wire.md sections 5 and 7).

Every fact of a frame is read apart from every other one: a frame can hold the end of the
reasoning and the beginning of the answer, reasoning can begin again after text, and the
last frame can carry text or a piece of a tool call beside its reason.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from junto.core import (
    Event,
    Finish,
    FinishReason,
    ProtocolError,
    ReasoningDelta,
    Restart,
    Source,
    TextDelta,
    get_logger,
)

from ._frames import ContentPart, Frame, Message, Output
from ._json import list_of, str_of, table_of
from ._surrogates import mend_text
from ._tools import ToolCalls

__all__ = ["Answer"]

_LIMIT = 16 * 1024 * 1024
_ONE = frozenset({0})
_RUNNING = {None, "", "null"}  # finish_reason is the *string* "null" until the end
_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}
_log = get_logger(__name__)


class Answer:
    """What one request has brought so far.

    Args:
        cumulative: Frames repeat the whole text so far, and the new end is to be found.
        choices: How many answers were asked for.  The events are those of the first; the
            answer is complete when each of them is.

    Attributes:
        finished: Every answer that was asked for has given a reason to end.
        raw_reason: The service's word for why the first answer ended; empty until then.
    """

    __slots__ = (
        "_cumulative",
        "_logprobs",
        "_model_name",
        "_room",
        "_running",
        "_sources",
        "_text",
        "_tool_info",
        "_tools",
        "_whole",
        "_write",
        "finished",
        "raw_reason",
    )

    def __init__(self, *, cumulative: bool = False, choices: int = 1) -> None:
        self.finished = False
        self.raw_reason = ""
        self._cumulative = cumulative
        # What few answers need is made when one does: there may be thousands of these.
        self._running = _ONE if choices == 1 else frozenset(range(choices))
        self._text = io.StringIO()
        self._write = self._text.write
        self._room = _LIMIT
        self._tools: ToolCalls | None = None
        # Reasoning and text: the latest values of a cumulative stream.
        self._whole: tuple[str, str] = ("", "")
        self._sources: frozenset[tuple[str, int | None]] = frozenset()
        self._logprobs: list[Any] = []
        self._tool_info: Any = None
        self._model_name = ""

    @property
    def partial_text(self) -> str:
        """The text so far, without reasoning."""
        return mend_text(self._text.getvalue())

    def apply(self, frame: Frame, events: list[Event]) -> None:
        """Append what ``frame`` adds.

        Raises:
            ProtocolError: The answer is longer than 16 Mi characters.
        """
        output = frame.output
        if output is None:
            return
        if output.search_info is not None:
            self._apply_search(output.search_info, events)
        if output.tool_info is not None:
            self._tool_info = output.tool_info
        choices = output.choices
        if choices is None:
            self._apply_without_choices(output, events)
            return
        if output.model_name:
            self._model_name = output.model_name
        for choice in choices:
            if not choice.index:
                message = choice.message
                if message is not None:
                    self._apply_message(message, events)
                if choice.logprobs is not None:
                    self._apply_logprobs(choice.logprobs)
            reason = choice.finish_reason
            if reason not in _RUNNING:
                self._end(choice.index or 0, reason)

    def finish(self, metadata: Mapping[str, Any]) -> Finish:
        """The last event.  A forced tool call ends with ``stop``; the call counts (7.4)."""
        reason = _REASONS.get(self.raw_reason, FinishReason.UNKNOWN)
        if reason is FinishReason.STOP and self._tools:
            reason = FinishReason.TOOL_CALLS
        facts = {**metadata, "raw_reason": self.raw_reason}
        if self._model_name:
            facts["model"] = self._model_name
        if self._logprobs:
            facts["logprobs"] = self._logprobs
        if self._tool_info:
            facts["tool_info"] = self._tool_info
        return Finish(reason, facts)

    def _end(self, index: int, reason: str | None) -> None:
        self._running -= {index}
        self.finished = not self._running
        if index == 0 and reason and not self.raw_reason:
            self.raw_reason = reason

    def _apply_message(self, message: Message, events: list[Event]) -> None:
        reasoning = message.reasoning_content
        content = message.content
        if not isinstance(content, str):
            content = _join(content)
        if self._cumulative:
            reasoning, content = self._new_ends(reasoning or "", content, events)
        if reasoning:
            self._room -= len(reasoning)
            events.append(ReasoningDelta(reasoning))
        if content:
            self._room -= len(content)
            self._write(content)
            events.append(TextDelta(content))
        if message.tool_calls:
            if self._tools is None:
                self._tools = ToolCalls(cumulative=self._cumulative)
            self._tools.apply(message.tool_calls, events)
        if self._room < 0:
            raise ProtocolError(f"the answer is longer than {_LIMIT} characters")

    def _new_ends(self, reasoning: str, text: str, events: list[Event]) -> tuple[str, str]:
        """What a cumulative frame adds, by comparing prefixes (7.2).

        A value that does not begin with the one before replaces it: what was shown is void,
        and everything comes again.  An empty value says nothing.
        """
        old_reasoning, old_text = self._whole
        reasoning, text = reasoning or old_reasoning, text or old_text
        self._whole = (reasoning, text)
        if reasoning.startswith(old_reasoning) and text.startswith(old_text):
            return reasoning[len(old_reasoning) :], text[len(old_text) :]
        _log.warning("dashscope.text_replaced", characters=len(text))
        events.append(Restart("the service replaced what it had sent"))
        if self._tools is not None:
            events.extend(self._tools.events())
        self._text = io.StringIO()
        self._write = self._text.write
        return reasoning, text

    def _apply_without_choices(self, output: Output, events: list[Event]) -> None:
        """The text format, and deep research, whose phases are its chain of thought."""
        message = output.message
        if message is None:
            self._apply_message(Message(content=output.text), events)
            if output.finish_reason not in _RUNNING:
                self._end(0, output.finish_reason)
            return
        if message.phase in {None, "answer"}:
            self._apply_message(message, events)
            if message.status == "finished":
                self._end(0, "stop")
        elif isinstance(message.content, str) and message.content:
            self._apply_message(Message(reasoning_content=message.content), events)

    def _apply_logprobs(self, logprobs: Any) -> None:
        self._logprobs.extend(list_of(table_of(logprobs).get("content")))

    def _apply_search(self, info: Any, events: list[Event]) -> None:
        """Each source once: later frames repeat the object, emptied (7.6)."""
        for result in map(table_of, list_of(table_of(info).get("search_results"))):
            url, index = result.get("url"), result.get("index")
            number = index if type(index) is int else None
            if not isinstance(url, str) or (url, number) in self._sources:
                continue
            self._sources |= {(url, number)}
            rest = {k: v for k, v in result.items() if k not in {"url", "index", "title"}}
            events.append(Source(url, str_of(result.get("title")), number, rest))


def _join(content: list[ContentPart | str] | None) -> str:
    if not content:
        return ""
    return "".join([part if isinstance(part, str) else part.text or "" for part in content])
