"""HTTP/1.1 and server-sent events for the tiny provider: one connection a request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from junto.core import (
    ChatConnectionError,
    ChatError,
    InterruptedStreamError,
    ProtocolError,
    Secret,
)


class Connection:
    """One request, its answer, and the connection of both."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._read = False
        self.status = 0
        self.headers: Mapping[str, str] = {}

    @classmethod
    async def to(cls, url: str) -> Connection:
        parts = urlsplit(url)
        try:
            opened = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError as error:
            raise ChatConnectionError(f"no connection to {parts.netloc}") from error
        return cls(*opened)

    async def post(self, url: str, body: bytes, key: Secret, more: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        headers = {
            "Host": parts.netloc,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **more,
        }
        self._writer.write(f"POST {parts.path} HTTP/1.1\r\n".encode())
        for name, value in headers.items():
            self._writer.write(f"{name}: {value}\r\n".encode())
        self._writer.write(f"Authorization: Bearer {key.reveal()}\r\n\r\n".encode())
        self._writer.write(body)
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (EOFError, OSError):
            raise ChatConnectionError("the connection was lost before the answer") from None
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        self.status = int(first.split(" ")[1])
        pairs = (line.partition(":") for line in lines)
        self.headers = {name.lower(): value.strip() for name, _, value in pairs}

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end."""
        try:
            if "content-length" in self.headers:
                size = 0 if self._read else int(self.headers["content-length"])
                self._read = True
                return await self._reader.readexactly(size)
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            piece = await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        except ChatError:
            raise
        except (EOFError, OSError):
            raise InterruptedStreamError("the connection was lost in the answer") from None
        return piece

    def close(self) -> None:
        self._writer.close()

    def break_off(self) -> None:
        """End the read that waits."""
        self._reader.set_exception(InterruptedStreamError("the model was closed"))
        self._writer.close()


class Records:
    """Bytes to the data of records."""

    mark = b"\xef\xbb\xbf"

    def __init__(self) -> None:
        self._rest = b""
        self._after_cr = False
        self._begun = False
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + self.with_lf(data)).split(b"\n")
        return self._records(lines)

    def end(self) -> list[bytes]:
        """What needs no end of a line to be a record."""
        records = self._records([self._rest])
        if self._data:
            raise InterruptedStreamError("the answer broke off in a record")
        return records

    def with_lf(self, data: bytes) -> bytes:
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _records(self, lines: list[bytes]) -> list[bytes]:
        records: list[bytes] = []
        for line in lines:
            whole = line if self._begun else line.removeprefix(self.mark)
            self._begun = True
            if not whole and self._data:
                records.append(b"\n".join(self._data))
                self._data = []
            name, _, value = whole.partition(b":")
            if whole:
                self.field(name, value)
        return records

    def field(self, name: bytes, value: bytes) -> None:
        if name == b"data":
            self._data.append(self.value(value))

    def value(self, value: bytes) -> bytes:
        return value.removeprefix(b" ")


def check_head(status: int, headers: Mapping[str, str]) -> None:
    """Refuse what is neither an answer nor an error."""
    if 300 <= status < 400:
        raise ProtocolError("the service redirects, which is not followed")
    if status == 200 and "html" in headers.get("content-type", ""):
        raise ProtocolError("the service answered with a page")
