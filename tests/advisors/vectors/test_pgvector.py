"""PostgreSQL without pgvector, of another version, or not there at all."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from junto.advisors import PgVectors
from junto.core import MissingExtraError, StoreFormatError, StoreUnavailableError
from junto.core.memory import VectorRecord

from . import postgres

A: Any = ("c", [VectorRecord("a", "a", (1, 0))])


@pytest.fixture
def bare_database() -> Iterator[str]:
    with postgres.database() as address:
        yield address


async def test_a_server_without_pgvector_is_an_error_that_names_the_fix(
    bare_database: str,
) -> None:
    found = "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
    if await postgres.run(bare_database, found):
        pytest.skip("this PostgreSQL has pgvector")
    store = PgVectors(bare_database)

    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="CREATE EXTENSION vector as a superuser"):
            await store.add(*A, model="m")
    await postgres.run(bare_database, postgres.STAND_IN, "SELECT 1")
    await store.add(*A, model="m")
    await store.aclose()


async def test_tables_of_a_newer_version_are_refused(stand_in_database: str) -> None:
    address = await asyncio.to_thread(postgres.schema, stand_in_database)
    store = PgVectors(address)
    await store.add(*A, model="m")
    await store.aclose()
    await postgres.run(address, "UPDATE junto_vector_schema SET version = 2", "SELECT 1")
    store = PgVectors(address)

    with pytest.raises(StoreFormatError, match=r"has version 2 .* use a newer junto"):
        await store.add(*A, model="m")
    await store.aclose()


async def test_workers_that_come_at_once_make_the_tables_once(stand_in_database: str) -> None:
    stores = [PgVectors(await asyncio.to_thread(postgres.schema, stand_in_database))]
    stores += [PgVectors(stores[0]._address) for _ in range(3)]

    await asyncio.gather(*(store.add(*A, model="m") for store in stores))

    for store in stores:
        assert len(await store.search("c", (1, 0), model="m", limit=9)) == 1
        await store.aclose()


async def test_a_server_that_is_not_there_is_a_typed_error_without_the_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    store = PgVectors(f"postgresql://u:secret@127.0.0.1:{port}/d")

    with pytest.raises(StoreUnavailableError) as caught:
        await store.add(*A, model="m")
    await store.aclose()

    assert "secret" not in f"{caught.value}{store!r}"


def test_the_driver_comes_with_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)

    with pytest.raises(MissingExtraError, match=r"junto\[postgres\]"):
        PgVectors("postgresql://h/d")
