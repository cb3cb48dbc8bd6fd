"""Every store does what a dictionary would do, in any order of things."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import define, field
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from junto.core import (
    AssistantMessage,
    ConversationBusyError,
    StaleTurnError,
    TurnConflictError,
    UserMessage,
)
from junto.core.memory import (
    ALL,
    ConversationKey,
    Lease,
    LeasedStore,
    Turn,
    hash_input,
)

from .factories import Factory, Make

KEYS = [ConversationKey(name, tenant) for name in ("a", "b") for tenant in ("", "t")]
LONG = 3600.0

keys = st.sampled_from(KEYS)
ids = st.sampled_from("123")
texts = st.text(st.characters(codec=None), max_size=3)


@define
class Expected:
    """One conversation, as it has to be."""

    head: int = 0
    turns: dict[str, tuple[int, Turn]] = field(factory=dict[str, tuple[int, Turn]])
    hashes: dict[str, str] = field(factory=dict[str, str])
    by: dict[str, Lease] = field(factory=dict[str, Lease])
    open: Lease | None = None


class Machine(RuleBasedStateMachine):
    """The rules; a subclass says which store."""

    lasting: ClassVar[bool]
    place: ClassVar[tuple[Make, Path]]
    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store: Any = self.made()
        self.model = {key: Expected() for key in KEYS}
        # A server's database is shared: begin with nothing in it.
        for key in KEYS:
            self.run(self.store.clear(key))

    def made(self) -> LeasedStore:
        make, folder = self.place
        return make(folder)

    def teardown(self) -> None:
        self.run(self.store.aclose())
        self.runner.close()

    def run(self, step: Any) -> Any:
        return self.runner.run(step)

    def refused(self, step: Any, kind: type[Exception]) -> None:
        with pytest.raises(kind):
            self.run(step)

    @rule(key=keys, turn_id=ids, text=texts)
    def append(self, key: ConversationKey, turn_id: str, text: str) -> None:
        expected, turn = self.model[key], turn_of(turn_id, text)
        known, other = turn_id in expected.turns, expected.open
        if not known and other is not None and other.turn_id != turn_id:
            self.refused(self.store.append(key, turn), ConversationBusyError)
            return
        self.run(self.store.append(key, turn))
        if not known:
            self.stored(expected, turn)
            expected.hashes[turn_id] = hash_input(turn.input)

    def stored(self, expected: Expected, turn: Turn) -> None:
        expected.head += 1
        expected.turns[turn.id] = (expected.head, turn)
        expected.open = None

    @rule(target=leases, key=keys, turn_id=ids, text=texts, takeover=st.booleans())
    def begin(self, key: ConversationKey, turn_id: str, text: str, takeover: bool) -> Any:
        expected, turn = self.model[key], turn_of(turn_id, text)
        digest = hash_input(turn.input)
        step = self.store.begin(key, turn_id, digest, seconds=LONG, takeover=takeover)
        if turn_id in expected.turns:
            if expected.hashes[turn_id] != digest:
                self.refused(step, TurnConflictError)
            else:
                assert self.run(step) == expected.turns[turn_id][1]
            return multiple()
        if expected.open is not None and not takeover:
            same = expected.open.turn_id == turn_id and expected.open.input_hash != digest
            self.refused(step, TurnConflictError if same else ConversationBusyError)
            return multiple()
        lease = self.run(step)
        assert isinstance(lease, Lease)
        expected.open = lease
        return (key, lease, turn)

    @rule(held=leases)
    def renew(self, held: tuple[ConversationKey, Lease, Turn]) -> None:
        key, lease, _ = held
        step = self.store.renew(key, lease, seconds=LONG)
        if self.model[key].open == lease:
            self.run(step)
        else:
            self.refused(step, StaleTurnError)

    @rule(held=leases)
    def commit(self, held: tuple[ConversationKey, Lease, Turn]) -> None:
        key, lease, turn = held
        expected = self.model[key]
        step = self.store.commit(key, lease, turn)
        if expected.by.get(turn.id) == lease and turn.id in expected.turns:
            assert self.run(step) == expected.turns[turn.id][0]
        elif expected.open == lease:
            self.stored(expected, turn)
            expected.by[turn.id] = lease
            expected.hashes[turn.id] = lease.input_hash
            assert self.run(step) == expected.head
        else:
            self.refused(step, StaleTurnError)

    @rule(held=leases)
    def abort(self, held: tuple[ConversationKey, Lease, Turn]) -> None:
        key, lease, _ = held
        self.run(self.store.abort(key, lease))
        if self.model[key].open == lease:
            self.model[key].open = None

    @rule(key=keys)
    def clear(self, key: ConversationKey) -> None:
        self.run(self.store.clear(key))
        self.model[key] = Expected()

    @rule()
    def reopen(self) -> None:
        if self.lasting:
            self.run(self.store.aclose())
            self.store = self.made()

    @rule(key=keys, limit=st.integers(0, 4))
    def load_some(self, key: ConversationKey, limit: int) -> None:
        turns = [turn for _, turn in self.model[key].turns.values()]
        wanted = turns[max(0, len(turns) - limit) :]
        assert list(self.run(self.store.load(key, limit))) == wanted

    @invariant()
    def same(self) -> None:
        for key, expected in self.model.items():
            found = self.run(self.store.load(key, ALL))
            assert [(turn.seq, turn) for turn in found] == list(expected.turns.values())
        for tenant in ("", "t"):
            own = [key for key, e in self.model.items() if e.turns and key.tenant == tenant]
            names = self.run(self.store.conversations(tenant))
            assert set(names) >= {key.conversation for key in own}
            described = self.run(self.store.describe(tenant))
            counts = {info.key: info.turns for info in described if info.key in self.model}
            assert counts == {key: len(self.model[key].turns) for key in own}


def turn_of(turn_id: str, text: str) -> Turn:
    return Turn(turn_id, [UserMessage(text)], [AssistantMessage(text[::-1])])


def test_a_store_does_what_a_dictionary_would_do(
    factory: Factory, make: Make, tmp_path: Path
) -> None:
    class OfFactory(Machine):
        pass

    OfFactory.lasting = factory.lasting
    OfFactory.place = (make, tmp_path)

    run_state_machine_as_test(
        OfFactory,
        settings=settings(
            max_examples=factory.examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
