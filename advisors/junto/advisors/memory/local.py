"""Leases for stores that have none: good for this process."""

from __future__ import annotations

from collections.abc import Sequence

from junto.core.memory import (
    ALL,
    KeyLike,
    Lease,
    LeasedStore,
    MemoryStore,
    Turn,
    check_key,
    has_leases,
    hash_input,
)

from .stores import InProcessStore
from .stores.rules import replayed

__all__ = ["LocalLeases", "leased"]


def leased(store: MemoryStore) -> LeasedStore:
    """The store itself, if it has leases; else behind leases of this process."""
    return store if has_leases(store) else LocalLeases(store)


class LocalLeases:
    """A store of the simple form, and a table of the turns that run in this process."""

    leases = True

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._table = InProcessStore()

    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        """As the store does."""
        return await self._store.load(key, limit)

    async def append(self, key: KeyLike, turn: Turn) -> None:
        """As the store does."""
        await self._store.append(key, turn)

    async def clear(self, key: KeyLike) -> None:
        """As the store does; a turn that runs loses its lease."""
        await self._table.clear(key)
        await self._store.clear(key)

    async def conversations(self, tenant: str = "") -> Sequence[str]:
        """As the store does."""
        return await self._store.conversations(tenant)

    async def begin(
        self,
        key: KeyLike,
        turn_id: str,
        input_hash: str,
        *,
        seconds: float,
        takeover: bool = False,
    ) -> Lease | Turn:
        """Take the conversation, in this process."""
        return await self._table.begin(
            check_key(key), turn_id, input_hash, seconds=seconds, takeover=takeover
        )

    async def replay(self, key: KeyLike, lease: Lease) -> Turn | None:
        """The stored turn of the lease's id; for ids that a caller gave.

        The store has no quicker way to tell, and an id of our own is new anyway.

        Raises:
            TurnConflictError: It had another input.
        """
        for turn in await self._store.load(key, ALL):
            if turn.id == lease.turn_id:
                return replayed(turn, hash_input(turn.input), lease.input_hash)
        return None

    async def renew(self, key: KeyLike, lease: Lease, *, seconds: float) -> None:
        """Let the lease last."""
        await self._table.renew(key, lease, seconds=seconds)

    async def commit(self, key: KeyLike, lease: Lease, turn: Turn) -> int:
        """Store the turn, if the lease still holds."""
        await self._table.renew(key, lease, seconds=60.0)
        await self._store.append(key, turn)
        await self._table.abort(key, lease)
        return turn.seq or 0

    async def abort(self, key: KeyLike, lease: Lease) -> None:
        """Free the conversation."""
        await self._table.abort(key, lease)
