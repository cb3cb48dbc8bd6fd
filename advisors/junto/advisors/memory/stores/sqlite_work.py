"""One thread and one connection: whole transactions, one after the other."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias, TypeVar
from weakref import finalize

from junto.core import StoreUnavailableError

from .sqlite_file import opened

__all__ = ["Work"]

T = TypeVar("T")

Opening: TypeAlias = Callable[[Path, float], sqlite3.Connection]


class _Thread:
    """The thread's side; it refers to no store, so that a store can be dropped."""

    def __init__(self, path: Path, timeout: float, opening: Opening) -> None:
        self.path = path
        self.timeout = timeout
        self.opening = opening
        self.pid = os.getpid()
        self.executor = ThreadPoolExecutor(1, "junto-sqlite")
        self.connection: sqlite3.Connection | None = None

    def run(self, begin: str, step: Callable[[sqlite3.Connection], T]) -> T:
        """Do one transaction: all of it or nothing."""
        try:
            if self.connection is None:
                self.connection = self.opening(self.path, self.timeout)
            connection = self.connection
            connection.execute(begin)
            try:
                result = step(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except (OSError, sqlite3.Error) as error:
            # What is wrong with a connection is over with the next one.
            self.close()
            msg = f"the memory store in {self.path.name} cannot be used: {error}"
            raise StoreUnavailableError(msg) from error
        return result

    def close(self) -> None:
        """Close the connection, in the thread that opened it."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()


class Work:
    """A thread that does transactions, opened when it is needed.

    A process that was forked gets a thread and a connection of its own.

    Args:
        path: The file.
        timeout: Seconds to wait for other processes.
        opening: Makes a connection of these; it must not refer to the store.
    """

    def __init__(self, path: Path, timeout: float, opening: Opening = opened) -> None:
        self._opening = opening
        self._path = path
        self._timeout = timeout
        self._closed = False
        # What a fork left behind: closing it here would take locks from the parent.
        self._inherited: list[_Thread] = []
        self._thread: _Thread | None = None
        self._end: finalize[[_Thread], Work] | None = None

    async def read(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Do a transaction that only reads."""
        return await self._do("BEGIN", step)

    async def write(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Do a transaction.

        Cancelled, it goes on and ends in its thread, or has not begun and never will.
        """
        return await self._do("BEGIN IMMEDIATE", step)

    async def _do(self, begin: str, step: Callable[[sqlite3.Connection], T]) -> T:
        thread = self._running()
        return await asyncio.wrap_future(thread.executor.submit(thread.run, begin, step))

    def _running(self) -> _Thread:
        if self._closed:
            raise StoreUnavailableError("this store is closed: make a new one")
        thread = self._thread
        if thread is not None and thread.pid != os.getpid():
            self._inherited.append(thread)
            thread = self._thread = None
            if self._end is not None:
                self._end.detach()
        if thread is None:
            thread = self._thread = _Thread(self._path, self._timeout, self._opening)
            self._end = finalize(self, _finish, thread)
            # At exit the executor's own hook waits for the thread, and comes first.
            self._end.atexit = False
        return thread

    async def aclose(self) -> None:
        """Wait for what is being done, and close the file."""
        self._closed = True
        thread, self._thread = self._thread, None
        if thread is None or thread.pid != os.getpid():
            return
        if self._end is not None:
            self._end.detach()
        closing = asyncio.wrap_future(thread.executor.submit(thread.close))
        thread.executor.shutdown(wait=False)
        await asyncio.shield(closing)


def _finish(thread: _Thread) -> None:
    if thread.pid == os.getpid():
        thread.executor.submit(thread.close)
        thread.executor.shutdown(wait=False)
