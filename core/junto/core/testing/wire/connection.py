"""One connection of the server, and the requests that come by it."""

from __future__ import annotations

import asyncio
import json
import selectors
import socket
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from attrs import Factory, define

from .http import RawRequest, chunk_of, parse_request
from .reply import Reply, Stage

if TYPE_CHECKING:
    from .server import Server

__all__ = ["Asked", "Connection"]

_AT_ONCE = struct.pack("ii", 1, 0)
"""For ``SO_LINGER``: throw away what is not sent, and reset."""


@define(eq=False, repr=False)
class Asked:
    """A request that came.  Its repr shows nothing: a key is in it.

    Attributes:
        request: The request itself.
        gone: Set when the client has closed the connection before the reply was whole.
        done: Set when the server is through with it, in whichever way.
    """

    request: RawRequest
    connection: Connection
    gone: asyncio.Event = Factory(asyncio.Event)
    done: asyncio.Event = Factory(asyncio.Event)

    @property
    def path(self) -> str:
        """With its query."""
        return self.request.path

    @property
    def headers(self) -> Mapping[str, str]:
        """By their names in lower case."""
        return self.request.headers

    @property
    def body(self) -> bytes:
        """What it brought."""
        return self.request.body

    @property
    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: It is none.
        """
        return json.loads(self.request.body)

    def left(self, seconds: float) -> bool:
        """Whether the client has closed the connection of a reply that was not whole.

        Waits without letting the event loop go on, so that nobody can close it meanwhile.
        """
        return self.gone.is_set() or self.connection.ended(seconds)


class Connection(asyncio.Protocol):
    """One connection: requests in, replies out, one after the other."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._received = b""
        self._asked: Asked | None = None
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._transport = cast("asyncio.Transport", transport)
        # Each piece goes out by itself, without waiting for the one before to be confirmed.
        made = transport.get_extra_info("socket")
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server.has(self)

    def data_received(self, data: bytes) -> None:
        """A piece of a request has come, or several."""
        self._received += data
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone, or was sent away."""
        if self._asked is not None:
            self._asked.gone.set()
        if self._task is not None:
            self._task.cancel()
        else:
            self._server.lost(self)

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()

    def ended(self, seconds: float) -> bool:
        """Whether the other side has closed it; the event loop stands still meanwhile."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return True
        with selectors.DefaultSelector() as selector:
            # Nothing more is to come from the client but its end.
            selector.register(transport.get_extra_info("socket").fileno(), selectors.EVENT_READ)
            return bool(selector.select(seconds))

    def _next(self) -> None:
        if self._task is not None:
            return
        parsed = parse_request(self._received)
        if parsed is not None:
            request, self._received = parsed
            self._asked, reply = self._server.took(request, self)
            self._task = asyncio.create_task(self._answer(self._asked, reply))
            self._task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if self._asked is not None:
            self._asked.done.set()
            self._asked = None
        transport = self._transport
        if transport is None or transport.is_closing():
            self._server.lost(self)
        elif task.cancelled() or task.exception() is not None:
            self._tell(task)
            transport.abort()
        else:
            self._server.changed()
            self._next()

    @staticmethod
    def _tell(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            context = {"message": "the server failed", "exception": task.exception()}
            asyncio.get_running_loop().call_exception_handler(context)

    async def _answer(self, asked: Asked, reply: Reply) -> None:
        transport = self._transport
        if transport is None:
            return
        head = reply.head()
        for step in reply.steps:
            match step:
                case bytes():
                    body = step if reply.sized or not step else chunk_of(step)
                    transport.write(head + body)
                    head = b""
                    for _ in range(reply.rounds):
                        await asyncio.sleep(0)
                case Stage.CUT:
                    transport.close()
                    return
                case Stage.RESET:
                    made = transport.get_extra_info("socket")
                    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                    transport.abort()
                    return
                case Stage.HOLD:
                    await asked.gone.wait()
                    return
                case _:
                    await step()
        transport.write(head + (b"" if reply.sized else chunk_of(b"")))
