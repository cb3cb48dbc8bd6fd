"""Checks of fences: whoever has lost the conversation changes nothing any more."""

from __future__ import annotations

import asyncio
import itertools

from ...memory import ConversationKey, Lease, LeasedStore, Turn
from ...store_errors import ConversationBusyError, StaleTurnError
from ..kits.loops import claim
from .base import ALL, MINUTE, Checks, fails, key, leased, say, texts_of

__all__ = ["FenceChecks"]

_SHORT = 0.01
"""A lease that is over soon, in seconds."""


class FenceChecks(Checks):
    """For stores that declare ``leases``."""

    def test_a_lease_that_is_over_is_taken_over(self) -> None:
        """After a crash the next turn gets the conversation, and the old one is fenced off."""

        async def main(store: LeasedStore) -> None:
            where, old, new = key(), say("old"), say("new")
            before = await leased(store, where, old, seconds=_SHORT)
            lease = await _when_free(store, where, new)
            claim(lease.fence > before.fence, f"fence {lease.fence} follows {before.fence}")
            await _all_stale(store, where, before, old)
            await store.commit(where, lease, new)
            await _all_stale(store, where, before, old)
            found = texts_of(await store.load(where, ALL))
            claim(found == ["new"], f"after a takeover the conversation has {found}")

        self.play_leased(main)

    def test_the_same_turn_begins_anew_when_its_lease_is_over(self) -> None:
        """Who asks again after a crash gets a lease, and the crashed one is fenced off."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            before = await leased(store, where, turn, seconds=_SHORT)
            lease = await _when_free(store, where, turn)
            await _all_stale(store, where, before, turn)
            number = await store.commit(where, lease, turn)
            claim(number == 1, f"begun anew, the turn is committed as number {number}")

        self.play_leased(main)

    def test_a_renewed_lease_lasts(self) -> None:
        """From the time of renewal."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            lease = await leased(store, where, turn, seconds=1.0)
            await store.renew(where, lease, seconds=MINUTE)
            step = leased(store, where, say("b"))
            error = await fails(step, ConversationBusyError, "begin beside a renewed lease")
            wait = getattr(error, "retry_after", None)
            claim(wait is None or wait > 1.0, f"renewed for a minute, it is said to last {wait} s")
            await store.commit(where, lease, turn)

        self.play_leased(main)

    def test_a_lease_that_nobody_followed_is_still_good(self) -> None:
        """A slow turn that harmed nobody is stored."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            lease = await leased(store, where, turn, seconds=_SHORT)
            await asyncio.sleep(2 * _SHORT)
            await store.renew(where, lease, seconds=_SHORT)
            await asyncio.sleep(2 * _SHORT)
            number = await store.commit(where, lease, turn)
            claim(number == 1, f"committed after its lease, the turn is number {number}")

        self.play_leased(main)

    def test_taking_over_fences_a_running_turn_off(self) -> None:
        """It is aborted, whatever is left of its lease."""

        async def main(store: LeasedStore) -> None:
            where, old, new = key(), say("old"), say("new")
            before = await leased(store, where, old)
            lease = await leased(store, where, new, takeover=True)
            await _all_stale(store, where, before, old)
            await store.abort(where, before)
            step = leased(store, where, say("third"))
            await fails(step, ConversationBusyError, "begin after the old turn gave up")
            await store.commit(where, lease, new)
            found = texts_of(await store.load(where, ALL))
            claim(found == ["new"], f"after a takeover the conversation has {found}")

        self.play_leased(main)

    def test_clearing_fences_a_running_turn_off(self) -> None:
        """It cannot write into the conversation that was to be forgotten."""

        async def main(store: LeasedStore) -> None:
            where, old = key(), say("old")
            await store.append(where, say("first"))
            before = await leased(store, where, old)
            await store.clear(where)
            await _all_stale(store, where, before, old)
            lease = await leased(store, where, old)
            claim(lease.fence > before.fence, f"fence {lease.fence} follows {before.fence}")
            await _all_stale(store, where, before, old)
            number = await store.commit(where, lease, old)
            claim(number == 1, f"the first turn after clearing is number {number}")

        self.play_leased(main)

    def test_fences_grow(self) -> None:
        """With each beginning, also behind an abort."""

        async def main(store: LeasedStore) -> None:
            where = key()
            fences: list[int] = []
            for i in range(4):
                lease = await leased(store, where, say(str(i)))
                fences.append(lease.fence)
                if i % 2:
                    await store.commit(where, lease, say(str(i)))
                else:
                    await store.abort(where, lease)
            grows = all(one < two for one, two in itertools.pairwise(fences))
            claim(grows, f"fences do not grow: {fences}")

        self.play_leased(main)

    def test_a_lease_is_good_for_its_own_conversation(self) -> None:
        """And for no other, whatever its fence."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            lease = await leased(store, where, turn)
            other = ConversationKey(f"{where.conversation}-2", where.tenant)
            await _all_stale(store, other, lease, turn)
            await store.abort(other, lease)
            await store.commit(where, lease, turn)

        self.play_leased(main)

    def test_an_aborted_turn_cannot_be_committed(self) -> None:
        """Whoever gave up has given up."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            lease = await leased(store, where, turn)
            await store.abort(where, lease)
            await _all_stale(store, where, lease, turn)
            claim(not await store.load(where, ALL), "an aborted turn was committed")

        self.play_leased(main)


async def _all_stale(store: LeasedStore, where: ConversationKey, lease: Lease, turn: Turn) -> None:
    step = store.commit(where, lease, turn)
    await fails(step, StaleTurnError, "commit with an old lease")
    renewal = store.renew(where, lease, seconds=MINUTE)
    await fails(renewal, StaleTurnError, "renew with an old lease")


async def _when_free(store: LeasedStore, where: ConversationKey, turn: Turn) -> Lease:
    """Begin, once the lease in front is over; the check's limit bounds the waiting."""
    while True:
        try:
            return await leased(store, where, turn)
        except ConversationBusyError:
            await asyncio.sleep(_SHORT / 2)
