"""Turns in this process, and what every store does, in its plainest form."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice

from attrs import define, evolve, field

from junto.core.memory import (
    ConversationInfo,
    ConversationKey,
    KeyLike,
    Lease,
    Turn,
    check_id,
    check_key,
    hash_input,
)

from .rules import busy, check_limits, replayed, stale

__all__ = ["InProcessStore"]


@define
class _Open:
    lease: Lease
    until: float


@define
class _Conversation:
    head: int = 0
    updated: float = 0.0
    turns: dict[str, Turn] = field(factory=dict[str, Turn])
    # By turn id: the hash of the input that it began with, and the fence that it had.
    begun: dict[str, tuple[str, int]] = field(factory=dict[str, tuple[str, int]])
    open: _Open | None = None


class InProcessStore:
    """Turns in this process's memory: gone when it ends.

    Shared by any number of clients, tasks, threads and event loops.

    Args:
        max_turns: How many turns of one conversation are kept; the oldest go first.
        max_conversations: How many conversations are kept; those that were silent the
            longest go first.  ``None`` keeps all, until the process ends.
        ttl: Seconds after its newest turn at which a conversation is over.
        clock: Seconds since 1970; for tests.
    """

    leases = True
    managed = True

    def __init__(
        self,
        *,
        max_turns: int = 1000,
        max_conversations: int | None = None,
        ttl: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_limits(max_turns=max_turns, max_conversations=max_conversations)
        check_limits(ttl=ttl)
        self._max_turns = max_turns
        self._max_conversations = max_conversations
        self._ttl = ttl
        self._clock = clock
        self._fence = 0
        # By key; the first is the one that was silent the longest.
        self._all: dict[ConversationKey, _Conversation] = {}
        # Threads share the store.  Nothing waits inside, so a loop may take it.
        self._lock = threading.Lock()

    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        """The newest ``limit`` turns, oldest first."""
        key = check_key(key)
        with self._lock:
            found = self._found(key)
            if found is None:
                return ()
            # From the end: a window costs the same in a long conversation.
            newest = tuple(
                islice(reversed(found.turns.values()), min(max(0, limit), len(found.turns)))
            )
        return newest[::-1]

    async def append(self, key: KeyLike, turn: Turn) -> None:
        """Store a turn, unless it is there."""
        key = check_key(key)
        check_id(turn.id, "turn_id")
        digest = hash_input(turn.input)
        with self._lock:
            found = self._found(key)
            if found is not None and turn.id in found.turns:
                return
            running = self._running(found)
            if running is not None and running.lease.turn_id != turn.id:
                raise busy(running.until - self._clock())
            self._store(key, Lease(turn.id, self._next_fence(), digest), turn)

    async def clear(self, key: KeyLike) -> None:
        """Forget a conversation."""
        key = check_key(key)
        with self._lock:
            self._all.pop(key, None)

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
        with self._lock:
            found = self._found(key)
            if found is not None and turn_id in found.turns:
                return replayed(found.turns[turn_id], found.begun[turn_id][0], input_hash)
            running = self._running(found)
            if running is not None and not takeover:
                same = running.lease if running.lease.turn_id == turn_id else None
                raise busy(running.until - self._clock(), same, input_hash)
            lease = Lease(turn_id, self._next_fence(), input_hash)
            conversation = self._all.setdefault(key, _Conversation())
            conversation.open = _Open(lease, self._clock() + seconds)
            return lease

    async def renew(self, key: KeyLike, lease: Lease, *, seconds: float) -> None:
        """Let the lease last for ``seconds`` from now."""
        key = check_key(key)
        with self._lock:
            self._held(key, lease).until = self._clock() + seconds

    async def commit(self, key: KeyLike, lease: Lease, turn: Turn) -> int:
        """Store the turn, and free the conversation."""
        key = check_key(key)
        with self._lock:
            found = self._found(key)
            if found is not None:
                done = found.turns.get(lease.turn_id)
                if done is not None and found.begun[lease.turn_id][1] == lease.fence:
                    return done.seq or 0
            self._held(key, lease)
            return self._store(key, lease, turn)

    async def abort(self, key: KeyLike, lease: Lease) -> None:
        """Free the conversation without a trace."""
        key = check_key(key)
        with self._lock:
            found = self._all.get(key)
            if found is not None and found.open is not None and found.open.lease == lease:
                found.open = None
                self._drop_if_empty(key, found)

    async def describe(self, tenant: str = "") -> Sequence[ConversationInfo]:
        """A tenant's conversations, those with the newest turns first."""
        check_id(tenant, "tenant", empty=True)
        with self._lock:
            kept = [(key, self._found(key)) for key in list(self._all) if key.tenant == tenant]
            infos = [ConversationInfo(k, len(c.turns), c.updated) for k, c in kept if c and c.turns]
        return sorted(infos, key=lambda info: -info.updated)

    async def prune(self, older_than: float, *, tenant: str | None = None) -> int:
        """Delete turns by age; those that stay keep their numbers."""
        count = 0
        with self._lock:
            before = self._clock() - older_than
            for key, found in list(self._all.items()):
                if tenant is not None and key.tenant != tenant:
                    continue
                for turn in list(found.turns.values()):
                    if (turn.created or 0.0) < before:
                        found.turns.pop(turn.id)
                        found.begun.pop(turn.id)
                        count += 1
                self._drop_if_empty(key, found)
        return count

    def _found(self, key: ConversationKey) -> _Conversation | None:
        found = self._all.get(key)
        if found is None or self._ttl is None or found.open is not None or not found.turns:
            return found
        if found.updated + self._ttl >= self._clock():
            return found
        del self._all[key]
        return None

    def _running(self, found: _Conversation | None) -> _Open | None:
        """The turn that holds the conversation, its lease not being over."""
        if found is None or found.open is None or found.open.until < self._clock():
            return None
        return found.open

    def _held(self, key: ConversationKey, lease: Lease) -> _Open:
        found = self._all.get(key)
        if found is None or found.open is None or found.open.lease.fence != lease.fence:
            raise stale()
        return found.open

    def _next_fence(self) -> int:
        self._fence += 1
        return self._fence

    def _store(self, key: ConversationKey, lease: Lease, turn: Turn) -> int:
        # Behind the others: it is the one that spoke last.
        conversation = self._all.pop(key, None) or _Conversation()
        self._all[key] = conversation
        conversation.open = None
        conversation.head += 1
        now = self._clock()
        created = now if turn.created is None else turn.created
        conversation.turns[turn.id] = evolve(turn, seq=conversation.head, created=created)
        conversation.begun[turn.id] = lease.input_hash, lease.fence
        conversation.updated = now
        while len(conversation.turns) > self._max_turns:
            oldest = next(iter(conversation.turns))
            conversation.turns.pop(oldest)
            conversation.begun.pop(oldest)
        self._make_room(key)
        return conversation.head

    def _make_room(self, newest: ConversationKey) -> None:
        limit = self._max_conversations
        while limit is not None and len(self._all) > limit:
            oldest = next((k for k, c in self._all.items() if c.open is None), newest)
            if oldest == newest:
                return
            del self._all[oldest]

    def _drop_if_empty(self, key: ConversationKey, found: _Conversation) -> None:
        if not found.turns and found.open is None:
            del self._all[key]

    async def aclose(self) -> None:
        """Nothing to free; other stores have something."""

    def __repr__(self) -> str:
        return f"<InProcessStore of {len(self._all)} conversations>"
