"""The stores that are attacked: a file, and private servers that can be crashed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

from attrs import define

from ..servers import NoServerError, PrivatePostgres, PrivateRedis
from .stores import NAIVE

STORES = ("sqlite", "postgres", "redis")
STARTS = 10
PAUSE = 0.3


class SkippedError(Exception):
    """A store cannot be attacked here; the text says why."""


class Target(Protocol):
    """A store that workers share.

    Attributes:
        address: See `opened`.
        crashes: Whether it has a server to crash.
    """

    address: str
    crashes: bool

    async def crash(self) -> None:
        """Let the server die without a chance to tidy up."""

    async def restart(self) -> None:
        """Start it again, and wait until it answers."""


@define
class File:
    """A SQLite file: there is no server to crash, only its users."""

    address: str
    crashes: bool = False

    async def crash(self) -> None:
        raise NotImplementedError

    async def restart(self) -> None:
        raise NotImplementedError


@define
class Server:
    """A private server, which is killed and started again with the same data."""

    address: str
    private: PrivatePostgres | PrivateRedis
    crashes: bool = True

    async def crash(self) -> None:
        await asyncio.to_thread(self.private.crash)

    async def restart(self) -> None:
        for attempt in range(1, STARTS + 1):
            try:
                await asyncio.to_thread(self.private.start)
            except NoServerError:
                # What is left of a PostgreSQL may be in the way until it has noticed.
                if attempt == STARTS:
                    raise
                await asyncio.sleep(PAUSE)
            else:
                return


@asynccontextmanager
async def target(name: str, folder: Path, *, naive: bool = False) -> AsyncIterator[Target]:
    """A store of a kind, with whatever it needs, until the end of the block.

    Raises:
        SkippedError: It cannot be had here.
    """
    before = NAIVE if naive else ""
    if name == "sqlite":
        yield File(f"{before}sqlite:///{folder / 'chat.db'}")
        return
    if name == "postgres" and naive:
        raise SkippedError("there is no naive store in PostgreSQL")
    with ExitStack() as stack:
        try:
            kind = PrivatePostgres if name == "postgres" else PrivateRedis
            private = stack.enter_context(kind())
        except NoServerError as error:
            raise SkippedError(str(error)) from error
        yield Server(before + private.address, private)
