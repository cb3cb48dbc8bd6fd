"""Bytes of an answer in the native protocol to events."""

from __future__ import annotations

import msgspec

from junto.core import Event, UsageUpdate

from ..assembly import UNREADABLE, AnswerReader, mend_value
from ..failures import Origin
from ..sse import SSERecord
from ._answer import NativeAssembly
from ._frames import Frame, WholeFrame
from ._usage import EMPTY, Counts, decode_meta, sum_choices, to_usage

__all__ = ["NativeReader"]

_decode_frame = msgspec.json.Decoder(Frame).decode
_decode_last = msgspec.json.Decoder(WholeFrame).decode


class NativeReader(AnswerReader):
    """Turns one answer of the native protocol into events.

    Args:
        origin: Where the answer comes from.
        cumulative: Frames repeat the text so far.
        choices: How many answers were asked for.
        request_id: As the headers have it, for an answer that has none of its own.
        cut: What an answer that breaks off is told to be, where the headers say.
    """

    __slots__ = ("_answer", "_choices", "_usage", "_usages")

    def __init__(
        self,
        origin: Origin,
        *,
        cumulative: bool = False,
        choices: int = 1,
        request_id: str = "",
        cut: str = "",
    ) -> None:
        self._answer = NativeAssembly(cumulative=cumulative, choices=choices)
        super().__init__(self._answer, origin, request_id=request_id, cut=cut)
        self._choices = choices
        self._usage: Counts | None = None
        self._usages: dict[int, Counts] = {}

    def _take(self, records: list[SSERecord], events: list[Event]) -> int:
        answer = self._answer
        apply = answer.apply
        used, last = 0, len(records)
        frame: Frame | None = None
        try:
            for record in records:
                used += 1
                try:
                    # Usage and request id are on every frame, and read off the last one.
                    frame = (_decode_frame if used < last else _decode_last)(record.data)
                except UNREADABLE:
                    frame = _without_usage(record.data) if used == last else None
                if (
                    frame is None
                    or frame.code
                    or frame.error
                    or record.status != 200
                    or record.event == "error"
                    or self._mender
                ):
                    self._take_odd(record, frame, events)
                else:
                    apply(frame, events)
                if answer.finished or self.failure is not None:
                    break
        finally:
            if answer.finished:
                self._flush(events)
            self._take_meta(records[:used], frame, events)
        if answer.finished and self.failure is None:
            self._finish(events)
        return used

    def _take_odd(self, record: SSERecord, frame: Frame | None, events: list[Event]) -> None:
        """Whatever is not a plain frame of a running answer."""
        said_error = record.event == "error" or (record.status or 0) >= 400
        odd = frame is None and not said_error
        if odd:
            frame = self._decode_oddly(record, Frame)
            if frame is None:
                return
        if frame is None or said_error or frame.code or frame.error:
            self._fail_by(record)
            return
        if odd:
            _mend_frame(frame)
        start = len(events)
        try:
            self._answer.apply(frame, events)
        finally:
            if odd or self._mender:
                self._mend(events, start)

    def _take_meta(self, records: list[SSERecord], last: Frame | None, events: list[Event]) -> None:
        """Usage and request id, which each frame repeats: of each, the last that there is."""
        whole = last if isinstance(last, WholeFrame) else None
        request_id, counts = "", None
        for record in reversed(records):
            meta, whole = whole or decode_meta(record.data), None
            request_id = request_id or meta.request_id or ""
            if counts is None and meta.usage != EMPTY:
                counts = meta.usage
            if request_id and counts is not None:
                break
        self._raw_id = request_id or self._raw_id
        if counts is None:
            return
        if self._choices > 1 and self._json is None:
            counts = sum_choices([r.data for r in records], self._usages, self._choices)
        if counts != self._usage:
            self._usage = counts
            events.append(UsageUpdate(to_usage(counts)))


def _without_usage(data: bytes) -> Frame | None:
    """A frame whose usage may be what cannot be read: that is no reason to refuse the rest."""
    try:
        return _decode_frame(data)
    except UNREADABLE:
        return None


def _mend_frame(frame: Frame) -> None:
    """Make text that can be written of what is handed through as it came."""
    if (output := frame.output) is None:
        return
    mend_value(output.search_info)
    mend_value(output.tool_info)
    for choice in output.choices or ():
        mend_value(choice.logprobs)
