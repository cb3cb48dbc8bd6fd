"""The PostgreSQL store: its tables, their versions, its clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has no types
import pytest

from junto.advisors import PostgresStore
from junto.advisors.memory.stores.postgres_schema import SCHEMA_VERSION
from junto.core import (
    ConversationBusyError,
    StaleTurnError,
    StoreFormatError,
    StoreUnavailableError,
    UserMessage,
)
from junto.core.memory import ALL, Lease, Turn

from ...servers import Servers
from .factories import reached

PREFIX = "own_"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))"


def turn_of(text: str, **more: Any) -> Turn:
    return Turn(text, [UserMessage(text)], **more)


@pytest.fixture
async def db(servers: Servers) -> AsyncIterator[Any]:
    """A connection beside the store; the tables with this prefix are its test's own."""
    connection = await asyncpg.connect(reached(servers.postgres))
    yield connection
    names = [f"{PREFIX}{name}" for name in ("turns", "conversations", "schema")]
    await connection.execute(f"DROP TABLE IF EXISTS {', '.join(names)}")
    await connection.execute(f"DROP SEQUENCE IF EXISTS {PREFIX}fence")
    await connection.close()


@pytest.fixture
async def store(db: Any, servers: Servers) -> AsyncIterator[PostgresStore]:
    made = PostgresStore(reached(servers.postgres), prefix=PREFIX)
    yield made
    await made.aclose()


async def blocked(db: Any, task: asyncio.Task[Any]) -> None:
    """Wait until somebody waits for a lock of this connection."""
    pid = db.get_server_pid()
    while not await db.fetchval(WAITING, pid):
        assert not task.done(), "it does not wait"
        await asyncio.sleep(0)


async def test_stores_that_begin_at_once_make_the_tables_once(db: Any, servers: Servers) -> None:
    stores = [PostgresStore(reached(servers.postgres), prefix=PREFIX) for _ in range(6)]

    await asyncio.gather(*(s.append("c", turn_of(str(i))) for i, s in enumerate(stores)))

    assert len(await stores[0].load("c", ALL)) == 6
    assert await db.fetchval(f"SELECT count(*) FROM {PREFIX}schema") == 1
    for made in stores:
        await made.aclose()


async def test_tables_of_a_newer_version_are_refused_with_what_to_do(
    db: Any, store: PostgresStore, servers: Servers
) -> None:
    await store.load("c", 1)
    await db.execute(f"UPDATE {PREFIX}schema SET version = $1", SCHEMA_VERSION + 1)
    other = PostgresStore(reached(servers.postgres), prefix=PREFIX)

    with pytest.raises(StoreFormatError, match=r"has version 2 .* use a newer junto"):
        await other.load("c", 1)
    await other.aclose()


async def test_tables_that_were_dropped_are_made_again(db: Any, store: PostgresStore) -> None:
    await store.append("c", turn_of("a"))
    await db.execute(f"DROP TABLE {PREFIX}turns, {PREFIX}conversations, {PREFIX}schema")
    await db.execute(f"DROP SEQUENCE {PREFIX}fence")

    with pytest.raises(StoreUnavailableError, match="does not exist"):
        await store.append("c", turn_of("b"))
    await store.append("c", turn_of("b"))

    assert [turn.id for turn in await store.load("c", ALL)] == ["b"]


async def test_a_conversation_that_was_silent_too_long_is_over(db: Any, servers: Servers) -> None:
    store = PostgresStore(reached(servers.postgres), prefix=PREFIX, ttl=60)
    for text in "ab":
        await store.append("c", turn_of(text))
    await db.execute(f"UPDATE {PREFIX}conversations SET updated = updated - 61")

    assert await store.load("c", ALL) == ()
    assert await store.conversations() == ()
    await store.append("c", turn_of("a"))
    assert [turn.seq for turn in await store.load("c", ALL)] == [1]
    await db.execute(f"UPDATE {PREFIX}conversations SET updated = updated - 61")
    assert await store.prune(3600) == 1
    assert await db.fetchval(f"SELECT count(*) FROM {PREFIX}conversations") == 0
    await store.aclose()


async def test_a_turn_that_runs_keeps_its_conversation_alive(db: Any, servers: Servers) -> None:
    store = PostgresStore(reached(servers.postgres), prefix=PREFIX, ttl=60)
    await store.append("c", turn_of("a"))
    lease = await store.begin("c", "b", "", seconds=120)
    assert isinstance(lease, Lease)
    await db.execute(f"UPDATE {PREFIX}conversations SET updated = updated - 100")

    assert len(await store.load("c", ALL)) == 1
    assert await store.commit("c", lease, turn_of("b")) == 2
    await store.aclose()


