"""Turns in a SQLite file: for one machine, and any number of processes on it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from junto.core.memory import (
    ConversationInfo,
    KeyLike,
    Lease,
    Turn,
    check_id,
    check_key,
    hash_input,
    turn_to_json,
)

from .rules import check_limits
from .sqlite_steps import Steps, Written, describe, prune
from .sqlite_work import Work

__all__ = ["SQLiteStore"]

# SQLite's integers end there.
_MOST = 2**63 - 1


class SQLiteStore:
    """Turns in a SQLite file, safe for any number of processes on one machine.

    A turn that was committed survives a crash of the process and of the machine: the
    file is in WAL mode with ``synchronous=FULL``, so each commit waits for the disk.  The
    file must not lie on a network drive.

    Shared by any number of clients, tasks, threads and event loops; it works in a thread
    of its own, one whole transaction at a time.

    Args:
        path: The file.  A new one can be read and written by its owner alone; a symbolic
            link is refused.
        ttl: Seconds after its newest turn at which a conversation is over.
        timeout: Seconds to wait for other processes that write.
        clock: Seconds since 1970; for tests.
    """

    leases = True
    managed = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        ttl: float | None = None,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_limits(ttl=ttl, timeout=timeout)
        self._path = Path(path)
        if self._path.name in {"", ":memory:"}:
            msg = f"{os.fspath(path)!r} is no file: for memory alone take InProcessStore"
            raise ValueError(msg)
        self._ttl = math.inf if ttl is None else ttl
        self._clock = clock
        self._work = Work(self._path, timeout)

    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        """The newest ``limit`` turns, oldest first."""
        steps = self._steps(key)
        if limit < 1:
            return ()
        return await self._work.read(partial(steps.load, min(limit, _MOST)))

    async def append(self, key: KeyLike, turn: Turn) -> None:
        """Store a turn, unless it is there."""
        steps = self._steps(key)
        lease = Lease(check_id(turn.id, "turn_id"), 0, hash_input(turn.input))
        written = Written(lease, turn_to_json(turn), turn.created)
        await self._work.write(partial(steps.append, written))

    async def clear(self, key: KeyLike) -> None:
        """Forget a conversation."""
        await self._work.write(self._steps(key).clear)

    async def conversations(self, tenant: str = "") -> Sequence[str]:
        """The ids of a tenant's conversations that have turns."""
        return tuple(info.key.conversation for info in await self.describe(tenant))

    async def begin(
        self,
        key: KeyLike,
        turn_id: str,
        input_hash: str,
        *,
        seconds: float,
        takeover: bool = False,
    ) -> Lease | Turn:
        """Take the conversation for a turn."""
        steps = self._steps(key)
        wanted = Lease(check_id(turn_id, "turn_id"), 0, input_hash)
        step = partial(steps.begin, wanted, seconds=seconds, takeover=takeover)
        return await self._work.write(step)

    async def renew(self, key: KeyLike, lease: Lease, *, seconds: float) -> None:
        """Let the lease last for ``seconds`` from now."""
        steps = self._steps(key)
        await self._work.write(partial(steps.renew, lease, seconds))

    async def commit(self, key: KeyLike, lease: Lease, turn: Turn) -> int:
        """Store the turn, and free the conversation."""
        steps = self._steps(key)
        written = Written(lease, turn_to_json(turn), turn.created)
        return await self._work.write(partial(steps.commit, written))

    async def abort(self, key: KeyLike, lease: Lease) -> None:
        """Free the conversation without a trace."""
        await self._work.write(partial(self._steps(key).abort, lease))

    async def describe(self, tenant: str = "") -> Sequence[ConversationInfo]:
        """A tenant's conversations, those with the newest turns first."""
        check_id(tenant, "tenant", empty=True)
        return await self._work.read(partial(describe, tenant, self._clock() - self._ttl))

    async def prune(self, older_than: float, *, tenant: str | None = None) -> int:
        """Delete turns by age, and conversations that are over."""
        before = self._clock() - older_than
        return await self._work.write(partial(prune, before, tenant, self._clock() - self._ttl))

    def _steps(self, key: KeyLike) -> Steps:
        return Steps(check_key(key), self._clock, self._ttl)

    async def aclose(self) -> None:
        """Wait for what is being done, and close the file."""
        await self._work.aclose()

    def __repr__(self) -> str:
        return f"SQLiteStore({os.fspath(self._path)!r})"
