"""Checks of the four methods, one after the other."""

from __future__ import annotations

from attrs import evolve

from ...memory import ConversationKey, MemoryStore, branch, export_lines, import_lines
from ..kits.loops import claim
from .base import ALL, Checks, closed, key, say, texts_of

__all__ = ["SimpleChecks"]


class SimpleChecks(Checks):
    """Storing, reading, forgetting."""

    def test_an_unknown_conversation_has_no_turns(self) -> None:
        """Nor does asking for it make one."""

        async def main(store: MemoryStore) -> None:
            where = key()
            claim(not await store.load(where, ALL), "an unknown conversation has turns")
            found = await store.conversations(where.tenant)
            claim(not found, f"asking for a conversation has made one: {found!r}")

        self.play(main)

    def test_turns_come_back_in_the_order_of_storing(self) -> None:
        """Oldest first, and all of them."""

        async def main(store: MemoryStore) -> None:
            where, turns = key(), [say(text) for text in "cabed"]
            for turn in turns:
                await store.append(where, turn)
            found = list(await store.load(where, ALL))
            claim(found == turns, f"stored {texts_of(turns)}, and loaded {texts_of(found)}")

        self.play(main)

    def test_a_limit_gives_the_newest(self) -> None:
        """The newest turns, oldest first; none for 0."""

        async def main(store: MemoryStore) -> None:
            where = key()
            for text in "abc":
                await store.append(where, say(text))
            for limit in (0, 1, 2, 3, 4):
                found = texts_of(await store.load(where, limit))
                wanted = list("abc")[3 - min(limit, 3) :]
                claim(found == wanted, f"limit {limit} of a, b, c gives {found}, not {wanted}")

        self.play(main)

    def test_a_turn_whose_id_is_there_changes_nothing(self) -> None:
        """Storing again is what happens when a reply was lost."""

        async def main(store: MemoryStore) -> None:
            where = key()
            await store.append(where, say("a", "1"))
            await store.append(where, say("b", "2"))
            await store.append(where, say("a", "1"))
            await store.append(where, say("other", "1"))
            found = texts_of(await store.load(where, ALL))
            claim(found == ["a", "b"], f"stored a, b, and a again, the store has {found}")

        self.play(main)

    def test_turn_ids_belong_to_their_conversation(self) -> None:
        """Another conversation can have a turn of the same id."""

        async def main(store: MemoryStore) -> None:
            one, two = key(), key()
            await store.append(one, say("a", "1"))
            await store.append(two, say("b", "1"))
            found = texts_of(await store.load(two, ALL))
            claim(found == ["b"], f"the turn of another conversation is in the way: {found}")

        self.play(main)

    def test_a_cleared_conversation_is_forgotten_and_no_other(self) -> None:
        """It can begin anew, with the same turn ids; clearing an unknown one is no error."""

        async def main(store: MemoryStore) -> None:
            one = key()
            two = ConversationKey(f"{one.conversation}-2", one.tenant)
            for where in (one, two):
                await store.append(where, say("a"))
            await store.clear(one)
            await store.clear(key())
            claim(not await store.load(one, ALL), "a cleared conversation still has turns")
            names = list(await store.conversations(one.tenant))
            claim(names == [two.conversation], f"after clearing one of two, there are {names!r}")
            await store.append(one, say("a"))
            found = texts_of(await store.load(one, ALL))
            claim(found == ["a"], f"begun anew after clearing, a conversation has {found}")

        self.play(main)

    def test_conversations_are_listed_by_tenant(self) -> None:
        """Each of them once, and those of no other tenant."""

        async def main(store: MemoryStore) -> None:
            mine = [key()]
            mine += [ConversationKey(name, mine[0].tenant) for name in ("x", "y")]
            theirs = ConversationKey("z", f"{mine[0].tenant}2")
            for where in (*mine, *mine, theirs):
                await store.append(where, say("a"))
            found = sorted(await store.conversations(mine[0].tenant))
            wanted = sorted(where.conversation for where in mine)
            claim(found == wanted, f"the tenant's conversations are {wanted}, not {found}")

        self.play(main)

    def test_a_turn_says_its_number_or_nothing(self) -> None:
        """Where a store gives numbers, they are 1, 2, 3."""

        async def main(store: MemoryStore) -> None:
            where = key()
            for text in "abc":
                await store.append(where, say(text))
            found = [turn.seq for turn in await store.load(where, ALL)]
            claim(found in ([1, 2, 3], [None] * 3), f"three turns have the numbers {found}")

        self.play(main)

    def test_what_is_stored_outlasts_the_store(self) -> None:
        """Another process finds the turns."""

        async def main(store: MemoryStore) -> None:
            if not self.lasting:
                return
            where = key()
            await store.append(where, say("a"))
            other = self.again(store)
            try:
                found = texts_of(await other.load(where, ALL))
                claim(found == ["a"], f"another store on the same turns finds {found}")
                await other.append(where, say("b"))
            finally:
                await closed(other)
            found = texts_of(await store.load(where, ALL))
            claim(found == ["a", "b"], f"what another store has added is not seen: {found}")

        self.play(main)

    def test_closing_twice_is_no_error(self) -> None:
        """Where a store can be closed at all."""

        async def main(store: MemoryStore) -> None:
            await store.load(key(), 1)
            await closed(store)

        self.play(main)

    def test_exported_turns_can_be_imported(self) -> None:
        """Under another tenant they are the same; imported again they change nothing."""

        async def main(store: MemoryStore) -> None:
            where = key()
            for text in ("a", "b\ud800", "c\x00"):
                await store.append(where, say(text, f"id-{text[0]}"))
            lines = [line async for line in export_lines(store, tenant=where.tenant)]
            tenant = f"{where.tenant}-copy"
            for _ in range(2):
                await import_lines(store, lines, tenant=tenant)
            copy = list(await store.load(ConversationKey(where.conversation, tenant), ALL))
            wanted = list(await store.load(where, ALL))
            claim(copy == wanted, f"exported {wanted!r}, and imported {copy!r}")

        self.play(main)

    def test_a_branch_has_the_path_to_its_turn(self) -> None:
        """An edited turn and what stood before it, and not what it replaced."""

        async def main(store: MemoryStore) -> None:
            source, target = key(), key()
            for turn in (say("a"), say("b"), evolve(say("c"), parent="turn-a"), say("d")):
                await store.append(source, turn)
            await branch(store, source, "turn-d", target)
            found = texts_of(await store.load(target, ALL))
            claim(found == ["a", "c", "d"], f"the path to d is a, c, d, and not {found}")

        self.play(main)
