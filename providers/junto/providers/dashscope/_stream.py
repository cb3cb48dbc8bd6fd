"""Bytes of an answer to events: framing, sniffing, the end, and what breaks on the way.

No I/O.  The content decides what the bytes are, not their label: a first ``{`` makes them
one JSON answer, anything else server-sent events (which never begin so).
"""

from __future__ import annotations

import msgspec
from attrs import evolve

from junto.core import (
    ChatError,
    Event,
    InterruptedStreamError,
    ProtocolError,
    ProviderError,
    TransportError,
    UsageUpdate,
    clean_text,
    get_logger,
)

from ..sse import SSEParser, SSERecord
from ._errors import Failure, Origin, failure_of, to_error
from ._frames import Frame, WholeFrame, decode_oddly
from ._json import UNREADABLE, load_json
from ._response import Answer
from ._surrogates import Mender
from ._usage import EMPTY, Counts, decode_meta, sum_choices, to_usage

__all__ = ["AnswerReader"]

_JSON_LIMIT = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_decode_frame = msgspec.json.Decoder(Frame).decode
_decode_last = msgspec.json.Decoder(WholeFrame).decode
_log = get_logger(__name__)


class AnswerReader:
    """Turns one answer's bytes into events, however they are cut.

    A failure does not hide what came before it in the same read: :meth:`feed` returns
    those events, and :attr:`failure` is then to be raised.

    Args:
        origin: Where the answer comes from.
        cumulative: Frames repeat the text so far.
        choices: How many answers were asked for.
        request_id: As the headers have it, for an answer that has none of its own.

    Attributes:
        finished: The last event has been returned.
        failure: What ended the answer early; it carries the partial text.
    """

    __slots__ = (
        "_answer",
        "_choices",
        "_head",
        "_json",
        "_json_size",
        "_mender",
        "_origin",
        "_parser",
        "_raw_id",
        "_sniffed",
        "_usage",
        "_usages",
        "failure",
        "finished",
    )

    def __init__(
        self,
        origin: Origin,
        *,
        cumulative: bool = False,
        choices: int = 1,
        request_id: str = "",
    ) -> None:
        self.finished = False
        self.failure: ChatError | None = None
        self._origin = origin
        self._raw_id = request_id
        self._answer = Answer(cumulative=cumulative, choices=choices)
        self._choices = choices
        self._parser = SSEParser()
        self._mender: Mender | None = None
        self._sniffed = False
        self._head: bytes = b""  # white space, before the first byte that tells
        self._json: list[bytes] | None = None
        self._json_size = 0
        self._usage: Counts | None = None
        self._usages: dict[int, Counts] = {}

    @property
    def partial_text(self) -> str:
        """The text so far."""
        return self._answer.partial_text

    @property
    def request_id(self) -> str | None:
        """The service's id of the request, as soon as it is known."""
        return clean_text(self._origin.scrub(self._raw_id), 100) or None

    def feed(self, data: bytes) -> list[Event]:
        """The events that the next bytes complete."""
        if not self._sniffed:
            data = self._sniff(data)
        if self._json is not None:
            self._json_size += len(data)
            if self._json_size > _JSON_LIMIT:
                self._fail(ProtocolError(f"the answer is longer than {_JSON_LIMIT} bytes"))
            else:
                self._json.append(data)
            return []
        try:
            records = self._parser.feed(data)
        except ProtocolError as error:
            self._fail(error)
            return []
        return self._apply(records) if records else []

    def end(self) -> list[Event]:
        """The bytes are over: the events that are left, and the failure if this is one."""
        try:
            if self._json is not None:
                records = [SSERecord(b"".join(self._json))]
            else:
                records = [*self._parser.feed(self._head), *self._parser.close()]
        except ProtocolError as error:
            self._fail(error)
            return []
        events = self._apply(records) if records else []
        if not self.finished and self.failure is None:
            place = " in the middle of an event" if self._parser.truncated else ""
            self._fail(
                InterruptedStreamError(
                    f"the answer broke off{place}: the service gave no reason to finish"
                )
            )
        return events

    def _sniff(self, data: bytes) -> bytes:
        if data.startswith(b"id:") and not self._head:  # as the service begins
            self._sniffed = True
            return data
        data = self._head + data
        start = data.removeprefix(_BOM).lstrip()
        if not start or _BOM.startswith(start):
            self._head = data[-4096:]
            return b""
        self._head = b""
        self._sniffed = True
        if start.startswith(b"{"):
            self._json = []
            return start
        return data

    def _apply(self, records: list[SSERecord]) -> list[Event]:
        events: list[Event] = []
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
                    frame = None
                if (
                    frame is None
                    or frame.code
                    or frame.error
                    or record.status != 200
                    or record.event == "error"
                    or self._mender
                ):
                    self._apply_odd(record, frame, events)
                else:
                    apply(frame, events)
                if answer.finished or self.failure is not None:
                    break
        except ProtocolError as error:
            self._fail(error)
        if answer.finished and self.failure is None and self._mender:
            self._mender.flush(events)
        self._apply_meta(records[:used], frame, events)
        if answer.finished and self.failure is None:
            self.finished = True
            events.append(
                answer.finish({"request_id": self.request_id, "model": self._origin.model})
            )
            if used < len(records):
                _log.debug("dashscope.data_after_finish", records=len(records) - used)
        return events

    def _apply_odd(self, record: SSERecord, frame: Frame | None, events: list[Event]) -> None:
        """Whatever is not a plain frame of a running answer."""
        said_error = record.event == "error" or (record.status or 0) >= 400
        odd = frame is None and not said_error
        if odd:
            frame = _decode_oddly(record)
            if frame is None:
                return
        if frame is None or said_error or frame.code or frame.error:
            self._fail_by(record)
            return
        start = len(events)
        self._answer.apply(frame, events)
        if odd or self._mender:
            self._mender = self._mender or Mender()
            self._mender.mend(events, start)

    def _apply_meta(
        self, records: list[SSERecord], last: Frame | None, events: list[Event]
    ) -> None:
        """Usage and request id, which each frame repeats: those of the last that has them."""
        whole = last if isinstance(last, WholeFrame) else None
        for record in reversed(records):
            meta, whole = whole or decode_meta(record.data), None
            self._raw_id = meta.request_id or self._raw_id
            counts = meta.usage
            if counts is not None and counts != EMPTY:
                if self._choices > 1 and self._json is None:
                    counts = sum_choices([r.data for r in records], self._usages)
                if counts != self._usage:
                    self._usage = counts
                    events.append(UsageUpdate(to_usage(counts)))
                return

    def _fail_by(self, record: SSERecord) -> None:
        """An error inside the stream; its status is in a comment, or nowhere (section 6)."""
        payload = load_json(record.data)
        failure = failure_of(payload, record.status)
        if failure is None:
            text = "" if isinstance(payload, dict) else record.data.decode("utf-8", "replace")
            status = record.status if (record.status or 0) >= 400 else None
            failure = Failure(status=status, message=text)
        if failure.request_id is None:
            failure = evolve(failure, request_id=self.request_id)
        self._fail(to_error(failure, self._origin))

    def _fail(self, error: ChatError) -> None:
        error.__traceback__ = None  # its frames hold what the service sent
        self.failure = error
        self.complete(error)

    def complete(self, error: ChatError) -> None:
        """Put what is known of the answer into an error that ended it."""
        if isinstance(error, ProviderError | TransportError | ProtocolError):
            error.partial_text = self.partial_text
            error.request_id = error.request_id or self.request_id


def _decode_oddly(record: SSERecord) -> Frame | None:
    """A frame that the quick decoder refuses; ``None`` for what is no frame at all.

    Raises:
        ProtocolError: It is an event of the service's own kinds, and not readable.
    """
    data = record.data.strip()
    if not data or data == b"[DONE]":
        return None
    try:
        return decode_oddly(data)
    except ProtocolError:
        if record.event in {"", "message", "result"}:
            raise
        return None
