"""A server without manners: bytes on a TCP connection, as a test directs.

aiohttp's own server speaks proper HTTP; what breaks it has to be written by hand.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections import deque
from collections.abc import Iterable, Sequence
from enum import Enum
from types import TracebackType
from typing import Any, Self

from attrs import Factory, define, frozen

_MOST = 512 * 1024 * 1024


class Move(Enum):
    """Directions between the bytes."""

    ASK = "read a request, head and body"
    DEAF = "read no more, until the client has gone"
    RESET = "cut the connection with an RST"
    HALF = "send FIN, and go on listening"
    CLOSE = "close the connection"
    GONE = "wait until the client has gone away"


ASK, DEAF, RESET, HALF, CLOSE, GONE = Move


@frozen
class Endless:
    """These pieces over and over, until the client goes or 512 MiB are out."""

    pieces: Sequence[bytes]


@define
class Call:
    """One connection that a client made.

    Attributes:
        requests: What it asked, as it came: heads and bodies.
        gone: Set when it is over, for whichever reason.
        sent: Bytes that the transport took.
    """

    requests: list[bytes] = Factory(list)
    gone: asyncio.Event = Factory(asyncio.Event)
    sent: int = 0


class RawServer:
    """Listens on 127.0.0.1 while it is entered; plays one script per connection.

    Attributes:
        calls: The connections so far.
        came: Set whenever a request has been read.
        url: Of its root.
        port: Where it listens.
    """

    def __init__(self, *scripts: Sequence[Any], tls: ssl.SSLContext | None = None) -> None:
        self.calls: list[Call] = []
        self.came = asyncio.Event()
        self.url = ""
        self.port = 0
        self._tls = tls
        self._scripts = deque(scripts)
        self._players: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    def will(self, *scripts: Sequence[Any]) -> None:
        """Put scripts down; the last one is repeated."""
        self._scripts.extend(scripts)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=self._tls, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        scheme = "http" if self._tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
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
        players = [*self._players]
        self.leave()
        await asyncio.gather(*players, return_exceptions=True)
        # An aborted transport tells of its end a turn later, and warns if it never can.
        for writer in self._writers:
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def leave(self) -> None:
        """Cut all connections that are left."""
        for player, writer in self._players.items():
            player.cancel()
            writer.transport.abort()  # here, as a task that has not begun never comes to it

    async def all_gone(self) -> None:
        """Wait until no connection is left."""
        for call in self.calls:
            await call.gone.wait()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        player = asyncio.create_task(self._play(reader, writer))
        self._players[player] = writer
        self._writers.append(writer)
        player.add_done_callback(self._players.pop)

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = Call()
        self.calls.append(call)
        script = self._scripts.popleft() if len(self._scripts) > 1 else self._scripts[0]
        try:
            for step in script:
                await self._step(step, call, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the client has gone
        finally:
            call.gone.set()
            writer.transport.abort()

    async def _step(
        self,
        step: bytes | Move | Endless | asyncio.Event,
        call: Call,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        match step:
            case bytes():
                await _write(writer, call, [step])
            case Endless():
                while call.sent < _MOST:
                    await _write(writer, call, step.pieces)
            case asyncio.Event():
                await step.wait()
            case Move.ASK:
                call.requests.append(await _read_request(reader))
                self.came.set()
            case Move.RESET:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            case Move.HALF:
                writer.write_eof()
            case Move.CLOSE:
                writer.close()
            case Move.GONE:
                while await reader.read(65536):
                    pass
            case Move.DEAF:
                # What the client has sent stays in its buffers, and in ours.
                await asyncio.Event().wait()


async def _write(writer: asyncio.StreamWriter, call: Call, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        if writer.is_closing():
            raise ConnectionResetError
        writer.write(piece)
        await writer.drain()
        call.sent += len(piece)
        await asyncio.sleep(0)


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)
