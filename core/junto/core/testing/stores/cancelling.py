"""Checks of cancellation, at every round of the event loop in which it may come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ...memory import ConversationKey, LeasedStore, MemoryStore
from ...store_errors import ConversationBusyError
from ..kits.loops import claim, ticks
from .base import ALL, Checks, key, leased, say, texts_of

__all__ = ["CancelChecks"]

_ROUNDS = 40
"""After so many rounds of the loop there is nothing new to be met."""

_SHORT = 0.01


class CancelChecks(Checks):
    """All or nothing; and the cancellation comes out, unless all is done."""

    def test_a_cancelled_append_stores_all_or_nothing(self) -> None:
        """And the next one works."""

        async def main(store: MemoryStore) -> None:
            where, wanted = key(), say("a", "1")
            for rounds in range(_ROUNDS):
                one = ConversationKey(f"{where.conversation}-{rounds}", where.tenant)
                over = await _cancelled(_bound(store.append, one, wanted), rounds, "append")
                found = list(await store.load(one, ALL))
                claim(found in ([], [wanted]), f"cancelled in round {rounds}, it left {found!r}")
                await store.append(one, wanted)
                await store.append(one, say("b", "2"))
                told = texts_of(await store.load(one, ALL))
                claim(told == ["a", "b"], f"appended again after a cancellation: {told}")
                if over:
                    break

        self.play(main)

    def test_a_cancelled_load_harms_nothing(self) -> None:
        """Neither the turns nor the next call."""

        async def main(store: MemoryStore) -> None:
            where = key()
            await store.append(where, say("a"))
            for rounds in range(_ROUNDS):
                over = await _cancelled(_bound(store.load, where, ALL), rounds, "load")
                found = texts_of(await store.load(where, ALL))
                claim(found == ["a"], f"after a load that was cancelled there is {found}")
                if over:
                    break

        self.play(main)

    def test_a_cancelled_clear_clears_all_or_nothing(self) -> None:
        """No part of a conversation is left."""

        async def main(store: MemoryStore) -> None:
            base = key()
            for rounds in range(_ROUNDS):
                where = ConversationKey(f"{base.conversation}-{rounds}", base.tenant)
                for text in "abc":
                    await store.append(where, say(text))
                over = await _cancelled(_bound(store.clear, where), rounds, "clear")
                found = texts_of(await store.load(where, ALL))
                claim(found in ([], ["a", "b", "c"]), f"cancelled, clear left {found}")
                if over:
                    break

        self.play(main)

    def test_a_cancelled_commit_stores_all_or_nothing(self) -> None:
        """Committed again, the turn is there once."""

        async def main(store: LeasedStore) -> None:
            base, turn = key(), say("a")
            for rounds in range(_ROUNDS):
                where = ConversationKey(f"{base.conversation}-{rounds}", base.tenant)
                lease = await leased(store, where, turn)
                step = _bound(store.commit, where, lease, turn)
                over = await _cancelled(step, rounds, "commit")
                found = list(await store.load(where, ALL))
                claim(found in ([], [turn]), f"cancelled in round {rounds}, it left {found!r}")
                number = await store.commit(where, lease, turn)
                claim(number == 1, f"committed after a cancelled commit, it is number {number}")
                found = list(await store.load(where, ALL))
                claim(found == [turn], f"committed after a cancelled commit: {found!r}")
                if over:
                    break

        self.play_leased(main)

    def test_a_cancelled_begin_holds_at_most_a_lease(self) -> None:
        """Whatever it left is over with the lease."""

        async def main(store: LeasedStore) -> None:
            base = key()
            for rounds in range(_ROUNDS):
                where = ConversationKey(f"{base.conversation}-{rounds}", base.tenant)
                step = _bound(leased, store, where, say("a"), seconds=_SHORT)
                over = await _cancelled(step, rounds, "begin")
                while True:
                    try:
                        lease = await leased(store, where, say("b"))
                    except ConversationBusyError:
                        await asyncio.sleep(_SHORT / 2)
                    else:
                        break
                await store.commit(where, lease, say("b"))
                found = texts_of(await store.load(where, ALL))
                claim(found == ["b"], f"after a begin that was cancelled there is {found}")
                if over:
                    break

        self.play_leased(main)

    def test_a_cancelled_abort_or_renew_harms_nothing(self) -> None:
        """They can be done again."""

        async def main(store: LeasedStore) -> None:
            base = key()
            for rounds in range(_ROUNDS):
                where = ConversationKey(f"{base.conversation}-{rounds}", base.tenant)
                lease = await leased(store, where, say("a"))
                renewal = _bound(store.renew, where, lease, seconds=60.0)
                over = await _cancelled(renewal, rounds, "renew")
                await store.renew(where, lease, seconds=60.0)
                over &= await _cancelled(_bound(store.abort, where, lease), rounds, "abort")
                await store.abort(where, lease)
                await store.commit(where, await leased(store, where, say("b")), say("b"))
                if over:
                    break

        self.play_leased(main)


def _bound(
    function: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **more: Any
) -> Callable[[], Coroutine[Any, Any, Any]]:
    return lambda: function(*args, **more)


async def _cancelled(step: Callable[[], Coroutine[Any, Any, Any]], rounds: int, name: str) -> bool:
    """Cancel a step after some rounds of the loop; tells whether it was over by then."""
    task = asyncio.ensure_future(step())
    await ticks(rounds)
    over = task.done()
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        # It may have been at its very end.  But it must not make an error of it.
        error = task.exception()
        claim(error is None, f"cancelled in round {rounds}, {name} raises {error!r}")
    return over
