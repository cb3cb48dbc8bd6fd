"""A memory store in one JSON file, written as a whole each time."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from junto.core.memory import KeyLike, Turn, check_id, check_key, turn_from_json, turn_to_json


class JsonFileStore:
    api = 1

    def __init__(self, path: str) -> None:
        self._path, self._lock = Path(path), threading.Lock()

    def _rows(self) -> list[list[str]]:
        return json.loads(self._path.read_text("ascii")) if self._path.exists() else []

    def _change(self, change: Callable[[list[list[str]]], list[list[str]]]) -> None:
        with self._lock:  # the file is replaced in one step: all of the change or nothing
            new = self._path.with_suffix(".new")
            new.write_text(json.dumps(change(self._rows())), "ascii")
            Path(new).replace(self._path)

    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        ids = _ids(key)
        rows = [row for row in await asyncio.to_thread(self._rows) if row[:2] == ids]
        return [turn_from_json(row[3]) for row in rows[max(0, len(rows) - limit) :]]

    async def append(self, key: KeyLike, turn: Turn) -> None:
        row = [*_ids(key), check_id(turn.id, "turn_id"), turn_to_json(turn)]

        def add(rows: list[list[str]]) -> list[list[str]]:
            return rows if row[:3] in [other[:3] for other in rows] else [*rows, row]

        await asyncio.to_thread(self._change, add)

    async def clear(self, key: KeyLike) -> None:
        ids = _ids(key)
        await asyncio.to_thread(self._change, lambda rows: [r for r in rows if r[:2] != ids])

    async def conversations(self, tenant: str = "") -> Sequence[str]:
        check_id(tenant, "tenant", empty=True)
        rows = await asyncio.to_thread(self._rows)
        return list(dict.fromkeys(row[1] for row in rows if row[0] == tenant))


def _ids(key: KeyLike) -> list[str]:
    key = check_key(key)
    return [key.tenant, key.conversation]
