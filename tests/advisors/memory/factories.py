"""One table of the stores that every test of stores runs with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from attrs import frozen

from junto.advisors import InProcessStore, PostgresStore, RedisStore, SQLiteStore
from junto.core.memory import LeasedStore

from ...servers import NoServerError, Servers

__all__ = ["FACTORIES", "Factory", "Make", "reached"]

T = TypeVar("T")

Make = Callable[[Path], LeasedStore]
"""A new store over what is in a folder, a database or a server; called again with the same
place it gives another store with the same turns."""


@frozen
class Factory:
    """How to get at one kind of store.

    Attributes:
        name: For the ids of tests.
        kind: Its class.
        made: From the servers of the session to what makes stores.
        lasting: Whether another store over the same place has the same turns.
        examples: How many random histories it is put through: as many as take no longer
            than the others' do.
    """

    name: str
    kind: type
    made: Callable[[Servers], Make]
    lasting: bool = True
    examples: int = 40

    def on(self, servers: Servers) -> Make:
        """What makes stores; the test is skipped where the server is missing."""
        return reached(lambda: self.made(servers))


def reached(look: Callable[[], T]) -> T:
    """What is found on a server, or the end of the test; no test may be left out by CI."""
    try:
        return look()
    except NoServerError as error:
        if os.environ.get("JUNTO_REQUIRE_STORES") == "1":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def _postgres(servers: Servers) -> Make:
    address = servers.postgres()
    return lambda _: PostgresStore(address)


def _redis(servers: Servers) -> Make:
    address = servers.redis()
    return lambda _: RedisStore(address, prefix=servers.own)


FACTORIES = [
    Factory("in-process", InProcessStore, lambda _: lambda _: InProcessStore(), lasting=False),
    Factory("sqlite", SQLiteStore, lambda _: lambda folder: SQLiteStore(folder / "chat.db")),
    Factory("postgres", PostgresStore, _postgres, examples=8),
    Factory("redis", RedisStore, _redis, examples=10),
]
