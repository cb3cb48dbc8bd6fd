"""Connections to PostgreSQL: whole transactions, in each event loop its own pool."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from attrs import define, field

from junto.core import Secret, StoreUnavailableError

from .per_loop import PerLoop
from .postgres_schema import Connection, migrate
from .server import driver, named

__all__ = ["Database"]

T = TypeVar("T")

# What ends well when it is done again, because nothing of it was done.
_AGAIN = {"40001", "40P01"}
_ATTEMPTS = 5


@define
class _Pool:
    raw: Any
    ready: bool = False
    lock: asyncio.Lock = field(factory=asyncio.Lock)

    async def prepare(self, prefix: str, seconds: float) -> None:
        """See to it, once, that there are tables."""
        async with self.lock:
            if self.ready:
                return
            await self.raw
            async with self.raw.acquire(timeout=seconds) as connection:
                await migrate(connection, prefix)
            self.ready = True


class Database:
    """A database, and whoever works in it.

    Args:
        where: Its address, or an asyncpg pool.
        prefix: What the names of its tables begin with.
        timeout: Seconds that a step may take, waiting for a connection included.
        connections: How many there are at most, in each event loop.
    """

    def __init__(self, where: Any, prefix: str, *, timeout: float, connections: int) -> None:
        self._driver = driver("asyncpg", "postgres")
        self.name: str = named(where, "acquire", "a pool of asyncpg")
        self._prefix = prefix
        self._timeout = timeout
        self._broken: type[Exception] = self._driver.InternalClientError
        told = (self._driver.PostgresError, self._driver.InterfaceError)
        self._errors = (*told, self._broken, OSError)
        given = None if isinstance(where, str) else _Pool(where)
        make = partial(_make, self._driver, Secret(str(where)), connections)
        close = partial(_close, errors=self._errors, seconds=timeout)
        self._loops: PerLoop[_Pool] = PerLoop(make, close, given)

    async def single(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Do what is one statement."""
        return await self._do(step)

    async def together(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Do a transaction, in which each statement sees what was committed before it."""

        async def whole(db: Connection) -> T:
            async with db.transaction(isolation="read_committed"):
                return await step(db)

        return await self._do(whole)

    async def _do(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._once(step)
            except self._errors as error:
                if attempt < _ATTEMPTS and getattr(error, "sqlstate", None) in _AGAIN:
                    continue
                what = str(error) or f"no answer within {self._timeout:g} seconds"
                msg = f"the memory store in {self.name} cannot be used: {what}"
                raise StoreUnavailableError(msg) from error
        raise AssertionError

    async def _once(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        pool = await self._loops.get()
        # A cancelled statement is cancelled in the server too, and the connection goes
        # back when that is done: asyncpg sees to it, whatever the time.
        async with asyncio.timeout(self._timeout):
            if not pool.ready:
                await pool.prepare(self._prefix, self._timeout)
            try:
                async with pool.raw.acquire(timeout=self._timeout) as connection:
                    try:
                        return await step(connection)
                    except self._broken:
                        # A server's last words can put asyncpg out of step.
                        connection.terminate()
                        raise
            except self._driver.UndefinedTableError:
                pool.ready = False
                raise

    async def aclose(self) -> None:
        """Close the connections, unless they were given."""
        await self._loops.aclose()


def _make(module: Any, address: Secret, connections: int) -> _Pool:
    return _Pool(module.create_pool(address.reveal(), min_size=0, max_size=connections))


async def _close(pool: _Pool, *, errors: tuple[type[Exception], ...], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await pool.raw
            await pool.raw.close()
    except errors:
        pool.raw.terminate()
