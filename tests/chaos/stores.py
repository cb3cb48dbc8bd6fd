"""The stores by address; and two that are written as one would at first, and lose turns.

They keep the messages of a conversation in a list. One deletes that list and writes it anew with
each turn, the other pushes each message by itself.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from junto.advisors import open_store
from junto.core import StoreUnavailableError
from junto.core.memory import (
    KeyLike,
    MemoryStore,
    Turn,
    check_key,
    turn_from_json,
    turn_to_json,
)

NAIVE = "naive-"
# Seconds between reading and writing: a busy machine takes them anyway.
SLOW = 0.005


def opened(address: str) -> MemoryStore:
    """The store at an address; with `naive-` before it, one that is not written with care."""
    if not address.startswith(NAIVE):
        return open_store(address)
    address = address.removeprefix(NAIVE)
    if address.startswith("sqlite:"):
        return DeleteAndInsert(Path(address.removeprefix("sqlite:///")))
    return PushEach(address)


class DeleteAndInsert:
    """Reads the list of messages, deletes it, and inserts it with more at its end."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        rows = await asyncio.to_thread(self._rows, check_key(key).digest())
        return _turns(rows)[-limit:]

    async def append(self, key: KeyLike, turn: Turn) -> None:
        await asyncio.to_thread(self._append, check_key(key).digest(), turn)

    async def clear(self, key: KeyLike) -> None:
        await asyncio.to_thread(self._write, check_key(key).digest(), [])

    async def conversations(self, tenant: str = "") -> Sequence[str]:
        return ()

    def _append(self, name: str, turn: Turn) -> None:
        rows = self._rows(name)
        time.sleep(SLOW)
        self._write(name, [*rows, *_messages(turn)])

    def _write(self, name: str, rows: Iterable[str]) -> None:
        self._do(lambda db: db.execute("DELETE FROM messages WHERE name = ?", (name,)))
        query = "INSERT INTO messages VALUES (?, ?)"
        self._do(lambda db: db.executemany(query, [(name, row) for row in rows]))

    def _rows(self, name: str) -> list[str]:
        query = "SELECT body FROM messages WHERE name = ? ORDER BY rowid"
        return [row[0] for row in self._do(lambda db: db.execute(query, (name,)).fetchall())]

    def _do(self, step: Callable[[sqlite3.Connection], Any]) -> Any:
        db = sqlite3.connect(self._path, timeout=30)
        try:
            db.execute("CREATE TABLE IF NOT EXISTS messages (name TEXT, body TEXT)")
            with db:
                return step(db)
        finally:
            db.close()


class PushEach:
    """Pushes each message by itself to a list in Redis."""

    def __init__(self, address: str) -> None:
        from redis.asyncio import Redis

        self._redis: Any = Redis.from_url(address)

    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        rows = await self._do("LRANGE", check_key(key).digest(), 0, -1)
        return _turns(row.decode() for row in rows)[-limit:]

    async def append(self, key: KeyLike, turn: Turn) -> None:
        for row in _messages(turn):
            await self._do("RPUSH", check_key(key).digest(), row)

    async def clear(self, key: KeyLike) -> None:
        await self._do("DEL", check_key(key).digest())

    async def _do(self, *command: str | int) -> Any:
        from redis import RedisError

        try:
            return await self._redis.execute_command(*command)
        except (RedisError, OSError) as error:
            raise StoreUnavailableError(str(error)) from error

    async def conversations(self, tenant: str = "") -> Sequence[str]:
        return ()

    async def aclose(self) -> None:
        await self._redis.aclose()


def _messages(turn: Turn) -> list[str]:
    """Each message of a turn as a line, with the turn's id."""
    apart = [Turn(turn.id, [m]) for m in turn.input] + [Turn(turn.id, [], [m]) for m in turn.output]
    return [turn_to_json(one) for one in apart]


def _turns(rows: Iterable[str]) -> list[Turn]:
    """The messages that follow each other and have the same turn's id, as turns."""
    read = [turn_from_json(row) for row in rows]
    turns: list[Turn] = []
    for i, (turn_id, group) in enumerate(groupby(read, key=lambda turn: turn.id)):
        parts = list(group)
        given = [m for part in parts for m in part.input]
        turns.append(Turn(turn_id, given, [m for part in parts for m in part.output], seq=i + 1))
    return turns
