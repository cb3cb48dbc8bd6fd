"""The memory advisor over every store: one turn at a time, committed or gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.advisors import InProcessStore, MemoryAdvisor
from junto.core import (
    Advisor,
    AssistantMessage,
    ChatClient,
    ChatRequest,
    ConversationBusyError,
    Event,
    Next,
    PluginError,
    RunContext,
    StaleTurnError,
    StoreUnavailableError,
    TextDelta,
    ToolCallDelta,
    TurnConflictError,
    TurnNotStoredError,
    UserMessage,
)
from junto.core.memory import (
    ALL,
    FIRST,
    ConversationKey,
    KeyLike,
    Lease,
    LeasedStore,
    Turn,
    TurnStatus,
)
from junto.core.testing import Pause, ScriptedModel, hang

CALL: Any = {"conversation_id": "c"}


async def said(store: LeasedStore, key: KeyLike = "c") -> list[str]:
    return [m.text for turn in await store.load(key, ALL) for m in turn.messages]


def client_of(store: Any, *scripts: Any, **how: Any) -> tuple[ChatClient, ScriptedModel]:
    model = ScriptedModel(*scripts)
    return ChatClient(model, advisors=[MemoryAdvisor(store, **how)]), model


async def free(store: LeasedStore) -> None:
    """Claim that nobody holds the conversation."""
    lease = await store.begin("c", "probe", "", seconds=60)
    assert isinstance(lease, Lease)
    await store.abort("c", lease)


def renewals(store: Any, count: int) -> asyncio.Event:
    """Set when a lease has been renewed so often, or in vain."""
    over, renew, left = asyncio.Event(), store.renew, count

    async def watched(*args: Any, **more: Any) -> None:
        nonlocal left
        left -= 1
        try:
            await renew(*args, **more)
        finally:
            if not left:
                asyncio.get_running_loop().call_soon(over.set)

    store.renew = watched
    return over


async def test_nothing_is_stored_while_the_answer_comes(store: LeasedStore) -> None:
    client, _ = client_of(store, "one two")

    async with client.stream("hi", **CALL) as stream:
        seen = [await said(store) async for _ in stream.text()]

    assert seen == [[], []]
    assert await said(store) == ["hi", "one two"]
    await free(store)


async def test_a_second_turn_at_the_same_time_is_refused_before_the_model(
    store: LeasedStore,
) -> None:
    pause = Pause()
    client, model = client_of(store, [pause, TextDelta("slow")])
    first = asyncio.create_task(client.call("one", **CALL))
    await pause.reached()

    with pytest.raises(ConversationBusyError):
        await client.call("two", **CALL)
    pause.release()
    await first

    assert len(model.requests) == 1
    assert await said(store) == ["one", "slow"]


async def test_a_queue_keeps_the_order_of_arrival(store: LeasedStore) -> None:
    pause = Pause()
    client, _ = client_of(store, [pause, TextDelta("0")], "1", "2", "3", concurrency="queue")
    tasks = [asyncio.create_task(client.call("a", **CALL))]
    await pause.reached()
    for question in "bcd":
        tasks.append(asyncio.create_task(client.call(question, **CALL)))
        await asyncio.sleep(0)
    pause.release()
    await asyncio.gather(*tasks)

    assert await said(store) == ["a", "0", "b", "1", "c", "2", "d", "3"]


async def test_waiting_in_the_queue_is_bounded(store: LeasedStore) -> None:
    client, _ = client_of(store, [hang()], concurrency="queue", queue_seconds=0.01)
    async with client.stream("a", **CALL) as stream:
        pull = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        with pytest.raises(ConversationBusyError):
            await client.call("b", **CALL)
        pull.cancel()
        await asyncio.wait({pull})
    await free(store)


async def test_whoever_is_cancelled_in_the_queue_leaves_it(store: LeasedStore) -> None:
    pause = Pause()
    client, _ = client_of(store, [pause, TextDelta("0")], "1", concurrency="queue")
    first = asyncio.create_task(client.call("a", **CALL))
    await pause.reached()
    second, third = (asyncio.create_task(client.call(q, **CALL)) for q in "bc")
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait({second})
    pause.release()
    await asyncio.gather(first, third)

    assert second.cancelled()
    assert await said(store) == ["a", "0", "c", "1"]


async def test_an_interruption_takes_over_and_the_old_turn_stops(store: LeasedStore) -> None:
    pause = Pause()
    script = [TextDelta("half"), pause, TextDelta("more")]
    client, _ = client_of(store, script, "new", concurrency="interrupt")
    first = asyncio.create_task(client.call("one", **CALL))
    await pause.reached()

    await client.call("two", **CALL)
    pause.release()

    with pytest.raises(StaleTurnError, match="interrupted by the next one"):
        await first
    assert await said(store) == ["two", "new"]
    await free(store)


async def test_a_turn_whose_conversation_was_cleared_is_not_stored(store: LeasedStore) -> None:
    pause = Pause()
    client, _ = client_of(store, [pause, TextDelta("the answer")])
    first = asyncio.create_task(client.call("one", **CALL))
    await pause.reached()
    await store.clear("c")
    pause.release()

    with pytest.raises(TurnNotStoredError) as caught:
        await first

    assert isinstance(caught.value.__cause__, StaleTurnError)
    assert await store.conversations() == ()


async def test_a_lease_that_is_lost_stops_the_turn(store: LeasedStore) -> None:
    pauses = [Pause(), Pause()]
    script: Any = [pauses[0], TextDelta("a"), pauses[1], TextDelta("b")]
    renewed = renewals(store, 1)
    advisor = MemoryAdvisor(store, lease_seconds=0.03)
    client = ChatClient(ScriptedModel(script), advisors=[advisor])
    seen: list[Event] = []

    async with client.stream("one", **CALL) as stream:
        pauses[0].release()
        seen.append(await anext(stream))
        await store.clear("c")
        await renewed.wait()
        pauses[1].release()
        with pytest.raises(StaleTurnError):
            await anext(stream)

    assert seen == [TextDelta("a")]
    assert await store.conversations() == ()


async def test_a_long_turn_keeps_its_lease(store: LeasedStore) -> None:
    pause = Pause()
    # A lease of a tenth, renewed four times, would be over without.
    renewed = renewals(store, 4)
    client, _ = client_of(store, [pause, TextDelta("slow")], lease_seconds=0.1)
    first = asyncio.create_task(client.call("one", **CALL))
    await pause.reached()
    await renewed.wait()

    with pytest.raises(ConversationBusyError):
        await store.begin("c", "other", "", seconds=1)
    pause.release()
    await first

    assert await said(store) == ["one", "slow"]


async def test_the_same_turn_id_gives_the_stored_answer(store: LeasedStore) -> None:
    client, model = client_of(store, "first", "second")

    one = await client.call("hi", params={"turn_id": "k"}, **CALL)
    two = await client.call("hi", params={"turn_id": "k"}, **CALL)

    assert (one.text, two.text, len(model.requests)) == ("first", "first", 1)
    assert two.metadata["replayed"] is True
    assert len(await store.load("c", ALL)) == 1
    await free(store)


async def test_the_same_turn_id_with_another_question_is_a_conflict(store: LeasedStore) -> None:
    client, model = client_of(store, "first")
    await client.call("hi", params={"turn_id": "k"}, **CALL)

    with pytest.raises(TurnConflictError):
        await client.call("other", params={"turn_id": "k"}, **CALL)

    assert len(model.requests) == 1


async def test_the_id_of_a_failed_turn_can_be_used_again(store: LeasedStore) -> None:
    client, _ = client_of(store, [TextDelta("x"), OSError("cut")], "whole")
    with pytest.raises(OSError, match="cut"):
        await client.call("hi", params={"turn_id": "k"}, **CALL)

    await client.call("hi", params={"turn_id": "k"}, **CALL)

    assert await said(store) == ["hi", "whole"]


async def test_tenants_of_calls_do_not_meet(store: LeasedStore) -> None:
    client, model = client_of(store, "ok")
    for tenant in ("a", "b"):
        await client.call("hi", params={"tenant": tenant}, **CALL)

    assert len(model.requests[1].messages) == 1
    assert await said(store, ConversationKey("c", "a")) == ["hi", "ok"]


@pytest.mark.parametrize("name", ["turn_id", "tenant", "parent"])
async def test_ids_of_calls_are_checked(store: LeasedStore, name: str) -> None:
    client, model = client_of(store, "ok")

    with pytest.raises(ValueError, match=name):
        await client.call("hi", params={name: "a\nb"}, **CALL)
    assert model.requests == []


async def test_a_cancelled_turn_frees_its_conversation(store: LeasedStore) -> None:
    pause = Pause()
    client, _ = client_of(store, [TextDelta("half"), pause])
    task = asyncio.create_task(client.call("hi", **CALL))
    await pause.reached()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.conversations() == ()
    await free(store)


async def test_a_cancellation_in_any_round_leaves_nothing_held(store: LeasedStore) -> None:
    for rounds in range(60):
        client, _ = client_of(store, "one two")
        name = f"c{rounds}"
        task = asyncio.create_task(client.call("hi", conversation_id=name))
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        found = await said(store, name)
        lease = await store.begin(name, "probe", "", seconds=60)

        assert isinstance(lease, Lease)
        assert found in ([], ["hi", "one two"])
        assert found or task.cancelled()


async def test_a_cancelled_commit_is_finished_first() -> None:
    committing, go_on = asyncio.Event(), asyncio.Event()

    class Slow(InProcessStore):
        async def commit(self, key: KeyLike, lease: Lease, turn: Turn) -> int:
            committing.set()
            await go_on.wait()
            return await super().commit(key, lease, turn)

    store = Slow()
    client, _ = client_of(store, "yes")
    task = asyncio.create_task(client.call("hi", **CALL))
    await committing.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await said(store) == ["hi", "yes"]


async def test_what_was_interrupted_is_kept_where_that_is_wanted(store: LeasedStore) -> None:
    script = [TextDelta("half an"), ToolCallDelta(0, "1", "look", "{}"), OSError("cut")]
    client, model = client_of(store, script, "whole", on_interrupt="keep")
    with pytest.raises(OSError, match="cut"):
        await client.call("a", **CALL)
    (turn,) = await store.load("c", ALL)

    await client.call("b", **CALL)

    assert turn.status is TurnStatus.INCOMPLETE
    assert turn == Turn(
        turn.id, [UserMessage("a")], [AssistantMessage("half an")], status=TurnStatus.INCOMPLETE
    )
    assert [m.text for m in model.requests[1].messages] == ["a", "half an", "b"]


@pytest.mark.parametrize("way", ["break", "cancel"])
async def test_the_part_that_the_reader_got_is_kept(store: LeasedStore, way: str) -> None:
    pause = Pause()
    client, _ = client_of(store, [TextDelta("half"), pause], on_interrupt="keep")

    async def read() -> None:
        async with client.stream("a", **CALL) as stream:
            async for _ in stream:
                if way == "break":
                    break

    task = asyncio.create_task(read())
    if way == "cancel":
        await pause.reached()
        task.cancel()
    await asyncio.wait({task})

    assert await said(store) == ["a", "half"]
    await free(store)


async def test_of_an_answer_that_had_not_begun_nothing_is_kept(store: LeasedStore) -> None:
    client, _ = client_of(store, [OSError("no")], on_interrupt="keep")
    with pytest.raises(OSError, match="no"):
        await client.call("a", **CALL)

    assert await store.conversations() == ()
    await free(store)


async def test_a_store_that_is_down_is_told_before_any_model_is_asked() -> None:
    class Down(InProcessStore):
        async def begin(self, *args: Any, **more: Any) -> Lease | Turn:
            raise StoreUnavailableError("down")

    client, model = client_of(Down(), "never")

    with pytest.raises(StoreUnavailableError, match="down"):
        await client.call("a", **CALL)
    assert model.requests == []


class Flaky(InProcessStore):
    """Cannot be reached for a number of commits; some of those went well nevertheless."""

    def __init__(self, failures: int, *, stores: bool = False) -> None:
        super().__init__()
        self.failures = failures
        self.stores = stores

    async def commit(self, key: KeyLike, lease: Lease, turn: Turn) -> int:
        if self.failures:
            self.failures -= 1
            if self.stores:
                await super().commit(key, lease, turn)
            raise StoreUnavailableError("no reply")
        return await super().commit(key, lease, turn)


@pytest.mark.parametrize("stores", [True, False])
async def test_a_lost_reply_is_asked_for_again(stores: bool) -> None:
    store = Flaky(1, stores=stores)
    client, _ = client_of(store, "yes")

    await client.call("a", **CALL)

    assert await said(store) == ["a", "yes"]


async def test_a_turn_that_was_not_stored_is_completed_by_the_same_id() -> None:
    store = Flaky(2)
    client, _ = client_of(store, "yes", "again")
    with pytest.raises(TurnNotStoredError) as caught:
        await client.call("a", params={"turn_id": "k"}, **CALL)
    error = caught.value

    for _ in range(2):
        await store.append(error.key, error.turn)
    replay = await client.call("a", params={"turn_id": "k"}, **CALL)

    assert error.turn_id == "k"
    assert error.response is not None
    assert error.response.text == replay.text == "yes"
    assert await said(store) == ["a", "yes"]


async def test_a_turn_goes_on_with_the_parent_that_is_named(store: LeasedStore) -> None:
    client, model = client_of(store, "1", "2", "3", "4", "5")

    async def ask(question: str, **params: str) -> list[str]:
        params["turn_id"] = question
        await client.call(question, params=params, **CALL)
        return [m.text for m in model.requests[-1].messages]

    await ask("a")
    await ask("b")

    assert await ask("c", parent="a") == ["a", "1", "c"]
    assert await ask("d") == ["a", "1", "c", "3", "d"]
    assert await ask("e", parent=FIRST) == ["e"]
    assert len(await store.load("c", ALL)) == 5
    with pytest.raises(ValueError, match="parent names a turn"):
        await ask("f", parent="never")
    await free(store)


async def test_activations_at_once_share_one_turn(store: LeasedStore) -> None:
    class Hedge(Advisor):
        order = 0

        async def around(
            self, request: ChatRequest, next: Next, ctx: RunContext
        ) -> AsyncIterator[Event]:
            one, two = next(request), next(request)
            pulls = [asyncio.ensure_future(anext(stream)) for stream in (one, two)]
            await asyncio.wait(pulls)
            await two.aclose()
            yield await pulls[0]
            async for event in one:
                yield event

    model = ScriptedModel("yes", "no")
    client = ChatClient(model, advisors=[Hedge(), MemoryAdvisor(store)])

    await client.call("hi", **CALL)

    assert len(await store.load("c", ALL)) == 1
    await free(store)


async def test_a_store_of_the_simple_form_has_the_same_manners() -> None:
    class Simple:
        def __init__(self) -> None:
            self.turns: list[Turn] = []

        async def load(self, key: KeyLike, limit: int) -> list[Turn]:
            return self.turns[max(0, len(self.turns) - limit) :]

        async def append(self, key: KeyLike, turn: Turn) -> None:
            self.turns.append(turn)

        async def clear(self, key: KeyLike) -> None:
            self.turns.clear()

        async def conversations(self, tenant: str = "") -> list[str]:
            return ["c"]

    store, pause = Simple(), Pause()
    client, model = client_of(store, [pause, TextDelta("1")], "2")
    first = asyncio.create_task(client.call("a", params={"turn_id": "k"}, **CALL))
    await pause.reached()
    with pytest.raises(ConversationBusyError):
        await client.call("b", **CALL)
    pause.release()
    await first

    assert (await client.call("a", params={"turn_id": "k"}, **CALL)).text == "1"
    with pytest.raises(TurnConflictError):
        await client.call("b", params={"turn_id": "k"}, **CALL)
    assert (await client.call("b", **CALL)).text == "2"
    assert len(model.requests) == len(store.turns) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"concurrency": "wait"}, "concurrency is one of 'reject', 'queue', 'interrupt'"),
        ({"on_interrupt": "maybe"}, "on_interrupt is one of 'drop', 'keep'"),
        ({"lease_seconds": 0}, "lease_seconds is above 0"),
        ({"tenant": "a\nb"}, "tenant holds the character"),
    ],
)
def test_what_cannot_be_is_refused_when_the_advisor_is_made(
    arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        MemoryAdvisor(**arguments)


def test_an_address_that_no_plugin_knows_is_refused_when_the_advisor_is_made() -> None:
    with pytest.raises(PluginError, match="no memory store 'ftp'"):
        MemoryAdvisor("ftp://x")
