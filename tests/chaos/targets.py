"""The stores that are attacked: a file, and private servers that can be crashed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from attrs import define

from .stores import NAIVE

STORES = ("sqlite", "postgres", "redis")


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


@asynccontextmanager
async def target(name: str, folder: Path, *, naive: bool = False) -> AsyncIterator[Target]:
    """A store of a kind, with whatever it needs, until the end of the block.

    Raises:
        SkippedError: It cannot be had here.
    """
    before = NAIVE if naive else ""
    if name == "sqlite":
        yield File(f"{before}sqlite:///{folder / 'chat.db'}")
    else:
        raise SkippedError(f"there is no store in {name} yet")
