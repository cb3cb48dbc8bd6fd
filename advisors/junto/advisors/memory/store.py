"""Where turns are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from .turn import Turn, check_conversation

__all__ = ["InProcessStore", "MemoryStore", "check_store"]

_METHODS = ("load", "append", "clear", "conversations")


class MemoryStore(Protocol):
    """What a memory store implements.  Conversations are told apart character by character.

    Cancellation may arrive at any ``await``; :meth:`append` then has stored the whole
    turn or nothing of it.
    """

    async def load(self, conversation: str, limit: int) -> Sequence[Turn]:
        """The newest ``limit`` turns, oldest first; none for an unknown conversation."""
        ...

    async def append(self, conversation: str, turn: Turn) -> None:
        """Store a turn as one thing; a turn whose id is there already changes nothing."""
        ...

    async def clear(self, conversation: str) -> None:
        """Forget a conversation; an unknown one is no error."""
        ...

    async def conversations(self) -> Sequence[str]:
        """The conversations that have turns, in any order."""
        ...


def check_store(store: object) -> MemoryStore:
    """The store, if it can be one.

    Raises:
        TypeError: It is a class, or lacks a method of :class:`MemoryStore`.
    """
    if isinstance(store, type):
        msg = f"the store is the class {store.__name__}: make an instance of it"
        raise TypeError(msg)
    missing = [name for name in _METHODS if not callable(getattr(store, name, None))]
    if missing:
        msg = f"a memory store has {', '.join(_METHODS)}; {store!r} lacks {', '.join(missing)}"
        raise TypeError(msg)
    return cast("MemoryStore", store)


class InProcessStore:
    """Turns in this process's memory: gone when it ends.

    Shared by any number of clients, tasks, threads and event loops.

    Args:
        max_turns: How many turns of one conversation are kept; the oldest go first.
        max_conversations: How many conversations are kept; those that were silent the
            longest go first.  ``None`` keeps all, until the process ends.
    """

    def __init__(self, *, max_turns: int = 1000, max_conversations: int | None = None) -> None:
        for name, limit in (("max_turns", max_turns), ("max_conversations", max_conversations)):
            if limit is not None and limit < 1:
                msg = f"{name} is at least 1, not {limit}"
                raise ValueError(msg)
        self._max_turns = max_turns
        self._max_conversations = max_conversations
        self._turns: dict[str, dict[str, Turn]] = {}
        self._silent: dict[str, None] = {}

    async def load(self, conversation: str, limit: int) -> Sequence[Turn]:
        """The newest ``limit`` turns, oldest first."""
        turns = tuple(self._turns.get(check_conversation(conversation), {}).values())
        return turns[max(0, len(turns) - limit) :]

    async def append(self, conversation: str, turn: Turn) -> None:
        """Store a turn, unless it is there."""
        turns = self._turns.setdefault(check_conversation(conversation), {})
        turns.setdefault(turn.id, turn)
        while len(turns) > self._max_turns:
            turns.pop(next(iter(turns)))
        # The first is the one that was silent the longest.
        self._silent.pop(conversation, None)
        self._silent[conversation] = None
        while self._max_conversations is not None and len(self._silent) > self._max_conversations:
            await self.clear(next(iter(self._silent)))

    async def clear(self, conversation: str) -> None:
        """Forget a conversation."""
        self._turns.pop(check_conversation(conversation), None)
        self._silent.pop(conversation, None)

    async def conversations(self) -> Sequence[str]:
        """The conversations that have turns."""
        return tuple(self._turns)

    def __repr__(self) -> str:
        return f"<InProcessStore of {len(self._turns)} conversations>"
