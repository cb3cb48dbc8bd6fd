"""One aiohttp session per event loop."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator
from typing import Self

import aiohttp
from aiohttp.client_proto import ResponseHandler

from junto.core import ChatConnectionError

__all__ = ["Sessions"]


class Sessions:
    """The sessions of one model, made when first needed, or the one that was given.

    A session of ours ends with the model, or with its loop: it lives inside an async
    generator, and ``asyncio.run`` closes those before it closes the loop.

    Args:
        given: The caller's own session; it is used on its loop, and never closed here.  Its
            connections are aiohttp's, and lack what ours do beyond that.
        connections: The most connections at once, per loop.
        keep_alive: Keep connections for later requests.
    """

    def __init__(
        self,
        given: aiohttp.ClientSession | None,
        *,
        connections: int,
        keep_alive: bool,
    ) -> None:
        self._given = given
        self._keep_alive = keep_alive
        self._connections = connections
        self._keepers: dict[asyncio.AbstractEventLoop, _Keeper] = {}
        self._closed = False

    async def get(self) -> aiohttp.ClientSession:
        """The session of the running loop.

        Raises:
            ChatConnectionError: The model is closed, or the session that was given is, or
                belongs to another loop.
        """
        if self._closed:
            raise ChatConnectionError("the model is closed: make a new one", retryable=False)
        loop = asyncio.get_running_loop()
        if self._given is not None:
            if self._given.closed or getattr(self._given, "_loop", loop) is not loop:
                raise ChatConnectionError(
                    "the session= that was given is closed, or belongs to another event loop",
                    retryable=False,
                )
            return self._given
        keeper = self._keepers.get(loop)
        if keeper is None or keeper.session is None or keeper.session.closed:
            for other in [other for other in self._keepers if other.is_closed()]:
                self._keepers.pop(other, None)
            keeper = self._keepers[loop] = _Keeper()
            connector = _Connector(limit=self._connections, force_close=not self._keep_alive)
            await keeper.start(connector.of_ours())
        assert keeper.session is not None  # noqa: S101  for the type checker: start() set it
        return keeper.session

    async def aclose(self) -> None:
        """Close the sessions of ours, on every loop that still lives."""
        self._closed = True
        here = asyncio.get_running_loop()
        while self._keepers:
            loop, keeper = self._keepers.popitem()
            if loop is here:
                await keeper.stop()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(keeper.stop(), loop)


class _Connector(aiohttp.TCPConnector):
    """Makes connections of our kind."""

    def of_ours(self) -> Self:
        kind: type[ResponseHandler] = _Handler
        self._factory = functools.partial(kind, loop=asyncio.get_running_loop())
        return self


class _Handler(ResponseHandler):
    """A connection that does what aiohttp's own, as of 3.14, leaves undone."""

    def close(self) -> None:
        """Close at once, and not when the other side has taken all that was sent to it.

        A service that reads no more would keep the socket for good.
        """
        self.abort()

    def is_connected(self) -> bool:
        """Whether the next question may be put here; the pool asks.

        What came after the last answer would be taken for the next one.
        """
        return super().is_connected() and not self.should_close

    def data_received(self, data: bytes) -> None:
        """Take bytes in; where their framing breaks, tell whoever waits for the body."""
        payload = self._payload
        super().data_received(data)
        if (
            self.exception() is not None
            and payload is not None
            and payload.exception() is None
            and not payload.is_eof()
        ):
            payload.set_exception(aiohttp.ClientPayloadError("broken framing"))


class _Keeper:
    """Holds one session inside an async generator, and so ties it to its loop's end."""

    def __init__(self) -> None:
        self.session: aiohttp.ClientSession | None = None
        self._hold: AsyncGenerator[aiohttp.ClientSession, None] | None = None

    async def start(self, connector: aiohttp.BaseConnector) -> None:
        self._hold = _hold(connector)
        self.session = await anext(self._hold)

    async def stop(self) -> None:
        if self._hold is not None:
            await self._hold.aclose()


async def _hold(connector: aiohttp.BaseConnector) -> AsyncGenerator[aiohttp.ClientSession, None]:
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None),
    )
    try:
        yield session
    finally:
        await session.close()
