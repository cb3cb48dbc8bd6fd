"""Something between a store and its server that can fail as networks do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_Stream: TypeAlias = "tuple[asyncio.StreamReader, asyncio.StreamWriter]"


class Proxy:
    """Listens on a free port of this machine, and passes on what comes.

    Args:
        address: Of the server.

    Attributes:
        address: What a store is to use instead.
        lose: After these bytes have gone to the server, its answer is lost, and with it the
            connection; so often as `losses` says.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.lose = b""
        self.losses = 0
        self._parts = urlsplit(address)
        self._port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._losing: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._go = asyncio.Event()
        self._go.set()

    async def __aenter__(self) -> Self:
        await self.up()
        place = self._parts.netloc.rpartition("@")[0]
        netloc = f"{place}{'@' if place else ''}127.0.0.1:{self._port}"
        query = dict(parse_qsl(self._parts.query))
        query.pop("host", None)
        if self._parts.scheme.startswith("postgres"):
            # What is enciphered cannot be looked into.
            query["sslmode"] = "disable"
        parts = self._parts._replace(netloc=netloc, query=urlencode(query))
        self.address = urlunsplit(parts)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def up(self) -> None:
        """Take connections, and pass on what comes."""
        self._go.set()
        if self._server is None:
            port = self._port
            self._server = await asyncio.start_server(self._take, "127.0.0.1", port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Cut all connections, and take no more: the server is gone."""
        server, self._server = self._server, None
        self._go.set()
        if server is not None:
            server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def hang(self) -> None:
        """Take connections, and pass on nothing: what is sent now never arrives."""
        self._go.clear()

    def tell_clients(self, data: bytes) -> None:
        """Send something that the server has not said."""
        for writer in self._clients:
            writer.write(data)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        self._clients.add(writer)
        try:
            far_reader, far = await self._connect()
            self._writers.add(far)
            try:
                await asyncio.gather(
                    self._pass(reader, far, lambda data: self._asked(writer, data)),
                    self._pass(far_reader, writer, lambda _: self._answered(writer)),
                )
            finally:
                self._writers.discard(far)
                far.transport.abort()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            self._clients.discard(writer)
            writer.transport.abort()

    async def _connect(self) -> _Stream:
        folder = dict(parse_qsl(self._parts.query)).get("host", "")
        if folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
        return await asyncio.open_connection(self._parts.hostname, self._parts.port)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        look: Callable[[bytes], bool],
    ) -> None:
        while data := await reader.read(1 << 16):
            if not self._go.is_set():
                await self._go.wait()
                break
            if not look(data):
                break
            writer.write(data)
            await writer.drain()
        writer.transport.abort()

    def _asked(self, client: asyncio.StreamWriter, data: bytes) -> bool:
        if self.losses and self.lose in data:
            self.losses -= 1
            self._losing.add(client)
        return True

    def _answered(self, client: asyncio.StreamWriter) -> bool:
        if client not in self._losing:
            return True
        self._losing.discard(client)
        client.transport.abort()
        return False
