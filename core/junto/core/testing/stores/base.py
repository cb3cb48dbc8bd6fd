"""What an author declares, and what all checks of stores share."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar, TypeVar

from ...memory import (
    ConversationKey,
    Lease,
    LeasedStore,
    MemoryStore,
    Turn,
    check_store,
    has_leases,
    hash_input,
)
from ...messages import AssistantMessage, UserMessage
from ..kits.classes import Guarded
from ..kits.loops import claim, play

__all__ = ["ALL", "MINUTE", "Checks", "fails", "key", "leased", "say", "texts_of"]

T = TypeVar("T")

ALL = 1000
"""As a limit: more turns than any check stores."""

MINUTE = 60.0
"""A lease that outlasts its check, in seconds."""


class Checks(Guarded):
    """The declarations of a store's author; see ``MemoryContract``."""

    lasting: ClassVar[bool] = False
    loops: ClassVar[bool] = True
    large: ClassVar[int] = 1_000_000
    limit: ClassVar[float] = 20.0

    def store(self) -> MemoryStore:
        """Make the store."""
        msg = f"{type(self).__name__} has no store(): define it, and return a store"
        raise NotImplementedError(msg)

    def again(self, store: MemoryStore) -> MemoryStore:
        """Another store with the same turns, as another process would make it.

        Only asked for where ``lasting`` is declared.
        """
        msg = f"{type(self).__name__} has no again(): define it, or leave out lasting"
        raise NotImplementedError(msg)

    def made(self) -> MemoryStore:
        """A store, or the one that a fixture gave."""
        return check_store(self.store() if self._given is None else self._given)

    def play(self, main: Callable[[MemoryStore], Coroutine[Any, Any, T]]) -> T:
        """Run ``main`` with a store, in an event loop of its own, and close the store."""

        async def run() -> T:
            store = self.made()
            try:
                return await main(store)
            finally:
                await closed(store)

        return play(run, limit=self.limit)

    def play_leased(self, main: Callable[[LeasedStore], Coroutine[Any, Any, None]]) -> None:
        """The same, where the store has leases; elsewhere there is nothing to check."""

        async def run(store: MemoryStore) -> None:
            if has_leases(store):
                await main(store)

        self.play(run)


async def closed(store: MemoryStore) -> None:
    """Close a store that can be closed."""
    close: Any = getattr(store, "aclose", None)
    if close is not None:
        await close()


def key(tenant: str | None = None) -> ConversationKey:
    """A conversation that nobody else has, of a tenant that nobody else is."""
    name = os.urandom(8).hex()
    return ConversationKey(f"contract-{name}", f"t-{name}" if tenant is None else tenant)


def say(text: str, turn_id: str | None = None, **more: Any) -> Turn:
    """A turn in which this is asked, and answered."""
    name = f"turn-{text}" if turn_id is None else turn_id
    return Turn(name, [UserMessage(text)], [AssistantMessage(f"{text}!")], **more)


def texts_of(turns: Sequence[Turn]) -> list[str]:
    """What was asked, turn by turn."""
    return [turn.input[0].text for turn in turns]


async def leased(store: LeasedStore, where: ConversationKey, turn: Turn, **how: Any) -> Lease:
    """Begin a turn, which must give a lease."""
    wanted: dict[str, Any] = {"seconds": MINUTE, **how}
    lease = await store.begin(where, turn.id, hash_input(turn.input), **wanted)
    claim(isinstance(lease, Lease), f"begin gave {lease!r} for a new turn, not a lease")
    assert isinstance(lease, Lease)  # noqa: S101  for the types: it was claimed
    return lease


async def fails(
    step: Coroutine[Any, Any, object],
    kind: type[Exception] | tuple[type[Exception], ...],
    what: str,
) -> Exception:
    """Await what must fail, in one of these ways; gives the error."""
    names = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
    try:
        result = await step
    except kind as error:
        return error
    except Exception as error:
        msg = f"{what} raises {error!r}, not {names}"
        raise AssertionError(msg) from error
    msg = f"{what} gives {result!r}, and does not raise {names}"
    raise AssertionError(msg)
