"""Server-sent events: bytes in, records out.  No I/O, and no wire of any one provider.

The parser follows the WHATWG rules (https://html.spec.whatwg.org/#event-stream-interpretation)
however the network cuts the bytes: lines end with LF, CR or CRLF, one byte order mark is
dropped, at most one space after a colon is stripped, several data lines are joined by LF,
an unknown field is ignored, an empty line dispatches.  Three things are added, because
DashScope and the gateways in front of it need them:

* the comment ``:HTTP_STATUS/429`` is kept, as :attr:`SSERecord.status`;
* a record whose data is complete JSON is also dispatched by the *next* data line, when the
  empty line between two records is missing;
* at the end of the input a record with complete JSON is dispatched without its empty line,
  and anything else that is left over sets :attr:`SSEParser.truncated`.

Data stays bytes: CR and LF never occur inside a UTF-8 sequence, so a whole line is whole
text, wherever it was cut on its way.

A read of records in their usual form is taken apart by one pattern.  Everything else goes
line by line, which is right for any input and several times slower.
"""

from __future__ import annotations

import re

import msgspec

from junto.core import ProtocolError

from ._json_scan import JSONScanner
from ._sse_fields import STATUS, Fields

__all__ = ["SSEParser", "SSERecord"]

_BOM = b"\xef\xbb\xbf"
_USUAL = re.compile(rb"id:(\d+)\nevent:result\n:HTTP_STATUS/200\ndata:(\{.*)\n\n")
_USUAL_SIZE = len(b"id:\nevent:result\n:HTTP_STATUS/200\ndata:\n\n")


class SSERecord(msgspec.Struct, gc=False):
    """One event of the stream.

    Attributes:
        data: The data lines, joined by LF; UTF-8, unless the sender was at fault.
        event: The event's type; empty where the sender gave none.
        id: The ``id`` field of this record, as it came; empty where it had none.
        status: The number in a ``:HTTP_STATUS/`` comment of this record.
    """

    data: bytes
    event: str = ""
    id: bytes = b""
    status: int | None = None


