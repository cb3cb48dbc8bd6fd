"""Turns in PostgreSQL: for any number of machines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

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

from .postgres_pool import Database
from .postgres_steps import Steps, describe, prune
from .rules import check_limits
from .server import check_prefix

__all__ = ["PostgresStore"]

_MOST = 2**62


class PostgresStore:
    """Turns in PostgreSQL, safe for any number of processes on any number of machines.

    A turn that was committed survives what the server's own commits survive: with
    ``synchronous_commit = on``, its default, each waits for the server's disk.

    The tables are made with the first use, in the schema that comes first in the
    ``search_path``.  Shared by any number of clients, tasks, threads and event loops: each
    loop has connections of its own.  A step is one statement or one transaction; one that
    is cancelled is cancelled in the server too.

    Args:
        where: The address, as ``postgresql://user:password@host/database``, or a pool of
            asyncpg, which stays the caller's and belongs to one event loop.
        prefix: What the names of the tables begin with: 1 to 32 of a to z and _.
        ttl: Seconds after its newest turn at which a conversation is over.
        timeout: Seconds that a step may take, waiting for a connection included.
        max_connections: How many connections an event loop opens at most.

    Raises:
        MissingExtraError: ``junto[postgres]`` is not installed.
        ValueError: The address, the prefix or a limit cannot be.
    """

    leases = True
    managed = True

    def __init__(
        self,
        where: Any,
        *,
        prefix: str = "junto_memory_",
        ttl: float | None = None,
        timeout: float = 5.0,
        max_connections: int = 10,
    ) -> None:
        check_limits(ttl=ttl, timeout=timeout, max_connections=max_connections)
        self._prefix = check_prefix(prefix)
        self._ttl = math.inf if ttl is None else ttl
        self._database = Database(where, prefix, timeout=timeout, connections=max_connections)

    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        """The newest ``limit`` turns, oldest first."""
        steps = self._steps(key)
        if limit < 1:
            return ()
        return await self._database.single(partial(steps.load, min(limit, _MOST)))

    async def append(self, key: KeyLike, turn: Turn) -> None:
        """Store a turn, unless it is there."""
        steps = self._steps(key)
        lease = Lease(check_id(turn.id, "turn_id"), 0, hash_input(turn.input))
        step = partial(steps.append, lease, turn_to_json(turn), turn.created)
        await self._database.together(step)

    async def clear(self, key: KeyLike) -> None:
        """Forget a conversation."""
        await self._database.single(self._steps(key).clear)

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
        return await self._database.together(step)

    async def renew(self, key: KeyLike, lease: Lease, *, seconds: float) -> None:
        """Let the lease last for ``seconds`` from now."""
        await self._database.single(partial(self._steps(key).renew, lease, seconds))

    async def commit(self, key: KeyLike, lease: Lease, turn: Turn) -> int:
        """Store the turn, and free the conversation."""
        steps = self._steps(key)
        step = partial(steps.commit, lease, turn_to_json(turn), turn.created)
        return await self._database.single(step)

    async def abort(self, key: KeyLike, lease: Lease) -> None:
        """Free the conversation without a trace."""
        await self._database.single(partial(self._steps(key).abort, lease))

    async def describe(self, tenant: str = "") -> Sequence[ConversationInfo]:
        """A tenant's conversations, those with the newest turns first."""
        check_id(tenant, "tenant", empty=True)
        return await self._database.single(partial(describe, tenant, self._prefix, self._ttl))

    async def prune(self, older_than: float, *, tenant: str | None = None) -> int:
        """Delete turns by age, and conversations that are over."""
        step = partial(prune, older_than, tenant, self._prefix, self._ttl)
        return await self._database.together(step)

    def _steps(self, key: KeyLike) -> Steps:
        return Steps(check_key(key), self._prefix, self._ttl)

    async def aclose(self) -> None:
        """Close the connections; a pool that was given stays open."""
        await self._database.aclose()

    def __repr__(self) -> str:
        return f"PostgresStore({self._database.name!r})"
