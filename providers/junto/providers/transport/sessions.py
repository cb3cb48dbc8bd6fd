"""One aiohttp session per event loop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator

import aiohttp

from junto.core import ChatConnectionError

__all__ = ["Sessions"]


class Sessions:
    """The sessions of one model, made when first needed, or the one that was given.

    A session of ours ends with the model, or with its loop: it lives inside an async
    generator, and ``asyncio.run`` closes those before it closes the loop.

    Args:
        given: The caller's own session; it is used on its loop, and never closed here.
        connections: The most connections at once, per loop.
        ssl_context: Instead of the default one.
        keep_alive: Keep connections for later requests.
    """

    def __init__(
        self,
        given: aiohttp.ClientSession | None,
        *,
        connections: int,
        ssl_context: ssl.SSLContext | None,
        keep_alive: bool,
    ) -> None:
        self._given = given
        self._keep_alive = keep_alive
        self._connections = connections
        self._ssl = ssl_context
        self._keepers: dict[asyncio.AbstractEventLoop, _Keeper] = {}
        self._closed = False

    async def get(self) -> aiohttp.ClientSession:
        """The session of the running loop.

        Raises:
            ChatConnectionError: The model is closed.
        """
        if self._closed:
            raise ChatConnectionError("the model is closed: make a new one", retryable=False)
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        keeper = self._keepers.get(loop)
        if keeper is None or keeper.session is None or keeper.session.closed:
            for other in [other for other in self._keepers if other.is_closed()]:
                self._keepers.pop(other, None)
            keeper = self._keepers[loop] = _Keeper()
            connector = aiohttp.TCPConnector(
                limit=self._connections,
                ssl=True if self._ssl is None else self._ssl,
                force_close=not self._keep_alive,
            )
            await keeper.start(connector)
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
