"""Turns in Redis: for any number of machines."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from attrs import evolve

from junto.core import StoreFormatError
from junto.core.memory import (
    ConversationInfo,
    ConversationKey,
    KeyLike,
    Lease,
    Turn,
    check_id,
    check_key,
    hash_input,
    turn_from_json,
    turn_to_json,
)

from . import redis_scripts as scripts
from .redis_client import Server
from .rules import busy, check_limits, replayed, stale
from .server import check_prefix

__all__ = ["RedisStore"]

_MICROSECONDS = 1_000_000
_MOST = 2**62
_AT_ONCE = 500


class RedisStore:
    """Turns in Redis, from 7.0, safe for any number of processes on any number of machines.

    What was committed is as safe as the server keeps it: with ``appendonly yes`` and
    ``appendfsync always`` each commit waits for the server's disk; with ``everysec``, its
    default, a crash may cost a second of them; without persistence, all.  The server must
    not evict (``maxmemory-policy noeviction``, its default), and is one server, with or
    without replicas: not a Redis Cluster.

    Shared by any number of clients, tasks, threads and event loops: each loop has
    connections of its own.  A step is one script, in which nothing comes between.

    Args:
        where: The address, as ``redis://user:password@host:6379/0``, or a client of
            ``redis.asyncio``, which stays the caller's and belongs to one event loop.
        prefix: What the names of its keys begin with: 1 to 32 of a to z and _.
        ttl: Seconds after its newest turn at which a conversation is over.
        max_turns: How many turns of one conversation are kept; the oldest go first.
            ``None`` keeps all.
        timeout: Seconds that a step may take, waiting for a connection included.
        max_connections: How many connections an event loop opens at most.

    Raises:
        MissingExtraError: ``junto[redis]`` is not installed.
        ValueError: The address, the prefix or a limit cannot be.
    """

    leases = True
    managed = True

    def __init__(
        self,
        where: Any,
        *,
        prefix: str = "junto_memory",
        ttl: float | None = None,
        max_turns: int | None = None,
        timeout: float = 5.0,
        max_connections: int = 10,
    ) -> None:
        check_limits(ttl=ttl, timeout=timeout)
        check_limits(max_turns=max_turns, max_connections=max_connections)
        self._prefix = check_prefix(prefix)
        self._ttl = 0 if ttl is None else max(1, _microseconds(ttl))
        self._max_turns = max_turns or 0
        self._server = Server(where, prefix, timeout=timeout, connections=max_connections)

    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        """The newest ``limit`` turns, oldest first."""
        log = self._keys(check_key(key))[1]
        if limit < 1:
            return ()
        elements = await self._server.run(scripts.LOAD, [log], min(limit, _MOST))
        return tuple(_turn(element) for element in elements)

    async def append(self, key: KeyLike, turn: Turn) -> None:
        """Store a turn, unless it is there."""
        key = check_key(key)
        lease = Lease(check_id(turn.id, "turn_id"), 0, hash_input(turn.input))
        left = await self._store(scripts.APPEND, key, lease, turn)
        if left:
            raise busy(float(left) / _MICROSECONDS)

    async def clear(self, key: KeyLike) -> None:
        """Forget a conversation."""
        await self._of(scripts.CLEAR, check_key(key))

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
        key = check_key(key)
        check_id(turn_id, "turn_id")
        given = (turn_id, input_hash, _microseconds(seconds), int(takeover), self._ttl)
        what, *more = await self._server.run(scripts.BEGIN, self._keys(key)[:3], *given)
        match _text(what):
            case "stored":
                return replayed(_turn(more[1]), _text(more[0]), input_hash)
            case "busy":
                holder, digest = _text(more[1]), _text(more[2])
                same = Lease(turn_id, 0, digest) if holder == turn_id else None
                raise busy(float(more[0]) / _MICROSECONDS, same, input_hash)
            case _:
                return Lease(turn_id, int(more[0]), input_hash)

    async def renew(self, key: KeyLike, lease: Lease, *, seconds: float) -> None:
        """Let the lease last for ``seconds`` from now."""
        keys = self._keys(check_key(key))[:3]
        given = (lease.turn_id, lease.fence, _microseconds(seconds), self._ttl)
        if not await self._server.run(scripts.RENEW, keys, *given):
            raise stale()

    async def commit(self, key: KeyLike, lease: Lease, turn: Turn) -> int:
        """Store the turn, and free the conversation."""
        seq = int(await self._store(scripts.COMMIT, check_key(key), lease, turn))
        if not seq:
            raise stale()
        return seq

    async def abort(self, key: KeyLike, lease: Lease) -> None:
        """Free the conversation without a trace."""
        keys = self._keys(check_key(key))[:3]
        await self._server.run(scripts.ABORT, keys, lease.turn_id, lease.fence, self._ttl)

    async def describe(self, tenant: str = "") -> Sequence[ConversationInfo]:
        """A tenant's conversations, those with the newest turns first."""
        check_id(tenant, "tenant", empty=True)
        listed = await self._listed(tenant)
        found: list[ConversationInfo] = []
        for i in range(0, len(listed), _AT_ONCE):
            some = listed[i : i + _AT_ONCE]
            logs = [self._keys(key)[1] for key, _ in some]
            counts = await self._server.run(scripts.COUNT, logs)
            for (key, updated), count in zip(some, counts, strict=True):
                if count:
                    found.append(ConversationInfo(key, count, updated))
                else:
                    # Its time was over, which the index is not told of.
                    await self._of(scripts.FORGET, key)
        return tuple(found)

    async def prune(self, older_than: float, *, tenant: str | None = None) -> int:
        """Delete turns by age; each conversation is a step of its own."""
        tenants = [tenant] if tenant is not None else await self._tenants()
        count = 0
        for name in tenants:
            for key, _ in await self._listed(name):
                count += int(await self._of(scripts.PRUNE, key, repr(float(older_than))))
        return count

    async def _tenants(self) -> list[str]:
        names = await self._server.run(scripts.MEMBERS, [f"{self._prefix}:tenants"])
        return [_text(name) for name in names]

    async def _listed(self, tenant: str) -> list[tuple[ConversationKey, float]]:
        """The conversations in a tenant's index, and when they spoke last."""
        flat = await self._server.run(scripts.LIST, [self._index(tenant)])
        names, times = flat[::2], flat[1::2]
        return [
            (ConversationKey(_text(name), tenant), float(time) / _MICROSECONDS)
            for name, time in zip(names, times, strict=True)
        ]

    async def _of(self, script: scripts.Script, key: ConversationKey, *first: str) -> Any:
        given = (*first, key.conversation, key.tenant)
        return await self._server.run(script, self._keys(key), *given)

    async def _store(
        self, script: scripts.Script, key: ConversationKey, lease: Lease, turn: Turn
    ) -> Any:
        created = "" if turn.created is None else repr(float(turn.created))
        what = (lease.turn_id, lease.fence, lease.input_hash, created, turn_to_json(turn))
        given = (*what, self._ttl, self._max_turns, key.tenant, key.conversation)
        return await self._server.run(script, self._keys(key), *given)

    def _keys(self, key: ConversationKey) -> list[str]:
        own = f"{self._prefix}:{{{key.digest()}}}"
        of_all = [self._index(key.tenant), f"{self._prefix}:tenants"]
        return [f"{own}:meta", f"{own}:log", f"{own}:turns", *of_all]

    def _index(self, tenant: str) -> str:
        return f"{self._prefix}:index:{hashlib.sha256(tenant.encode()).hexdigest()}"

    async def aclose(self) -> None:
        """Close the connections; a client that was given stays open."""
        await self._server.aclose()

    def __repr__(self) -> str:
        return f"RedisStore({self._server.name!r})"


def _microseconds(seconds: float) -> int:
    return int(seconds * _MICROSECONDS)


def _text(value: bytes | str) -> str:
    # A client that was given may decode.
    return value.decode() if isinstance(value, bytes) else value


def _turn(element: bytes | str) -> Turn:
    """The turn in an element: number, time, length of the id, id, JSON."""
    try:
        seq, created, size, rest = _text(element).split(" ", 3)
        # Lua counts bytes.
        body = rest.encode()[int(size) :]
        return evolve(turn_from_json(body), seq=int(seq), created=float(created))
    except ValueError as error:
        msg = "what is stored in Redis is no turn of junto, or a part of it was evicted"
        raise StoreFormatError(msg) from error
