"""Bytes of a chat completion to events."""

from __future__ import annotations

from typing import Any

import msgspec

from junto.core import (
    CustomEvent,
    Event,
    InterruptedStreamError,
    ProtocolError,
    Usage,
    UsageUpdate,
    clean_text,
    get_logger,
)

from ..assembly import RUNNING, UNREADABLE, AnswerReader, Assembly, mend_value
from ..failures import Origin
from ..sse import SSERecord
from .frames import Choice, Chunk, text_of
from .usage import to_usage

__all__ = ["CompletionReader"]

_decode = msgspec.json.Decoder(Chunk).decode
_ID = "chatcmpl-"
_log = get_logger(__name__)


class CompletionReader(AnswerReader):
    """Turns one chat completion, streamed or whole, into events.

    The answer is whole when each choice has a reason to finish.  Its usage comes after
    that, and ``data: [DONE]`` last; not every server sends them, so with the reasons
    :attr:`ending` begins, and either of the two, or the end of the bytes, ends it.

    Args:
        origin: Where the answer comes from.
        choices: How many answers were asked for.
        request_id: As the headers have it.
        cut: What an answer that breaks off is told to be, where the headers say.
        id_is_request: The ``id`` of the answer is ``chatcmpl-`` and the request's id.
    """

    __slots__ = ("_id_is_request", "_usage", "_usage_is_last", "_usage_new")

    def __init__(
        self,
        origin: Origin,
        *,
        choices: int = 1,
        request_id: str = "",
        cut: str = "",
        id_is_request: bool = False,
    ) -> None:
        super().__init__(Assembly(choices=choices), origin, request_id=request_id, cut=cut)
        self._id_is_request = id_is_request
        self._usage: Usage | None = None
        self._usage_new = False
        self._usage_is_last = False

    def _take(self, records: list[SSERecord], events: list[Event]) -> int:
        used = 0
        done = False
        try:
            for record in records:
                used += 1
                if record.data.startswith(b"[DONE]"):
                    done = True
                    self._take_done()
                elif self._assembly.finished:
                    done = not self._take_tail(record, events)
                else:
                    self._take_record(record, events)
                if self.failure is not None or done or self._usage_is_last:
                    break
        finally:
            if self._assembly.finished:
                self._flush(events)
            if self._usage_new and self._usage is not None:
                events.append(UsageUpdate(self._usage))
                self._usage_new = False
        if self.failure is None and self._assembly.finished:
            self.ending = True
            if done or self._usage_is_last or self._json is not None:
                self._finish(events)
        return used

    def _take_done(self) -> None:
        """The server says that this was all; some say so without a reason to finish."""
        if not self._assembly.finished:
            if self._assembly.empty:
                self._fail(InterruptedStreamError("the service ended an answer that is empty"))
            self._assembly.finished = True

    def _take_tail(self, record: SSERecord, events: list[Event]) -> bool:
        """Behind a whole answer comes its usage; what is broken there does not spoil it."""
        try:
            self._take_record(record, events)
        except ProtocolError:
            return False
        if self.failure is None:
            return True
        _log.debug("provider.data_after_finish", records=1)
        self._forgive()
        return False

    def _take_record(self, record: SSERecord, events: list[Event]) -> None:
        said_error = record.event == "error" or (record.status or 0) >= 400
        chunk: Chunk | None
        odd = False
        try:
            chunk = None if said_error else _decode(record.data)
        except UNREADABLE:
            odd = True
            chunk = self._decode_oddly(record, Chunk)
            if chunk is None:
                return
        if chunk is None or chunk.error or chunk.code:
            self._fail_by(record)
            return
        if self._id_is_request and chunk.id and chunk.id.startswith(_ID):
            self._raw_id = chunk.id.removeprefix(_ID)
        if chunk.model:
            self._assembly.model_name = clean_text(chunk.model, 100)
        start = len(events)
        try:
            if chunk.choices:
                self._take_choices(chunk.choices, events, odd=odd)
        finally:
            if odd or self._mender:
                self._mend(events, start)
        if chunk.usage:
            self._take_usage(chunk.usage)

    def _take_choices(self, choices: list[Choice], events: list[Event], *, odd: bool) -> None:
        assembly = self._assembly
        for choice in choices:
            if odd:
                mend_value(choice.logprobs)
            index = choice.index or 0
            delta = choice.delta or choice.message
            if delta is not None:
                reasoning = delta.reasoning_content or delta.reasoning
                if index:
                    assembly.add_other(index, reasoning, text_of(delta), delta.tool_calls)
                else:
                    assembly.add(events, reasoning, text_of(delta), delta.tool_calls)
                    if delta.audio:
                        audio = mend_value(delta.audio) if odd else delta.audio
                        events.append(CustomEvent("provider.audio", audio))
            if choice.logprobs is not None:
                assembly.add_logprobs(index, choice.logprobs)
            if choice.finish_reason not in RUNNING:
                assembly.end(index, choice.finish_reason)

    def _take_usage(self, value: Any) -> None:
        usage = to_usage(value)
        if usage is None:
            return
        self._usage_is_last = self._assembly.finished
        if usage != self._usage:
            self._usage = usage
            self._usage_new = True
