"""Fixtures with each kind of vector store."""

from __future__ import annotations

import sqlite3
import zlib
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster

from junto.advisors import InProcessVectors, PgVectors, SQLiteVectors
from junto.advisors.memory.vectors import sqlite
from junto.core.memory import VectorStore

from . import postgres

KINDS = ("in-process", "sqlite", "sqlite-c", "sqlite-vec", "postgres", "pgvector")


def coarse(a: bytes, b: bytes) -> float:
    """Give the distance as sqlite-vec does, and worse than single precision can make it."""
    one, other = array("f"), array("f")
    one.frombytes(a)
    other.frombytes(b)
    error = (zlib.crc32(a) % 1000 - 500) * 1e-6
    return 1 - sum(x * y for x, y in zip(one, other, strict=True)) + error


def stand_in(connection: sqlite3.Connection) -> bool:
    """Have so much of sqlite-vec in the connection as the store uses."""
    connection.create_function("vec_distance_cosine", 2, coarse, deterministic=True)
    return True


def loadable(folder: Path) -> bool:
    """Tell whether this interpreter can load sqlite-vec."""
    connection = sqlite3.connect(folder / "probe.db")
    try:
        return sqlite._load(connection)
    finally:
        connection.close()


@pytest.fixture(scope="session", autouse=True)
def _connecting_may_look_for_files(blockbuster: BlockBuster) -> None:
    # For certificates and passwords, when a connection is made.
    for function in blockbuster.functions.values():
        function.can_block_in("asyncpg/connect_utils.py", {"_parse_connect_dsn_and_args"})


@pytest.fixture(scope="session")
def stand_in_database() -> Iterator[str]:
    with postgres.database() as address:
        postgres.with_stand_in(address)
        yield address


@pytest.fixture(scope="session")
def pgvector_database() -> Iterator[str]:
    with postgres.database() as address:
        postgres.with_pgvector(address)
        yield address


@pytest.fixture(params=KINDS)
def make(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Return how to make a store of each kind: one after the other has the same memories."""
    path = tmp_path / "vectors.db"
    match request.param:
        case "in-process":
            return InProcessVectors
        case "sqlite":
            return lambda **how: SQLiteVectors(path, extension=False, **how)
        case "sqlite-c":
            monkeypatch.setattr(sqlite, "_load", stand_in)
            return lambda **how: SQLiteVectors(path, **how)
        case "sqlite-vec":
            if not loadable(tmp_path):
                pytest.skip("this Python cannot load sqlite-vec into SQLite")
            return lambda **how: SQLiteVectors(path, **how)
        case kind:
            named = "pgvector_database" if kind == "pgvector" else "stand_in_database"
            address = postgres.schema(request.getfixturevalue(named))
            return lambda **how: PgVectors(address, **how)


@pytest.fixture
async def store(make: Callable[..., Any]) -> AsyncIterator[VectorStore]:
    """A store of each kind."""
    made = make()
    yield made
    await made.aclose()
