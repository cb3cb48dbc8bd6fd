"""What a memory store implements: four methods, and more where it declares more.

A turn that runs holds its conversation by a *lease*: for a time, renewed while the turn
goes on, so that a crash frees the conversation by itself.  Each lease has a *fence*, a
number that grows: whoever comes late with an old one is told so, and changes nothing.

A turn is open, then committed or aborted.  Only committed turns are history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeGuard, cast

from attrs import frozen

from .key import ConversationKey, KeyLike
from .turn import Turn

__all__ = [
    "ConversationInfo",
    "Lease",
    "LeasedStore",
    "ManagedStore",
    "MemoryStore",
    "check_store",
    "has_leases",
    "is_managed",
]

_SIMPLE = ("load", "append", "clear", "conversations")
_LEASES = ("begin", "renew", "commit", "abort")
_MANAGED = ("describe", "prune")


class MemoryStore(Protocol):
    """What every memory store implements.

    Each method but ``conversations`` first checks the key with
    :func:`~junto.core.memory.check_key`, which takes a bare conversation id as well.
    Cancellation may arrive at any ``await``.

    Raises:
        ValueError: A key or id that cannot be, before anything is read or written.
        StoreUnavailableError: The store cannot be reached or used.
        StoreFormatError: What is stored cannot be read.
    """

    async def load(self, key: KeyLike, /, limit: int) -> Sequence[Turn]:
        """The newest ``limit`` turns in the order of storing; none if there are none."""
        ...

    async def append(self, key: KeyLike, /, turn: Turn) -> None:
        """Store a turn behind all others, as one thing.

        A turn whose id is there already changes nothing.  Cancelled, it has stored the
        whole turn or nothing of it.
        """
        ...

    async def clear(self, key: KeyLike, /) -> None:
        """Forget a conversation; an unknown one is no error.

        A turn that runs cannot be committed into it any more.
        """
        ...

    async def conversations(self, tenant: str = "") -> Sequence[str]:
        """The ids of a tenant's conversations that have turns, in any order."""
        ...


@frozen
class Lease:
    """What a turn that runs holds.

    Attributes:
        turn_id: The turn.
        fence: Grows with each ``begin`` of the conversation.
        input_hash: Of the input that the turn began with.
    """

    turn_id: str
    fence: int
    input_hash: str = ""


class LeasedStore(MemoryStore, Protocol):
    """A store by which workers agree, on any number of machines, who may write.

    It declares that by ``leases = True``.

    ``append`` is one transaction of ``begin`` and ``commit``: it raises
    :class:`~junto.core.ConversationBusyError` while another turn holds the conversation,
    and completes an open turn of the same id.
    """

    leases: bool

    async def begin(
        self,
        key: KeyLike,
        /,
        turn_id: str,
        input_hash: str,
        *,
        seconds: float,
        takeover: bool = False,
    ) -> Lease | Turn:
        """Take the conversation for a turn.

        In one step: an open turn whose lease is over is aborted, the fence grows, and the
        turn is open.  Nothing of its input is stored.

        Args:
            key: The conversation.
            turn_id: The turn.
            input_hash: Of its input; see :func:`~junto.core.memory.hash_input`.
            seconds: How long the lease lasts, by the store's clock.
            takeover: Abort a turn that runs, instead of raising.

        Returns:
            A lease; or the stored turn, if it was committed before.

        Raises:
            ConversationBusyError: A turn runs, be it this one.
            TurnConflictError: The turn id was used with another input.
        """
        ...

    async def renew(self, key: KeyLike, /, lease: Lease, *, seconds: float) -> None:
        """Let the lease last for ``seconds`` from now.

        Raises:
            StaleTurnError: It is not the conversation's lease any more.
        """
        ...

    async def commit(self, key: KeyLike, /, lease: Lease, turn: Turn) -> int:
        """Store the turn, and free the conversation: the one point where a turn is history.

        A turn that this lease committed before changes nothing: who does not know
        whether it went well asks again.  A lease that has run out, but that nobody else
        has followed, is still good.

        Returns:
            The turn's number, from 1 without gaps.

        Raises:
            StaleTurnError: It is not the conversation's lease any more.
        """
        ...

    async def abort(self, key: KeyLike, /, lease: Lease) -> None:
        """Free the conversation without a trace; a lease that is over changes nothing."""
        ...


@frozen
class ConversationInfo:
    """What a list of conversations tells.

    Attributes:
        key: Which.
        turns: How many turns it has.
        updated: When the newest was stored, in seconds since 1970.
    """

    key: ConversationKey
    turns: int
    updated: float


class ManagedStore(MemoryStore, Protocol):
    """A store that people can look into and clean up; it declares ``managed = True``.

    Such a store takes ``ttl``, in seconds: a conversation that has been silent for that
    long is over, and is not found any more.
    """

    managed: bool

    async def describe(self, tenant: str = "") -> Sequence[ConversationInfo]:
        """A tenant's conversations, those with the newest turns first."""
        ...

    async def prune(self, older_than: float, *, tenant: str | None = None) -> int:
        """Delete turns by age; those that stay keep their numbers.

        Args:
            older_than: An age in seconds; turns that were stored earlier go.
            tenant: Whose; ``None`` for all.

        Returns:
            How many turns have gone.
        """
        ...


def check_store(store: object) -> MemoryStore:
    """The store, if it can be one.

    Raises:
        TypeError: It is a class, or lacks a method of what it is or declares to be.
    """
    if isinstance(store, type):
        msg = f"the store is the class {store.__name__}: make an instance of it"
        raise TypeError(msg)
    names: list[str] = [*_SIMPLE]
    if getattr(store, "leases", False) is True:
        names += _LEASES
    if getattr(store, "managed", False) is True:
        names += _MANAGED
    missing = [name for name in names if not callable(getattr(store, name, None))]
    if missing:
        msg = f"a memory store has {', '.join(names)}; {store!r} lacks {', '.join(missing)}"
        raise TypeError(msg)
    return cast("MemoryStore", store)


def has_leases(store: MemoryStore) -> TypeGuard[LeasedStore]:
    """Whether the store declares leases."""
    given: Any = store
    return getattr(given, "leases", False) is True


def is_managed(store: MemoryStore) -> TypeGuard[ManagedStore]:
    """Whether the store declares that people can look into it."""
    given: Any = store
    return getattr(given, "managed", False) is True
