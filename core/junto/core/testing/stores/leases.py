"""Checks of leases: who may write, and what a turn that runs does to others."""

from __future__ import annotations

import asyncio

from ...memory import Lease, LeasedStore, Turn, has_leases, hash_input
from ...store_errors import ConversationBusyError, TurnConflictError
from ..kits.loops import claim
from .base import ALL, MINUTE, Checks, closed, fails, key, leased, say, texts_of

__all__ = ["LeaseChecks"]

_MANY = 12


class LeaseChecks(Checks):
    """For stores that declare ``leases``."""

    def test_an_open_turn_is_no_history(self) -> None:
        """Nothing of it is seen before it is committed."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            lease = await leased(store, where, turn)
            claim(not await store.load(where, ALL), "an open turn is loaded")
            claim(not await store.conversations(where.tenant), "an open turn is a conversation")
            await store.commit(where, lease, turn)
            found = list(await store.load(where, ALL))
            claim(found == [turn], f"committed {turn!r}, and loaded {found!r}")

        self.play_leased(main)

    def test_commits_are_numbered_without_gaps(self) -> None:
        """Aborted turns and appended ones in between change nothing."""

        async def main(store: LeasedStore) -> None:
            where = key()
            numbers: list[int] = []
            for text in "abc":
                turn = say(text)
                await store.abort(where, await leased(store, where, say(f"{text}?")))
                numbers.append(await store.commit(where, await leased(store, where, turn), turn))
                await store.append(where, say(f"{text}+"))
            claim(numbers == [1, 3, 5], f"turns 1, 3 and 5 are committed as {numbers}")
            found = [turn.seq for turn in await store.load(where, ALL)]
            claim(found == [1, 2, 3, 4, 5, 6], f"six turns are loaded with the numbers {found}")

        self.play_leased(main)

    def test_a_second_turn_is_refused(self) -> None:
        """The error says how long the lease lasts at most; other conversations are free."""

        async def main(store: LeasedStore) -> None:
            where = key()
            await leased(store, where, say("a"))
            error = await fails(
                leased(store, where, say("b")), ConversationBusyError, "begin beside a turn"
            )
            wait = getattr(error, "retry_after", None)
            known = wait is None or 0 <= wait <= MINUTE
            claim(known, f"of a lease of {MINUTE:g} s, {wait!r} s are said to be left")
            await leased(store, key(), say("b"))

        self.play_leased(main)

    def test_a_turn_that_runs_is_refused_a_second_time(self) -> None:
        """The same id with the same input: its answer is still to come."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            await leased(store, where, turn)
            step = leased(store, where, turn)
            await fails(step, ConversationBusyError, "begin of a turn that runs")

        self.play_leased(main)

    def test_a_committed_turn_is_given_again(self) -> None:
        """The same id with the same input is no new turn, and holds nothing."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            await store.commit(where, await leased(store, where, turn), turn)
            again = await store.begin(where, turn.id, hash_input(turn.input), seconds=MINUTE)
            claim(again == turn, f"begun again, the committed turn is {again!r}")
            claim(isinstance(again, Turn) and again.seq == 1, "its number is not given")
            await leased(store, where, say("b"))
            again = await store.begin(where, turn.id, hash_input(turn.input), seconds=MINUTE)
            claim(again == turn, f"begun again while another one runs, it is {again!r}")

        self.play_leased(main)

    def test_an_appended_turn_is_given_again(self) -> None:
        """However it came into the store."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            await store.append(where, turn)
            again = await store.begin(where, turn.id, hash_input(turn.input), seconds=MINUTE)
            claim(again == turn, f"begun again, the appended turn is {again!r}")

        self.play_leased(main)

    def test_another_input_is_a_conflict(self) -> None:
        """An id stands for one question, committed or open."""

        async def main(store: LeasedStore) -> None:
            where, turn, other = key(), say("a", "1"), hash_input(say("b").input)
            lease = await leased(store, where, turn)
            for when in ("open", "committed"):
                step = store.begin(where, "1", other, seconds=MINUTE)
                await fails(step, TurnConflictError, f"begin with another input, {when}")
                if when == "open":
                    await store.commit(where, lease, turn)
            claim(await store.load(where, ALL) == (turn,), "a conflict changes what is stored")

        self.play_leased(main)

    def test_an_aborted_turn_leaves_no_trace(self) -> None:
        """The conversation is free, and the same id may begin anew, with any input."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a", "1")
            lease = await leased(store, where, turn)
            await store.abort(where, lease)
            await store.abort(where, lease)
            claim(not await store.conversations(where.tenant), "an aborted turn leaves something")
            other = say("b", "1")
            await store.commit(where, await leased(store, where, other), other)
            found = texts_of(await store.load(where, ALL))
            claim(found == ["b"], f"begun anew after it was aborted, the turn is {found}")

        self.play_leased(main)

    def test_aborting_a_committed_turn_changes_nothing(self) -> None:
        """Nor does it free the conversation that another turn holds."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            lease = await leased(store, where, turn)
            await store.commit(where, lease, turn)
            await leased(store, where, say("b"))
            await store.abort(where, lease)
            claim(texts_of(await store.load(where, ALL)) == ["a"], "a committed turn was aborted")
            step = leased(store, where, say("c"))
            await fails(step, ConversationBusyError, "begin after an old turn was aborted")

        self.play_leased(main)

    def test_committing_again_gives_the_same_number(self) -> None:
        """That is how one learns of a commit whose reply was lost."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            lease = await leased(store, where, turn)
            numbers = [await store.commit(where, lease, turn) for _ in range(3)]
            claim(numbers == [1, 1, 1], f"one turn, committed three times, is {numbers}")
            await store.append(where, say("b"))
            again = await store.commit(where, lease, turn)
            claim(again == 1, f"committed again after another turn, it is number {again}")
            claim(len(await store.load(where, ALL)) == 2, "committing again has doubled a turn")

        self.play_leased(main)

    def test_nobody_appends_beside_a_turn_that_runs(self) -> None:
        """Turns never interleave; the open turn itself can be completed that way."""

        async def main(store: LeasedStore) -> None:
            where, turn = key(), say("a")
            await leased(store, where, turn)
            step = store.append(where, say("b"))
            await fails(step, ConversationBusyError, "append beside a turn that runs")
            await store.append(where, turn)
            await leased(store, where, say("c"))
            found = texts_of(await store.load(where, ALL))
            claim(found == ["a"], f"completed by append, the conversation has {found}")

        self.play_leased(main)

    def test_of_many_beginnings_at_once_one_is_first(self) -> None:
        """All others are refused."""

        async def main(store: LeasedStore) -> None:
            where = key()
            turns = [say(str(i)) for i in range(_MANY)]
            got = await asyncio.gather(
                *(leased(store, where, turn) for turn in turns), return_exceptions=True
            )
            won = [one for one in got if isinstance(one, Lease)]
            odd = [one for one in got if not isinstance(one, Lease | ConversationBusyError)]
            claim(not odd, f"of beginnings at once some raise {odd!r}")
            claim(len(won) == 1, f"of {_MANY} beginnings at once {len(won)} got the conversation")

        self.play_leased(main)

    def test_a_lease_is_seen_by_other_processes(self) -> None:
        """Where the turns are shared, so are the leases."""

        async def main(store: LeasedStore) -> None:
            if not self.lasting:
                return
            where, turn = key(), say("a")
            lease = await leased(store, where, turn)
            other = self.again(store)
            try:
                if not has_leases(other):
                    return
                step = leased(other, where, say("b"))
                await fails(step, ConversationBusyError, "begin from another store")
                number = await other.commit(where, lease, turn)
                claim(number == 1, f"committed from another store, the turn is {number}")
            finally:
                await closed(other)

        self.play_leased(main)
