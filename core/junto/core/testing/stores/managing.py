"""Checks of what people do with a store."""

from __future__ import annotations

import os

from ...memory import ConversationKey, ManagedStore, MemoryStore, is_managed
from ..kits.loops import claim
from .base import ALL, Checks, key, say, texts_of

__all__ = ["ManageChecks"]

_DAY = 86_400.0


class ManageChecks(Checks):
    """For stores that declare ``managed``."""

    def test_conversations_are_described(self) -> None:
        """With the number of their turns; whoever spoke last is first."""

        async def main(store: MemoryStore) -> None:
            if not is_managed(store):
                return
            one = key()
            two = ConversationKey("b", one.tenant)
            for where in (one, two, one):
                await store.append(where, say(os.urandom(4).hex()))
            found = list(await store.describe(one.tenant))
            claim([info.key for info in found] == [one, two], f"described are {found!r}")
            claim([info.turns for info in found] == [2, 1], f"the numbers of turns: {found!r}")
            claim(found[0].updated >= found[1].updated > 0, f"the times of turns: {found!r}")
            claim(not await store.describe(key().tenant), "an unknown tenant has conversations")

        self.play(main)

    def test_turns_know_when_they_were_stored(self) -> None:
        """And those that come from elsewhere keep their time."""

        async def main(store: MemoryStore) -> None:
            if not is_managed(store):
                return
            where = key()
            await store.append(where, say("a", created=1000.5))
            await store.append(where, say("b"))
            old, new = await store.load(where, ALL)
            claim(old.created == 1000.5, f"created at 1000.5, it came back as {old.created}")
            claim((new.created or 0) > 10 * _DAY, f"a new turn was created at {new.created}")

        self.play(main)

    def test_old_turns_are_pruned_by_age(self) -> None:
        """The rest keeps its numbers, and a conversation without turns is gone."""

        async def main(store: MemoryStore) -> None:
            if not is_managed(store):
                return
            one = key()
            two = ConversationKey("b", one.tenant)
            await store.append(one, say("old", created=1000.0))
            await store.append(one, say("new"))
            await store.append(two, say("old", created=2000.0))
            count = await store.prune(_DAY, tenant=one.tenant)
            claim(count == 2, f"of two old turns {count} were pruned")
            await self._left(store, one, two)
            claim(await store.prune(_DAY, tenant=one.tenant) == 0, "pruned again, more has gone")

        self.play(main)

    async def _left(self, store: ManagedStore, one: ConversationKey, two: ConversationKey) -> None:
        left = await store.load(one, ALL)
        claim(texts_of(left) == ["new"], f"after pruning there is {texts_of(left)}")
        claim(left[0].seq == 2, f"after pruning, the second turn has the number {left[0].seq}")
        names = list(await store.conversations(one.tenant))
        claim(names == [one.conversation], f"after pruning there are {names!r}")
        await store.append(one, say("next"))
        await store.append(two, say("old"))
        found = [turn.seq for turn in await store.load(one, ALL)]
        claim(found == [2, 3], f"after pruning, turns have the numbers {found}")

    def test_pruning_one_tenant_leaves_the_others(self) -> None:
        """However old their turns are."""

        async def main(store: MemoryStore) -> None:
            if not is_managed(store):
                return
            mine, theirs = key(), key()
            for where in (mine, theirs):
                await store.append(where, say("old", created=1000.0))
            await store.prune(_DAY, tenant=mine.tenant)
            claim(not await store.load(mine, ALL), "an old turn was not pruned")
            found = texts_of(await store.load(theirs, ALL))
            claim(found == ["old"], f"pruning one tenant has left {found} of another's turn")

        self.play(main)
