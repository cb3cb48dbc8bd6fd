"""Connections to Redis: one script after the other, in each event loop its own client."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from attrs import define

from junto.core import Secret, StoreFormatError, StoreUnavailableError

from .per_loop import PerLoop
from .redis_scripts import LAYOUT, VERSION, Script
from .server import driver, named

__all__ = ["Server"]


@define
class _Client:
    raw: Any
    ready: bool = False


class Server:
    """A server that runs scripts.

    Args:
        where: Its address, or a client of redis-py's asyncio side.
        prefix: What the names of its keys begin with.
        timeout: Seconds that a step may take, waiting for a connection included.
        connections: How many there are at most, in each event loop.
    """

    def __init__(self, where: Any, prefix: str, *, timeout: float, connections: int) -> None:
        self._errors = (driver("redis.exceptions", "redis").RedisError, OSError)
        self._unknown: type[Exception] = driver("redis.exceptions", "redis").NoScriptError
        self.name: str = named(where, "evalsha", "a client of redis.asyncio")
        self._timeout = timeout
        self._version = f"{prefix}:version"
        make = partial(_make, driver("redis.asyncio", "redis"), Secret(str(where)), connections)
        given = None if isinstance(where, str) else _Client(where)
        close = partial(_close, errors=self._errors, seconds=timeout)
        self._loops: PerLoop[_Client] = PerLoop(make, close, given)

    async def run(self, script: Script, keys: Sequence[str], *arguments: str | int) -> Any:
        """Run a script, in which nothing comes between.

        Cancelled, it is run whole or not at all: the driver closes the connection.
        """
        client = await self._loops.get()
        try:
            async with asyncio.timeout(self._timeout):
                if not client.ready:
                    await self._check(client)
                return await self._ask(client, script, keys, arguments)
        except self._errors as error:
            what = str(error) or f"no answer within {self._timeout:g} seconds"
            msg = f"the memory store in {self.name} cannot be used: {what}"
            raise StoreUnavailableError(msg) from error

    async def _ask(
        self, client: _Client, script: Script, keys: Sequence[str], arguments: Sequence[Any]
    ) -> Any:
        given = (len(keys), *keys, *arguments)
        try:
            return await client.raw.evalsha(script.sha, *given)
        except self._unknown:
            return await client.raw.eval(script.text, *given)

    async def _check(self, client: _Client) -> None:
        version = int(await self._ask(client, VERSION, [self._version], [LAYOUT]))
        if version > LAYOUT:
            msg = (
                f"the server has version {version} of the memory schema, and this junto knows "
                f"versions up to {LAYOUT}: use a newer junto"
            )
            raise StoreFormatError(msg)
        client.ready = True

    async def aclose(self) -> None:
        """Close the connections, unless they were given."""
        await self._loops.aclose()


def _make(module: Any, address: Secret, connections: int) -> _Client:
    # Nothing is sent twice: a step that was done already would look like another's.  And no
    # time-outs of the driver's own: some of them can swallow a cancellation.
    never = driver("redis.backoff", "redis").NoBackoff()
    pool = module.BlockingConnectionPool.from_url(
        address.reveal(),
        max_connections=connections,
        timeout=None,
        socket_timeout=None,
        retry=driver("redis.asyncio.retry", "redis").Retry(never, 0),
        protocol=2,
        driver_info=None,
    )
    return _Client(module.Redis.from_pool(pool))


async def _close(client: _Client, *, errors: tuple[type[Exception], ...], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await client.raw.aclose()
    except errors:
        # It is gone already.
        return