class SSEParser:
    """Takes a stream of server-sent events apart, read by read.

    Args:
        limit: The longest record in bytes, and the longest line.

    Attributes:
        truncated: After :meth:`close`: the input ended inside a record.
    """

    __slots__ = (
        "_after_cr",
        "_data",
        "_data_size",
        "_failure",
        "_fields",
        "_json",
        "_limit",
        "_next",
        "_open",
        "_pieces",
        "_pieces_size",
        "_started",
        "truncated",
    )

    def __init__(self, *, limit: int = 8 * 1024 * 1024) -> None:
        self.truncated: bool = False
        self._limit = limit
        self._failure: ProtocolError | None = None  # raised by the next call
        self._started = False  # past the byte order mark
        self._after_cr = False  # the last byte was CR: an LF now belongs to it
        self._pieces: list[bytes] = []  # of a line that has not ended
        self._pieces_size = 0
        self._open = False  # a record has begun, and not been dispatched
        self._fields = Fields()
        self._next: Fields | None = None  # seen after complete data: whose they are is open
        self._data: list[bytes] = []
        self._data_size = 0
        self._json = JSONScanner()

    def feed(self, data: bytes) -> list[SSERecord]:
        """Parse the next bytes, and return the records that are complete with them.

        Raises:
            ProtocolError: A record or a line is longer than the limit.  Records before it
                come first: with them in hand it is raised by the next call.
        """
        if self._failure is not None:
            raise self._failure
        records: list[SSERecord] = []
        try:
            self._feed(data, records)
        except ProtocolError as error:
            self._failure = error
            if not records:
                raise
        return records

    def _feed(self, data: bytes, records: list[SSERecord]) -> None:
        if not self._started or self._after_cr or self._pieces or self._open or b"\r" in data:
            data = self._go_on(data, records)
        rest = self._usual(data, records)
        if rest is None:
            *blocks, rest = data.split(b"\n\n")
            for block in blocks:
                self._lines(block, records)
                self._line(b"", records)
        if rest:
            lines, newline, last = rest.rpartition(b"\n")
            if newline:
                self._lines(lines, records)
            self._keep(last)

    def close(self) -> list[SSERecord]:
        """The input is over: return what can still be dispatched.

        Afterwards :attr:`truncated` says whether something was left over.

        Raises:
            ProtocolError: As :meth:`feed` does.
        """
        if self._failure is not None:
            raise self._failure
        records: list[SSERecord] = []
        last = b"".join(self._pieces)
        self._pieces.clear()
        if last:
            self._line(last, records)
        if self._data:
            if self._json.complete(self._data):
                self._dispatch(records)
            else:
                self.truncated = True
        elif self._open:
            self.truncated = True
        return records

    def _go_on(self, data: bytes, records: list[SSERecord]) -> bytes:
        """Go on with what an earlier read began; return the rest, with LF for every line end."""
        if not self._started:
            data = self._skip_bom(data)
        if self._after_cr and data:
            self._after_cr = False
            if data.startswith(b"\n"):
                data = data[1:]
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in data:
            self._keep(data)
            return b""
        if self._pieces:
            self._pieces.append(data)
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._pieces_size = 0
        return self._finish_open(data, records) if self._open else data

    def _usual(self, data: bytes, records: list[SSERecord]) -> bytes | None:
        """Take the records off, and return what is left; ``None`` if one is not as usual.

        What the pattern found lies one after the other if its lengths add up to where the
        last record ends: then nothing was passed over.
        """
        end = 0
        usual: list[SSERecord] = []
        for number, value in _USUAL.findall(data):
            end += len(number) + len(value) + _USUAL_SIZE
            usual.append(SSERecord(value, "result", number, 200))
        if not usual or end > self._limit or end != data.rfind(b"\n\n") + 2:
            return None
        records += usual
        return data[end:]

    def _skip_bom(self, data: bytes) -> bytes:
        data = b"".join([*self._pieces, data])
        self._pieces.clear()
        self._pieces_size = 0
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._keep(data)
            return b""
        self._started = True
        return data.removeprefix(_BOM)

    def _keep(self, piece: bytes) -> None:
        """Keep the beginning of a line until its end comes."""
        if piece:
            self._pieces.append(piece)
            self._pieces_size += len(piece)
            self._check(self._pieces_size)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise ProtocolError(f"an event of the stream is longer than {self._limit} bytes")

    def _finish_open(self, data: bytes, records: list[SSERecord]) -> bytes:
        """Take the lines that complete the record which is open; return the rest."""
        if data.startswith(b"\n"):
            self._line(b"", records)
            return data[1:]
        lines, ended, rest = data.partition(b"\n\n")
        if not ended:
            return data
        self._lines(lines, records)
        self._line(b"", records)
        return rest

    def _lines(self, block: bytes, records: list[SSERecord]) -> None:
        for line in block.split(b"\n"):
            self._line(line, records)

    def _line(self, line: bytes, records: list[SSERecord]) -> None:
        if not line:
            if self._data:
                if self._next is not None:
                    self._fields.update(self._next)
                self._dispatch(records)
            self._reset(Fields())
            return
        self._check(len(line))
        if line.startswith(b":"):
            if match := STATUS.match(line):
                self._fields_now().status = int(match[1])
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            if self._data and self._json.complete(self._data):
                self._dispatch(records)
                self._reset(self._next or Fields())
            elif self._next is not None:
                self._fields.update(self._next)
                self._next = None
            self._open = True
            self._data.append(value)
            self._data_size += len(value) + 1
            self._check(self._data_size)
        elif name == b"event":
            self._fields_now().take_event(value)
        elif name == b"id" and b"\0" not in value:
            self._fields_now().id = value

    def _fields_now(self) -> Fields:
        """Where a field goes: to the record in hand, or to the next one if that may be whole."""
        self._open = True
        if self._data and self._next is None and self._json.complete(self._data):
            self._next = Fields()
        return self._fields if self._next is None else self._next

    def _dispatch(self, records: list[SSERecord]) -> None:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        fields = self._fields
        records.append(SSERecord(data, fields.event, fields.id, fields.status))

    def _reset(self, fields: Fields) -> None:
        self._open = False
        self._fields = fields
        self._next = None
        self._data = []
        self._data_size = 0
        self._json = JSONScanner()
