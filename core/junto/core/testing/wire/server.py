"""A server on the loopback that does to its clients what networks do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeAlias

from .connection import Asked, Connection
from .http import RawRequest
from .reply import Reply

__all__ = ["Answer", "Server"]

_BACKLOG = 1024
"""Connections that may wait to be taken: more than any check opens at once."""

Answer: TypeAlias = Reply | Callable[[Asked], Reply]


class Server:
    """Listens on 127.0.0.1 from when it is made, and answers while it is entered.

    It may be entered again, on another event loop.  Close it in the end.

    Args:
        *answers: One for each request: replies, or functions that make them of a request.
            The last one is given again and again.

    Attributes:
        url: Of scheme, host and port.
        asked: The requests so far.
        opened: How many connections there have been.
    """

    def __init__(self, *answers: Answer) -> None:
        self._answers = answers
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url: str = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked: list[Asked] = []
        self.opened: int = 0
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    async def __aenter__(self) -> Self:
        self._changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self), sock=self._socket.dup(), backlog=_BACKLOG
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.abort()
        await self.until(lambda: not self._connections)

    @property
    def connected(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def until(self, what: Callable[[], bool]) -> None:
        """Wait until something is true of the server that its connections change."""
        while not what():
            self._changed.clear()
            await self._changed.wait()

    def took(self, request: RawRequest, connection: Connection) -> tuple[Asked, Reply]:
        """A request has come; what to answer."""
        asked = Asked(request, connection)
        answer = self._answers[min(len(self.asked), len(self._answers) - 1)]
        self.asked.append(asked)
        self.changed()
        return asked, answer if isinstance(answer, Reply) else answer(asked)

    def changed(self) -> None:
        """Something happened."""
        self._changed.set()

    def has(self, connection: Connection) -> None:
        """A connection has been opened."""
        self._connections.add(connection)
        self.opened += 1
        self.changed()

    def lost(self, connection: Connection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        self.changed()
