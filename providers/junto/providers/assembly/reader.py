"""Bytes of an answer to events: framing, sniffing, the end, and what breaks on the way.

No I/O.  The content decides what the bytes are, not their label: a first brace or bracket
makes them one JSON answer, anything else server-sent events (which never begin so).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import evolve

from junto.core import (
    ChatError,
    Event,
    InterruptedStreamError,
    ProtocolError,
    ProviderError,
    TransportError,
    clean_text,
    get_logger,
)

from .._values import decode_oddly, load_json
from ..failures import Failure, Origin, failure_of, to_error
from ..sse import SSEParser, SSERecord
from .choices import Assembly
from .json_body import JSONBody
from .surrogates import Mender

__all__ = ["AnswerReader"]

_BOM = b"\xef\xbb\xbf"
_log = get_logger(__name__)
_F = TypeVar("_F")


class AnswerReader:
    """Turns one answer's bytes into events, however they are cut.

    A provider's subclass says in :meth:`_take` what its records mean.  A failure does not
    hide what came before it in the same read: :meth:`feed` returns those events, and
    :attr:`failure` is then to be raised.

    Args:
        assembly: Takes the frames.
        origin: Where the answer comes from.
        request_id: As the headers have it, for an answer that has none of its own.
        cut: What an answer that breaks off is told to be, where the headers say; such a one
            is not worth another try.

    Attributes:
        finished: The last event has been returned.
        ending: The answer is whole, but what may follow it (its usage, a mark of the end)
            has not come; it is waited for a little, and not missed.
        failure: What ended the answer early; it carries the partial text.
    """

    __slots__ = (
        "_assembly",
        "_cut",
        "_head",
        "_json",
        "_mender",
        "_origin",
        "_parser",
        "_raw_id",
        "_sniffed",
        "ending",
        "failure",
        "finished",
    )

    def __init__(
        self, assembly: Assembly, origin: Origin, *, request_id: str = "", cut: str = ""
    ) -> None:
        self.finished: bool = False
        self.ending: bool = False
        self.failure: ChatError | None = None
        self._assembly = assembly
        self._origin = origin
        self._raw_id = request_id
        self._cut = cut
        self._parser = SSEParser()
        self._mender: Mender | None = None
        self._sniffed = False
        self._head: bytes = b""  # white space, before the first byte that tells
        self._json: JSONBody | None = None

    @property
    def partial_text(self) -> str:
        """The text so far, as the events have it."""
        text = self._assembly.partial_text
        return text[:-1] if self._mender and self._mender.holds_text else text

    @property
    def request_id(self) -> str | None:
        """The service's id of the request, as soon as it is known."""
        return clean_text(self._origin.scrub(self._raw_id), 100) or None

    def feed(self, data: bytes) -> list[Event]:
        """The events that the next bytes complete."""
        if not self._sniffed:
            data = self._sniff(data)
        try:
            if self._json is not None:
                return self.end() if self._json.add(data) else []
            records = self._parser.feed(data)
        except ProtocolError as error:
            self._fail(error)
            return []
        return self._events(records) if records else []

    def end(self, *, lost: bool = False) -> list[Event]:
        """The bytes are over: the events that are left, and the failure if this is one.

        Args:
            lost: They broke off, so that an answer which has not begun may have been lost.
        """
        try:
            if self._json is not None:
                records = [] if self._json.cut() else [SSERecord(bytes(self._json))]
            else:
                records = [*self._parser.feed(self._head), *self._parser.close()]
        except ProtocolError as error:
            self._fail(error)
            return []
        events = self._events(records) if records else []
        if self.finished or self.failure is not None:
            return events
        if self._assembly.finished or (self._assembly.settled and not lost):
            self._finish(events)
        else:
            place = " in the middle of an event" if self._parser.truncated else ""
            if self._json is not None and not records:
                place = " in the middle of its JSON"
            reason = self._cut or "the service gave no reason to finish"
            # What is cut at a limit of time is cut again.
            again = not self._cut
            self._fail(
                InterruptedStreamError(f"the answer broke off{place}: {reason}", retryable=again)
            )
        return events

    def is_whole(self) -> bool:
        """Whether nothing is missing but the end of the bytes; asked when a clock runs out."""
        return self.ending or (self._json is not None and self._json.whole())

    def complete(self, error: ChatError) -> None:
        """Put what is known of the answer into an error that ended it."""
        if isinstance(error, ProviderError | TransportError | ProtocolError):
            error.partial_text = self.partial_text
            error.request_id = error.request_id or self.request_id

    @abstractmethod
    def _take(self, records: list[SSERecord], events: list[Event]) -> int:
        """Append the events of ``records``, and return how many of them were used.

        The last event is appended by :meth:`_finish`.

        Raises:
            ProtocolError: A record is not what was agreed on, or beyond a limit.
        """
        raise NotImplementedError

    def _metadata(self) -> Mapping[str, Any]:
        """What the last event says of the whole answer."""
        return {"request_id": self.request_id, "model": self._origin.model}

    def _events(self, records: list[SSERecord]) -> list[Event]:
        events: list[Event] = []
        used = len(records)
        try:
            used = self._take(records, events)
        except ProtocolError as error:
            self._fail(error)
        if self.finished and used < len(records):
            _log.debug("provider.data_after_finish", records=len(records) - used)
        return events

    def _flush(self, events: list[Event]) -> None:
        """No text is to come: let go of half a character."""
        if self._mender:
            self._mender.flush(events)

    def _finish(self, events: list[Event]) -> None:
        """The answer is whole: append its last event."""
        self._flush(events)
        self.finished = True
        self.ending = False
        events.append(self._assembly.finish(self._metadata()))

    def _mend(self, events: list[Event], start: int) -> None:
        """Join characters whose halves came apart, in the events from ``start`` on."""
        self._mender = self._mender or Mender()
        self._mender.mend(events, start)

    def _decode_oddly(self, record: SSERecord, kind: type[_F]) -> _F | None:
        """A frame that the quick decoder refuses; ``None`` for what is no frame at all.

        Raises:
            ProtocolError: It is an event of the service's own kinds, and not readable.
        """
        data = record.data.strip()
        if not data or data == b"[DONE]":
            return None
        try:
            return decode_oddly(data, kind)
        except ProtocolError:
            if record.event in {"", "message", "result"}:
                raise
            return None

    def _fail_by(self, record: SSERecord) -> None:
        """An error inside the stream; its status is in a comment, in its text, or nowhere."""
        failure = failure_of(load_json(record.data), record.status, said=True)
        if failure is None:
            text = record.data.decode("utf-8", "replace")
            status = record.status if (record.status or 0) >= 400 else None
            failure = Failure(status=status, message=text)
        if failure.request_id is None:
            failure = evolve(failure, request_id=self.request_id)
        self._fail(to_error(failure, self._origin))

    def _forgive(self) -> None:
        """What failed was no part of the answer."""
        self.failure = None

    def _fail(self, error: ChatError) -> None:
        """Keep what ended the answer early, with what is known of the answer."""
        # Frames and contexts hold what the service sent.
        error.__traceback__ = error.__context__ = None
        self.failure = error
        self.complete(error)

    def _sniff(self, data: bytes) -> bytes:
        if data.startswith(b"id:") and not self._head:  # as DashScope begins
            self._sniffed = True
            return data
        data = self._head + data
        start = data.removeprefix(_BOM).lstrip()
        if not start or _BOM.startswith(start):
            self._head = data[-64:]  # so little that reading it again each time costs nothing
            return b""
        self._head = b""
        self._sniffed = True
        if start.startswith((b"{", b"[")):
            self._json = JSONBody()
            return start
        return data
