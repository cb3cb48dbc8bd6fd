"""Vectors in this process, and what every store of them does, in its plainest form."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Iterable, Sequence

from attrs import field, frozen

from junto.core.memory import ConversationKey as Key
from junto.core.memory import (
    KeyLike,
    Recalled,
    RecallScope,
    VectorRecord,
    check_id,
    check_key,
)

from ..stores.rules import check_limits
from .ranking import Found, Query, best, check_records, mismatch

__all__ = ["InProcessVectors"]


@frozen
class _Memory:
    text: str
    created: float
    vector: array[float]


@frozen
class _Tenant:
    model: str
    length: int
    # By conversation and id.
    memories: dict[tuple[str, str], _Memory] = field(factory=dict[tuple[str, str], _Memory])


class InProcessVectors:
    """Memories in this process: gone when it ends.

    Args:
        max_scanned: How many of the newest memories a search looks at.
        clock: Seconds since 1970; for tests.
    """

    def __init__(
        self, *, max_scanned: int = 10_000, clock: Callable[[], float] = time.time
    ) -> None:
        check_limits(max_scanned=max_scanned)
        self._max_scanned = max_scanned
        self._clock = clock
        self._tenants: dict[str, _Tenant] = {}
        self._lock = threading.Lock()

    async def add(self, key: KeyLike, records: Sequence[VectorRecord], *, model: str) -> None:
        """Remember all of them, or none."""
        key = check_key(key)
        check_id(model, "model")
        checked = check_records(records)
        if not checked:
            return
        now, length = self._clock(), len(checked[0][1])
        with self._lock:
            tenant = self._tenant(key.tenant, model, length)
            if tenant is None:
                tenant = self._tenants[key.tenant] = _Tenant(model, length)
            for record, vector in checked:
                created = now if record.created is None else record.created
                memory = _Memory(record.text, created, vector)
                tenant.memories.setdefault((key.conversation, record.id), memory)

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
        with self._lock:
            tenant = self._tenant(key.tenant, model, len(query.vector))
            memories = {} if tenant is None else dict(tenant.memories)
        inside = [p for p in memories if query.wide or p[0] == key.conversation]
        inside.sort(key=lambda place: (-memories[place].created, place))
        found = [
            Found(*place, memories[place].created, query.score(memories[place].vector))
            for place in inside[: self._max_scanned]
        ]
        return tuple(
            Recalled(
                Key(one.conversation, key.tenant),
                one.id,
                memories[one.conversation, one.id].text,
                one.score,
                one.created,
            )
            for one in best(found, query)
        )

    def _tenant(self, name: str, model: str, length: int) -> _Tenant | None:
        """The tenant, if it has memories, which are of this model and length."""
        tenant = self._tenants.get(name)
        if tenant is None or not tenant.memories:
            self._tenants.pop(name, None)
            return None
        if (tenant.model, tenant.length) != (model, length):
            raise mismatch((tenant.model, tenant.length), (model, length))
        return tenant

    async def delete(self, key: KeyLike, ids: Iterable[str] | None = None) -> None:
        """Forget some memories of a conversation, or all."""
        key = check_key(key)
        chosen = None if ids is None else {check_id(one, "id") for one in ids}
        self._forget(
            key.tenant,
            lambda place, _: (
                place[0] == key.conversation and (chosen is None or place[1] in chosen)
            ),
        )

    async def clear(self, tenant: str = "") -> None:
        """Forget all of a tenant's memories."""
        check_id(tenant, "tenant", empty=True)
        self._forget(tenant, lambda _place, _memory: True)

    async def prune(self, older_than: float, *, tenant: str | None = None) -> int:
        """Forget what is older than so many seconds."""
        if tenant is not None:
            check_id(tenant, "tenant", empty=True)
        before = self._clock() - older_than
        return self._forget(tenant, lambda _, memory: memory.created < before)

    def _forget(self, whose: str | None, gone: Callable[[tuple[str, str], _Memory], bool]) -> int:
        count = 0
        with self._lock:
            for name, tenant in self._tenants.items():
                if whose not in {None, name}:
                    continue
                for place in [p for p, memory in tenant.memories.items() if gone(p, memory)]:
                    del tenant.memories[place]
                    count += 1
        return count

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""

    def __repr__(self) -> str:
        return "InProcessVectors()"
