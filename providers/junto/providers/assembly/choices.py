"""What the frames of an answer come to, in one choice or several.

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
    TextDelta,
    clean_text,
    get_logger,
)

from .._values import list_of, table_of
from .others import OtherChoice, length_of
from .surrogates import mend_text
from .tools import ToolCalls, ToolFragment

__all__ = ["RUNNING", "Assembly"]

_LIMIT = 16 * 1024 * 1024
_LOGPROBS_LIMIT = 64 * 1024 * 1024
_ENTRY = 100  # characters of the answer that an entry of them counts as, however short
_ONE = frozenset({0})
RUNNING = frozenset({None, "", "null"})
"""What stands for "not yet" where a reason to finish will be: also the *string* "null"."""
_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}
_log = get_logger(__name__)


class Assembly:
    """What one request has brought so far.

    The events are those of the first choice; the others are kept, and come with the
    :class:`~junto.core.Finish`, as ``metadata["choices"]``.

    Args:
        cumulative: Frames repeat the whole text so far, and the new end is to be found.
        choices: How many answers were asked for; the answer is complete when each of
            them is.

    Attributes:
        finished: Every answer that was asked for has given a reason to end.
        raw_reason: The service's word for why the first answer ended; empty until then.
        model_name: The model's name, where the service says it.
    """

    __slots__ = (
        "_choices",
        "_cumulative",
        "_logprobs",
        "_logprobs_room",
        "_others",
        "_room",
        "_running",
        "_text",
        "_tools",
        "_whole",
        "_write",
        "finished",
        "model_name",
        "raw_reason",
    )

    def __init__(self, *, cumulative: bool = False, choices: int = 1) -> None:
        self.finished: bool = False
        self.raw_reason: str = ""
        self.model_name: str = ""
        self._cumulative = cumulative
        self._choices = choices
        # What few answers need is made when one does: there may be thousands of these.
        self._running = _ONE if choices == 1 else frozenset(range(choices))
        self._others: dict[int, OtherChoice] | None = None
        self._text = io.StringIO()
        self._write = self._text.write
        self._room = _LIMIT
        self._tools: ToolCalls | None = None
        # Reasoning and text: the latest values of a cumulative stream.
        self._whole: tuple[str, str] = ("", "")
        self._logprobs: list[Any] = []
        self._logprobs_room = _LOGPROBS_LIMIT

    @property
    def partial_text(self) -> str:
        """The text so far, without reasoning."""
        return mend_text(self._text.getvalue())

    @property
    def empty(self) -> bool:
        """Whether there was neither text nor a tool call."""
        return self._text.tell() == 0 and not self._tools

    @property
    def settled(self) -> bool:
        """Whether each answer that has begun has ended: some servers never begin the rest."""
        return not self._running.intersection({0, *(self._others or ())})

    def add(
        self,
        events: list[Event],
        reasoning: str | None,
        text: str | None,
        tools: list[ToolFragment] | None,
    ) -> None:
        """Append what a frame says of the first choice.

        Raises:
            ProtocolError: The answer is longer than 16 Mi characters.
        """
        if self._cumulative:
            reasoning, text = self._new_ends(reasoning or "", text or "", events)
        if reasoning:
            self._room -= len(reasoning)
            events.append(ReasoningDelta(reasoning))
        if text:
            self._room -= len(text)
            self._write(text)
            events.append(TextDelta(text))
        if tools:
            if self._tools is None:
                self._tools = ToolCalls(cumulative=self._cumulative)
            before = len(events)
            self._tools.apply(tools, events)
            self._room -= length_of(events[before:])
        if self._room < 0:
            self.spend(0)

    def spend(self, characters: int) -> None:
        """Count what is kept of the answer beside its text against its length.

        Raises:
            ProtocolError: The answer is longer than 16 Mi characters.
        """
        self._room -= characters
        if self._room < 0:
            raise ProtocolError(f"the answer is longer than {_LIMIT} characters")

    def add_other(
        self,
        index: int,
        reasoning: str | None,
        text: str | None,
        tools: list[ToolFragment] | None,
    ) -> None:
        """Keep what a frame says of a further choice; one that nobody asked for is ignored.

        Raises:
            ProtocolError: All answers together are longer than 16 Mi characters.
        """
        if not 0 < index < self._choices:
            return
        other = self._other(index)
        before = len(other.events)
        other.assembly.add(other.events, reasoning, text, tools)
        self.spend(length_of(other.events[before:]))

    def add_logprobs(self, index: int, logprobs: Any) -> None:
        """Append the entries of ``{"content": [...]}``, each of one token.

        Raises:
            ProtocolError: All of them are longer than 64 Mi characters of JSON.
        """
        if not 0 <= index < self._choices:
            return
        entries = list_of(table_of(logprobs).get("content"))
        self.spend(_ENTRY * len(entries))
        assembly = self._other(index).assembly if index else self
        try:
            self._logprobs_room -= len(repr(entries))
        except RecursionError:
            self._logprobs_room = -1
        if self._logprobs_room < 0:
            raise ProtocolError(f"the logprobs are longer than {_LOGPROBS_LIMIT} characters")
        assembly._logprobs.extend(entries)  # noqa: SLF001  its own kind

    def end(self, index: int, reason: str | None) -> None:
        """A choice has given a reason to end; the first one counts."""
        self._running -= {index}
        self.finished = not self._running
        if index:
            if 0 < index < self._choices:
                other = self._other(index).assembly
                other.raw_reason = other.raw_reason or clean_text(reason or "", 100)
        elif reason and not self.raw_reason:
            self.raw_reason = clean_text(reason, 100)

    @property
    def reason(self) -> FinishReason:
        """Why it ended.  A forced tool call ends with ``stop``, but the call counts."""
        reason = _REASONS.get(self.raw_reason, FinishReason.UNKNOWN)
        if reason is FinishReason.STOP and self._tools:
            return FinishReason.TOOL_CALLS
        return reason

    def finish(self, metadata: Mapping[str, Any]) -> Finish:
        """The last event, with what is known of the whole answer."""
        facts = {**metadata, "raw_reason": self.raw_reason}
        if self.model_name:
            facts["model"] = self.model_name
        if self._logprobs:
            facts["logprobs"] = self._logprobs
        if self._others:
            facts["choices"] = tuple(
                other.choice(index) for index, other in sorted(self._others.items())
            )
        return Finish(self.reason, facts)

    def _other(self, index: int) -> OtherChoice:
        if self._others is None:
            self._others = {}
        other = self._others.get(index)
        if other is None:
            other = self._others[index] = OtherChoice(Assembly(cumulative=self._cumulative))
        return other

    def _new_ends(self, reasoning: str, text: str, events: list[Event]) -> tuple[str, str]:
        """What a cumulative frame adds, by comparing prefixes.

        A value that does not begin with the one before replaces it: what was shown is void,
        and everything comes again.  An empty value says nothing.
        """
        old_reasoning, old_text = self._whole
        # What is not there is not compared: a frame costs no more than its own length.
        goes_on = (not reasoning or reasoning.startswith(old_reasoning)) and (
            not text or text.startswith(old_text)
        )
        self._whole = (reasoning or old_reasoning, text or old_text)
        if goes_on:
            return reasoning[len(old_reasoning) :], text[len(old_text) :]
        reasoning, text = self._whole
        _log.warning("provider.text_replaced", characters=len(text))
        events.append(Restart("the service replaced what it had sent"))
        self._text = io.StringIO()
        self._write = self._text.write
        if self._tools is not None:
            again = self._tools.events()
            self.spend(length_of(again))
            events.extend(again)
        return mend_text(reasoning), mend_text(text)
