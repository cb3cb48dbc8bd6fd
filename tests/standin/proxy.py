"""A tiny HTTP proxy on loopback: CONNECT, and requests with a whole URL."""

import asyncio
import base64
import contextlib
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

__all__ = ["Proxy"]


class Proxy:
    """Listens on 127.0.0.1 while it is entered.

    Args:
        login: `user:password` that it asks for.
        refuses: A status with which it answers all.

    Attributes:
        heads: What it was sent by clients, as far as it could read it: without the bodies of
            requests, and without what is inside a tunnel.
    """

    def __init__(self, *, login: str = "", refuses: int = 0) -> None:
        self.heads: list[str] = []
        self._login = base64.b64encode(login.encode()).decode() if login else ""
        self._refuses = refuses
        self._tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for _ in range(5):  # what has been accepted comes in: that takes some turns of the loop
            await asyncio.sleep(0)
        tasks = [*self._tasks]
        for task, writer in self._tasks.items():
            task.cancel()
            writer.transport.abort()  # here, as a task that has not begun never comes to it
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(5):  # an aborted transport tells of its end a turn later
            await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks[task] = writer
        task.add_done_callback(self._tasks.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heads.append(head)
            first, _, rest = head.partition("\r\n")
            method, target, version = first.split(" ")
            if status := self._refusal(rest):
                writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
            else:
                await self._relay(method, target, f"{version}\r\n{rest}", reader, writer)
        writer.transport.abort()

    def _refusal(self, headers: str) -> int:
        if self._login and f"Proxy-Authorization: Basic {self._login}" not in headers:
            return 407
        return self._refuses

    @staticmethod
    async def _relay(
        method: str,
        target: str,
        rest: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        tunnel = method == "CONNECT"
        parts = urlsplit(f"//{target}" if tunnel else target)
        server, upstream = await asyncio.open_connection(parts.hostname, parts.port)
        if tunnel:
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            kept = [line for line in rest.split("\r\n") if not line.startswith("Proxy-")]
            upstream.write(f"{method} {parts.path} ".encode() + "\r\n".join(kept).encode("latin-1"))

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.transport.abort()

        await asyncio.gather(pump(reader, upstream), pump(server, writer))
