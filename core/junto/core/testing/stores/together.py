"""Checks of several things at once."""

from __future__ import annotations

import asyncio
import threading

from ...memory import ConversationKey, MemoryStore
from ..kits.loops import claim
from .base import ALL, Checks, closed, key, say, texts_of

__all__ = ["TogetherChecks"]

_MANY = 20


class TogetherChecks(Checks):
    """Tasks, loops and threads share a store."""

    def test_turns_stored_at_once_are_all_there(self) -> None:
        """None is lost, none is doubled."""

        async def main(store: MemoryStore) -> None:
            where, names = key(), [str(i) for i in range(_MANY)]
            await asyncio.gather(*(store.append(where, say(name)) for name in names))
            found = texts_of(await store.load(where, ALL))
            claim(sorted(found) == sorted(names), f"of {_MANY} turns at once there are {found}")

        self.play(main)

    def test_the_same_turn_stored_at_once_is_there_once(self) -> None:
        """As when a client sends it again too early."""

        async def main(store: MemoryStore) -> None:
            where = key()
            await asyncio.gather(*(store.append(where, say("a")) for _ in range(_MANY)))
            found = texts_of(await store.load(where, ALL))
            claim(found == ["a"], f"one turn, stored {_MANY} times at once, is there as {found}")

        self.play(main)

    def test_conversations_at_once_do_not_mix(self) -> None:
        """Each keeps its own turns, in order."""

        async def main(store: MemoryStore) -> None:
            base = key()
            keys = [ConversationKey(str(i), base.tenant) for i in range(_MANY)]

            async def talk(where: ConversationKey) -> None:
                for text in "abc":
                    await store.append(where, say(f"{where.conversation}{text}"))
                    await store.load(where, 1)

            await asyncio.gather(*map(talk, keys))
            for where in keys:
                found = texts_of(await store.load(where, ALL))
                wanted = [f"{where.conversation}{text}" for text in "abc"]
                claim(found == wanted, f"a conversation among {_MANY} has {found}, not {wanted}")

        self.play(main)

    def test_what_was_loaded_does_not_change(self) -> None:
        """A later turn is not in an earlier answer."""

        async def main(store: MemoryStore) -> None:
            where = key()
            await store.append(where, say("a"))
            before = await store.load(where, ALL)
            await store.append(where, say("b"))
            claim(texts_of(before) == ["a"], "what was loaded has changed with the store")

        self.play(main)

    def test_threads_and_loops_share_a_store(self) -> None:
        """One loop in each of several threads, at once."""
        if not self.loops:
            return
        store, where = self.made(), key()
        failures: list[BaseException] = []

        async def talk(name: str) -> None:
            for i in range(3):
                await store.append(where, say(f"{name}{i}"))

        def work(name: str) -> None:
            try:
                asyncio.run(talk(name))
            except BaseException as error:  # noqa: BLE001  the main thread raises it
                failures.append(error)

        threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(self.limit)
        claim(not failures, f"in a loop of another thread the store raises {failures!r}")

        async def look() -> list[str]:
            try:
                return texts_of(await store.load(where, ALL))
            finally:
                await closed(store)

        found = asyncio.run(look())
        for name in "abc":
            own = [text for text in found if text[0] == name]
            claim(own == [f"{name}{i}" for i in range(3)], f"of a thread's turns there are {own}")