async def test_no_row_is_left_of_turns_that_were_given_up(db: Any, store: PostgresStore) -> None:
    lease = await store.begin("c", "a", "", seconds=60)
    assert isinstance(lease, Lease)
    await store.abort("c", lease)

    assert await db.fetchval(f"SELECT count(*) FROM {PREFIX}conversations") == 0


async def test_pruning_goes_round_what_somebody_has_in_hand(db: Any, store: PostgresStore) -> None:
    await store.append("c", turn_of("old", created=1000.0))
    async with db.transaction():
        await db.execute(f"SELECT FROM {PREFIX}conversations FOR UPDATE")
        assert await store.prune(3600) == 1
        assert await db.fetchval(f"SELECT count(*) FROM {PREFIX}conversations") == 1

    await store.append("c", turn_of("new"))
    assert await store.prune(3600) == 0

    assert [turn.seq for turn in await store.load("c", ALL)] == [2]


async def test_whoever_begins_waits_for_who_is_beginning(db: Any, store: PostgresStore) -> None:
    await store.append("c", turn_of("a"))
    async with db.transaction():
        await db.execute(
            f"UPDATE {PREFIX}conversations SET open_turn = 'b', open_hash = '', "
            "lease_until = extract(epoch FROM clock_timestamp()) + 60"
        )
        begin = asyncio.create_task(store.begin("c", "x", "", seconds=60))
        await blocked(db, begin)

    with pytest.raises(ConversationBusyError):
        await begin


async def test_a_connection_that_is_out_of_step_is_not_used_again(store: PostgresStore) -> None:
    async def pid(db: Any) -> Any:
        return await db.fetchval("SELECT pg_backend_pid()")

    async def broken(_: Any) -> None:
        raise asyncpg.InternalClientError("cannot switch to state 12")

    before = await store._database.single(pid)
    with pytest.raises(StoreUnavailableError, match="cannot switch to state"):
        await store._database.single(broken)

    assert await store._database.single(pid) != before


async def test_a_step_that_waits_for_a_lock_can_be_cancelled(db: Any, store: PostgresStore) -> None:
    lease = await store.begin("c", "a", "", seconds=60)
    assert isinstance(lease, Lease)
    transaction = db.transaction()
    await transaction.start()
    await db.execute(f"SELECT FROM {PREFIX}conversations FOR UPDATE")
    commit = asyncio.create_task(store.commit("c", lease, turn_of("a")))
    await blocked(db, commit)

    commit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await commit

    # It was cancelled in the server as well: nothing of it comes later.
    assert await db.fetchval(WAITING, db.get_server_pid()) == 0
    await transaction.commit()
    assert await store.load("c", ALL) == ()
    assert await store.commit("c", lease, turn_of("a")) == 1


async def test_a_deadlock_is_tried_again(store: PostgresStore) -> None:
    calls: list[int] = []

    async def step(_: Any) -> str:
        calls.append(1)
        if len(calls) < 3:
            raise asyncpg.DeadlockDetectedError("deadlock detected")
        return "done"

    assert await store._database.together(step) == "done"


async def test_a_read_only_database_is_a_typed_error(db: Any, servers: Servers) -> None:
    address = f"{reached(servers.postgres)}&default_transaction_read_only=on"
    store = PostgresStore(address, prefix=PREFIX)

    with pytest.raises(StoreUnavailableError, match="read-only") as caught:
        await store.append("c", turn_of("a"))
    await store.aclose()

    assert isinstance(caught.value.__cause__, asyncpg.PostgresError)


async def test_another_default_isolation_changes_nothing(db: Any, servers: Servers) -> None:
    address = f"{reached(servers.postgres)}&default_transaction_isolation=serializable"
    store = PostgresStore(address, prefix=PREFIX)

    await asyncio.gather(*(store.append("c", turn_of(str(i))) for i in range(10)))
    lease = await store.begin("c", "late", "", seconds=60)
    assert isinstance(lease, Lease)
    results = await asyncio.gather(
        *(store.commit("c", lease, turn_of("late")) for _ in range(5)), return_exceptions=True
    )

    assert results == [11] * 5
    with pytest.raises(StaleTurnError):
        await store.renew("c", lease, seconds=1)
    await store.aclose()
