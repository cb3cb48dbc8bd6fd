"""Frames of the native protocol to events (wire.md sections 5 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from junto.core import Event, Finish, Source, clean_text

from ..assembly import RUNNING, Assembly, list_of, str_of, table_of
from ._frames import ContentPart, Frame, Message, Output

__all__ = ["NativeAssembly"]

_SOURCE = 256  # characters that a source counts as, beside its URL


class NativeAssembly(Assembly):
    """What one request of the native protocol has brought so far."""

    __slots__ = ("_sources", "_tool_info")

    def __init__(self, *, cumulative: bool = False, choices: int = 1) -> None:
        super().__init__(cumulative=cumulative, choices=choices)
        self._sources: set[tuple[str, int | None]] | None = None
        self._tool_info: Any = None

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
            self.model_name = clean_text(output.model_name, 100)
        for choice in choices:
            index = choice.index or 0
            if (message := choice.message) is not None:
                self._apply_message(index, message, events)
            if choice.logprobs is not None:
                self.add_logprobs(index, choice.logprobs)
            if choice.finish_reason not in RUNNING:
                self.end(index, choice.finish_reason)

    def finish(self, metadata: Mapping[str, Any]) -> Finish:
        """The last event; ``tool_info`` says what the service itself has run."""
        if self._tool_info:
            metadata = {**metadata, "tool_info": self._tool_info}
        return super().finish(metadata)

    def _apply_without_choices(self, output: Output, events: list[Event]) -> None:
        """The text format, and deep research, whose phases are its chain of thought."""
        message = output.message
        if message is None:
            self.add(events, None, output.text, None)
            if output.finish_reason not in RUNNING:
                self.end(0, output.finish_reason)
            return
        if message.phase in {None, "answer"}:
            self._apply_message(0, message, events)
            if message.status == "finished":
                self.end(0, "stop")
        elif isinstance(message.content, str) and message.content:
            self.add(events, message.content, None, None)

    def _apply_message(self, index: int, message: Message, events: list[Event]) -> None:
        content = message.content
        text = content if isinstance(content, str) else _join(content)
        if index:
            self.add_other(index, message.reasoning_content, text, message.tool_calls)
        else:
            self.add(events, message.reasoning_content, text, message.tool_calls)

    def _apply_search(self, info: Any, events: list[Event]) -> None:
        """Each source once: later frames repeat the object, emptied (7.6)."""
        results = list_of(table_of(info).get("search_results"))
        if self._sources is None:
            if not results:
                return
            self._sources = set()
        for result in map(table_of, results):
            url, index = result.get("url"), result.get("index")
            number = index if type(index) is int else None
            if not isinstance(url, str) or (url, number) in self._sources:
                continue
            self.spend(len(url) + _SOURCE)
            self._sources.add((url, number))
            rest = {k: v for k, v in result.items() if k not in {"url", "index", "title"}}
            events.append(Source(url, str_of(result.get("title")), number, rest))


def _join(content: list[ContentPart | str] | None) -> str:
    if not content:
        return ""
    return "".join([part if isinstance(part, str) else part.text or "" for part in content])
