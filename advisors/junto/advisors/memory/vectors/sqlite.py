"""Vectors in a SQLite file: exact, with nothing to install."""

from __future__ import annotations

import importlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from junto.core.memory import KeyLike, Recalled, RecallScope, VectorRecord, check_id, check_key

from ..stores.rules import check_limits
from ..stores.sqlite_file import opened
from ..stores.sqlite_work import Work
from .ranking import Query, check_records
from .sqlite_steps import SCHEMA, add, clear, delete, prune, search

__all__ = ["SQLiteVectors"]


class SQLiteVectors:
    """Memories in a SQLite file, which may be the file of a :class:`SQLiteStore`.

    A search is exact: it looks at each vector.  Where the interpreter can load extensions
    and the extra ``vector`` is installed, SQLite does so itself, by sqlite-vec; what is
    found is the same, and so is the file.

    Shared by any number of clients, tasks, threads and event loops, and by any number of
    processes on one machine; it works in a thread of its own.

    Args:
        path: The file.  A new one can be read and written by its owner alone; a symbolic
            link is refused.
        max_scanned: How many of the newest memories, within the scope, a search looks at.
        extension: Use sqlite-vec where it can be had.
        timeout: Seconds to wait for other processes that write.
        clock: Seconds since 1970; for tests.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_scanned: int = 10_000,
        extension: bool = True,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_limits(max_scanned=max_scanned, timeout=timeout)
        self._path = Path(path)
        if self._path.name in {"", ":memory:"}:
            msg = f"{os.fspath(path)!r} is no file: for memory alone take InProcessVectors"
            raise ValueError(msg)
        self._max_scanned = max_scanned
        self._clock = clock
        # Whether the connection has the extension; filled in by the thread that opens it.
        self._fast: list[bool] = []
        self._work = Work(self._path, timeout, partial(_open, self._fast, extension))

    @property
    def accelerated(self) -> bool:
        """Whether sqlite-vec does the work; known after the first use."""
        return self._fast == [True]

    async def add(self, key: KeyLike, records: Sequence[VectorRecord], *, model: str) -> None:
        """Remember all of them, or none."""
        key = check_key(key)
        check_id(model, "model")
        checked = check_records(records)
        if checked:
            await self._work.write(partial(add, key, checked, model, self._clock))

    async def search(
        self,
        key: KeyLike,
        vector: Sequence[float],
        *,
        model: str,
        limit: int,
        scope: RecallScope = "conversation",
        min_score: float = -1.0,
    ) -> Sequence[Recalled]:
        """The memories nearest to a vector."""
        key = check_key(key)
        query = Query.of(key, vector, model=model, limit=limit, scope=scope, min_score=min_score)
        step = partial(search, query, self._max_scanned, lambda: self.accelerated)
        return await self._work.read(step)

    async def delete(self, key: KeyLike, ids: Iterable[str] | None = None) -> None:
        """Forget some memories of a conversation, or all."""
        key = check_key(key)
        chosen = None if ids is None else [check_id(one, "id") for one in ids]
        await self._work.write(partial(delete, key, chosen))

    async def clear(self, tenant: str = "") -> None:
        """Forget all of a tenant's memories."""
        check_id(tenant, "tenant", empty=True)
        await self._work.write(partial(clear, tenant))

    async def prune(self, older_than: float, *, tenant: str | None = None) -> int:
        """Forget what is older than so many seconds."""
        if tenant is not None:
            check_id(tenant, "tenant", empty=True)
        return await self._work.write(partial(prune, self._clock() - older_than, tenant))

    async def aclose(self) -> None:
        """Wait for what is being done, and close the file."""
        await self._work.aclose()

    def __repr__(self) -> str:
        return f"SQLiteVectors({os.fspath(self._path)!r})"


def _open(fast: list[bool], wanted: bool, path: Path, timeout: float) -> sqlite3.Connection:  # noqa: FBT001  bound by position
    connection = opened(path, timeout, SCHEMA)
    fast[:] = [wanted and _load(connection)]
    return connection


def _load(connection: sqlite3.Connection) -> bool:
    """Load sqlite-vec into the connection, if that can be done."""
    # Some builds of Python have no such method, and some of SQLite refuse.
    enable: Any = getattr(connection, "enable_load_extension", None)
    if enable is None:
        return False
    try:
        extension: Any = importlib.import_module("sqlite_vec")
        enable(True)  # noqa: FBT003  that is how it is called
        try:
            extension.load(connection)
        finally:
            enable(False)  # noqa: FBT003  nothing else may be loaded later
    except (ImportError, OSError, sqlite3.Error):
        return False
    return True
