"""Stores that are wrong in one way each, and which check finds it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import evolve, frozen

from junto.advisors import InProcessStore
from junto.core import AssistantMessage, UserMessage
from junto.core.memory import ConversationKey, KeyLike, Lease, Turn, check_id, check_key

BROKEN: list[Broken] = []

Kind = TypeVar("Kind", bound=type[Any])


@frozen
class Broken:
    kind: Callable[[], Any]
    check: str
    says: str


def broken(check: str, says: str) -> Callable[[Kind], Kind]:
    def register(kind: Kind) -> Kind:
        BROKEN.append(Broken(kind, check, says))
        return kind

    return register


class Plain:
    """Turns in lists, for the faults of the simple form."""

    def __init__(self) -> None:
        self.all: dict[ConversationKey, list[Turn]] = {}

    def place(self, key: KeyLike) -> ConversationKey:
        return check_key(key)

    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        turns = self.all.get(self.place(key), [])
        return tuple(turns[max(0, len(turns) - limit) :])

    async def append(self, key: KeyLike, turn: Turn) -> None:
        check_id(turn.id, "turn_id")
        turns = self.all.setdefault(self.place(key), [])
        if all(other.id != turn.id for other in turns):
            turns.append(turn)

    async def clear(self, key: KeyLike) -> None:
        self.all.pop(self.place(key), None)

    async def conversations(self, tenant: str = "") -> Sequence[str]:
        check_id(tenant, "tenant", empty=True)
        return [key.conversation for key in self.all if key.tenant == tenant]


@broken("a_turn_whose_id_is_there_changes_nothing", r"\['a', 'b', 'a', 'other'\]")
class Doubles(Plain):
    async def append(self, key: KeyLike, turn: Turn) -> None:
        self.all.setdefault(self.place(key), []).append(turn)


@broken("turns_come_back_in_the_order_of_storing", "loaded .'d', 'e'")
class NewestFirst(Plain):
    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        return (await super().load(key, limit))[::-1]


@broken("a_limit_gives_the_newest", "limit 0 .* gives .'a', 'b', 'c'")
class MinusZero(Plain):
    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        return tuple(self.all.get(self.place(key), [])[-limit:])


@broken("an_unknown_conversation_has_no_turns", "asking for a conversation has made one")
class MakesWhatItReads(Plain):
    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        return self.all.setdefault(self.place(key), [])[:limit]


@broken("what_was_loaded_does_not_change", "has changed with the store")
class GivesItsOwnList(Plain):
    async def load(self, key: KeyLike, limit: int) -> Sequence[Turn]:
        return self.all.get(self.place(key), [])


@broken("a_cleared_conversation_is_forgotten_and_no_other", r"there are \[\]")
class ClearsByPrefix(Plain):
    async def clear(self, key: KeyLike) -> None:
        start = self.place(key).conversation
        self.all = {k: v for k, v in self.all.items() if not k.conversation.startswith(start)}


@broken("tenants_do_not_meet", "turns of another tenant")
class JoinsIds(Plain):
    def place(self, key: KeyLike) -> ConversationKey:
        key = check_key(key)
        return ConversationKey(f"{key.tenant}:{key.conversation}")


@broken("normal_forms_are_not_folded", "is taken for another id")
class FoldsCase(Plain):
    def place(self, key: KeyLike) -> ConversationKey:
        key = check_key(key)
        return ConversationKey(key.conversation.casefold(), key.tenant)


@broken("impossible_ids_are_refused_the_same_way_everywhere", "load with '' gives")
class TakesAnyId(Plain):
    def place(self, key: KeyLike) -> ConversationKey:
        return key if isinstance(key, ConversationKey) else ConversationKey(key)


class Rewrites(Plain):
    def text(self, text: str) -> str:
        return text

    async def append(self, key: KeyLike, turn: Turn) -> None:
        asked = [UserMessage(self.text(message.text)) for message in turn.input]
        await super().append(key, evolve(turn, input=asked))


@broken("nul_and_control_characters_come_back", r"stored .*\\x00")
class DropsNul(Rewrites):
    def text(self, text: str) -> str:
        return text.replace("\x00", "")


@broken("lone_surrogates_come_back", "stored .*ud83d")
class ReplacesSurrogates(Rewrites):
    def text(self, text: str) -> str:
        return text.encode(errors="replace").decode()


@broken("a_long_text_comes_back", "stored ")
class CutsOff(Rewrites):
    def text(self, text: str) -> str:
        return text[:65_535]


@broken("every_kind_of_message_and_part_comes_back", "stored ")
class KeepsTextAlone(Rewrites):
    pass


@broken("all_that_is_known_of_a_turn_comes_back", "stored ")
class KeepsMessagesAlone(Plain):
    async def append(self, key: KeyLike, turn: Turn) -> None:
        await super().append(key, Turn(turn.id, turn.input, turn.output))


@broken("a_cancelled_append_stores_all_or_nothing", "cancelled in round 1, it left")
class Torn(Plain):
    async def append(self, key: KeyLike, turn: Turn) -> None:
        turns = self.all.setdefault(self.place(key), [])
        if all(other.id != turn.id for other in turns):
            turns.append(evolve(turn, output=[AssistantMessage("")]))
            await asyncio.sleep(0)
            turns[-1] = turn


@broken("turns_stored_at_once_are_all_there", "of 20 turns at once there are")
class ReadsThenWrites(Plain):
    async def append(self, key: KeyLike, turn: Turn) -> None:
        turns = await self.load(key, 1000)
        await asyncio.sleep(0)
        if all(other.id != turn.id for other in turns):
            self.all[self.place(key)] = [*turns, turn]


@broken("the_repr_tells_nothing_of_a_conversation", "the repr tells")
class Tells(Plain):
    def __repr__(self) -> str:
        return f"Tells({self.all!r})"


@broken("threads_and_loops_share_a_store", "RuntimeError")
class OfOneLoop(Plain):
    loop: asyncio.AbstractEventLoop | None = None

    async def append(self, key: KeyLike, turn: Turn) -> None:
        running = asyncio.get_running_loop()
        self.loop = self.loop or running
        if self.loop is not running:
            msg = "attached to a different loop"
            raise RuntimeError(msg)
        await super().append(key, turn)


@broken("a_lease_that_is_over_is_taken_over", "commit with an old lease gives")
class NoFence(InProcessStore):
    async def commit(self, key: KeyLike, lease: Lease, turn: Turn) -> int:
        with self._lock:
            return self._store(check_key(key), lease, turn)


@broken("a_second_turn_is_refused", "begin beside a turn gives")
class NeverBusy(InProcessStore):
    async def begin(self, *args: Any, takeover: bool = False, **more: Any) -> Lease | Turn:
        return await super().begin(*args, takeover=True, **more)


@broken("of_many_beginnings_at_once_one_is_first", "of 12 beginnings at once 12")
class LooksThenTakes(InProcessStore):
    async def begin(self, *args: Any, takeover: bool = False, **more: Any) -> Lease | Turn:
        found = self._found(check_key(args[0]))
        await asyncio.sleep(0)
        free = self._running(found) is None
        return await super().begin(*args, takeover=takeover or free, **more)


@broken("committing_again_gives_the_same_number", "the turn has lost its conversation")
class CommitsOnce(InProcessStore):
    async def commit(self, key: KeyLike, lease: Lease, turn: Turn) -> int:
        with self._lock:
            self._held(check_key(key), lease)
            return self._store(check_key(key), lease, turn)


@broken("an_aborted_turn_leaves_no_trace", "used before, with another input")
class NeverAborts(InProcessStore):
    async def abort(self, key: KeyLike, lease: Lease) -> None:
        pass


@broken("another_input_is_a_conflict", "begin with another input, open")
class NoConflict(InProcessStore):
    async def begin(self, key: KeyLike, turn_id: str, *_: Any, **more: Any) -> Lease | Turn:
        return await super().begin(key, turn_id, "", **more)


@broken("clearing_fences_a_running_turn_off", "commit with an old lease")
class ClearsTurnsAlone(InProcessStore):
    async def clear(self, key: KeyLike) -> None:
        found = self._found(check_key(key))
        if found is not None:
            found.turns.clear()
            found.begun.clear()


@broken("nobody_appends_beside_a_turn_that_runs", "append beside a turn that runs gives")
class AppendsAnyway(InProcessStore):
    async def append(self, key: KeyLike, turn: Turn) -> None:
        with self._lock:
            self._store(check_key(key), Lease(turn.id, self._next_fence()), turn)


@broken("an_open_turn_is_no_history", "an open turn is loaded")
class StoresAtBegin(InProcessStore):
    async def begin(self, key: KeyLike, turn_id: str, *args: Any, **more: Any) -> Lease | Turn:
        lease = await super().begin(key, turn_id, *args, **more)
        found = self._found(check_key(key))
        if found is not None:
            found.turns["early"] = Turn("early", [UserMessage("a")])
        return lease


@broken("old_turns_are_pruned_by_age", "of two old turns 0 were pruned")
class NeverPrunes(InProcessStore):
    async def prune(self, older_than: float, *, tenant: str | None = None) -> int:
        return 0
