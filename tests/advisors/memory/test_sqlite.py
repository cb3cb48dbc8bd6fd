"""The SQLite store: its file, its versions, its processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from junto.advisors import SQLiteStore
from junto.advisors.memory.stores.sqlite_file import SCHEMA_VERSION
from junto.core import StoreFormatError, StoreUnavailableError, UserMessage
from junto.core.memory import ALL, Lease, Turn


def turn_of(text: str) -> Turn:
    return Turn(text, [UserMessage(text)])


async def used(path: Path) -> None:
    store = SQLiteStore(path)
    await store.append("c", turn_of("a"))
    await store.aclose()


async def test_nobody_else_can_read_the_file(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        await used(tmp_path / "chat.db")
    finally:
        os.umask(mask)

    assert stat.S_IMODE((tmp_path / "chat.db").stat().st_mode) == 0o600


async def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chat.db").symlink_to(tmp_path / "elsewhere.db")
    store = SQLiteStore(tmp_path / "chat.db")

    with pytest.raises(StoreUnavailableError, match=r"chat\.db cannot be used"):
        await store.load("c", 1)
    await store.aclose()

    assert not (tmp_path / "elsewhere.db").exists()


async def test_a_file_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    await used(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE memory_schema SET version = ?", (SCHEMA_VERSION + 1,))
    db.close()
    store = SQLiteStore(path)

    with pytest.raises(StoreFormatError, match=r"has version 2 .* use a newer junto"):
        await store.load("c", 1)
    await store.aclose()


async def test_a_turn_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    await used(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE memory_turns SET body = '{\"v\": 99}'")
    db.close()
    store = SQLiteStore(path)

    with pytest.raises(StoreFormatError, match="has version 99"):
        await store.load("c", 1)
    await store.aclose()


async def test_a_file_that_is_no_database_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    path.write_text("no database " * 100)
    store = SQLiteStore(path)

    with pytest.raises(StoreUnavailableError, match="cannot be used"):
        await store.load("c", 1)
    await store.aclose()


async def test_a_store_works_again_when_its_folder_is_there(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "later" / "chat.db")

    with pytest.raises(StoreUnavailableError):
        await store.append("c", turn_of("a"))
    (tmp_path / "later").mkdir()
    await store.append("c", turn_of("a"))

    assert len(await store.load("c", ALL)) == 1
    await store.aclose()


async def test_another_writer_that_does_not_end_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    await used(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = SQLiteStore(path, timeout=0.01)

    with pytest.raises(StoreUnavailableError, match="locked"):
        await store.append("c", turn_of("b"))
    other.execute("ROLLBACK")
    other.close()
    await store.append("c", turn_of("b"))

    assert len(await store.load("c", ALL)) == 2
    await store.aclose()


async def test_a_closed_store_says_so_and_closing_again_is_no_error(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")
    await store.load("c", 1)

    await store.aclose()
    await store.aclose()

    with pytest.raises(StoreUnavailableError, match="is closed"):
        await store.load("c", 1)


async def test_a_conversation_that_was_silent_too_long_is_over(tmp_path: Path) -> None:
    now = 1000.0
    store = SQLiteStore(tmp_path / "chat.db", ttl=60, clock=lambda: now)
    await store.append("c", turn_of("a"))
    now += 59
    assert len(await store.load("c", ALL)) == 1
    await store.append("c", turn_of("b"))
    now += 61

    assert await store.load("c", ALL) == ()
    assert await store.conversations() == ()
    await store.append("c", turn_of("c"))
    assert [turn.seq for turn in await store.load("c", ALL)] == [1]
    now += 61
    assert await store.prune(3600) == 1
    await store.aclose()


async def test_a_turn_that_runs_keeps_its_conversation_alive(tmp_path: Path) -> None:
    now = 1000.0
    store = SQLiteStore(tmp_path / "chat.db", ttl=60, clock=lambda: now)
    await store.append("c", turn_of("a"))
    lease = await store.begin("c", "b", "", seconds=120)
    now += 100

    assert isinstance(lease, Lease)
    assert len(await store.load("c", ALL)) == 1
    assert await store.commit("c", lease, turn_of("b")) == 2
    await store.aclose()


def talk(path: Path, name: str, count: int) -> None:
    async def main() -> None:
        store = SQLiteStore(path, timeout=30)
        for i in range(count):
            await store.append("c", turn_of(f"{name}{i}"))
        await store.aclose()

    asyncio.run(main())


async def test_processes_share_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=talk, args=(path, name, 5)) for name in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        await asyncio.to_thread(worker.join)
    store = SQLiteStore(path)

    turns = await store.load("c", ALL)
    await store.aclose()

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert [turn.seq for turn in turns] == list(range(1, 16))
    for name in "abc":
        assert [t.id for t in turns if t.id[0] == name] == [f"{name}{i}" for i in range(5)]


@pytest.mark.parametrize("path", ["", ":memory:"])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no file"):
        SQLiteStore(path)
