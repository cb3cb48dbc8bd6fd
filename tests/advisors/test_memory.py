"""Conversation memory: what is stored, when, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from junto.advisors import InProcessStore, MemoryAdvisor, ReasoningAdvisor, Turn
from junto.core import (
    Advisor,
    AssistantMessage,
    ChatClient,
    ChatRequest,
    Event,
    Message,
    Next,
    ReasoningDelta,
    RunContext,
    SaveError,
    SystemMessage,
    TextDelta,
    ToolCallDelta,
    ToolCallPart,
    ToolMessage,
    UserMessage,
)
from junto.core.memory import KeyLike, Lease
from junto.core.testing import ScriptedModel


def texts(request: ChatRequest) -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in request.messages]


async def stored(store: InProcessStore, conversation: str = "c") -> list[Message]:
    return [m for turn in await store.load(conversation, 1000) for m in turn.messages]


async def test_the_second_question_carries_the_first_turn() -> None:
    model = ScriptedModel("Hello Ada", "You are Ada")
    client = ChatClient(model, advisors=[MemoryAdvisor()], system="Be brief.")

    await client.call("I am Ada", conversation_id="c")
    await client.call("Who am I?", conversation_id="c")

    assert texts(model.requests[1]) == [
        ("system", "Be brief."),
        ("user", "I am Ada"),
        ("assistant", "Hello Ada"),
        ("user", "Who am I?"),
    ]


async def test_conversations_do_not_see_each_other() -> None:
    model = ScriptedModel("ok")
    client = ChatClient(model, advisors=[MemoryAdvisor()])

    await client.call("secret", conversation_id="a")
    await client.call("hello", conversation_id="b")

    assert texts(model.requests[1]) == [("user", "hello")]


@pytest.mark.parametrize("bad", ["", "x" * 256, "a\nb", "a\x00b", "a\u202eb", "a\ud800b"])
async def test_an_id_that_cannot_be_is_refused_before_the_model_is_asked(bad: str) -> None:
    model = ScriptedModel("ok")
    client = ChatClient(model, advisors=[MemoryAdvisor()])

    with pytest.raises(ValueError, match="conversation_id"):
        await client.call("hello", conversation_id=bad)

    assert model.requests == []


async def test_a_call_without_an_id_is_told_to_pass_one() -> None:
    client = ChatClient(ScriptedModel("ok"), advisors=[MemoryAdvisor()])

    with pytest.raises(ValueError, match="pass conversation_id="):
        await client.call("hello")


async def test_a_turn_is_stored_before_the_reader_learns_of_the_end() -> None:
    store = InProcessStore()
    client = ChatClient(ScriptedModel("one two"), advisors=[MemoryAdvisor(store)])

    async with client.stream("hi", conversation_id="c") as stream:
        seen = [len(await stored(store)) async for _ in stream.text()]

    assert seen == [0, 0]
    assert await stored(store) == [UserMessage("hi"), AssistantMessage("one two")]


async def test_what_left_the_outermost_advisor_is_what_is_stored() -> None:
    class Shout(Advisor):
        order = 0

        def on_event(self, event: Event, ctx: RunContext) -> Event:
            return TextDelta(event.text.upper()) if isinstance(event, TextDelta) else event

    store = InProcessStore()
    client = ChatClient(ScriptedModel("quiet words"), advisors=[MemoryAdvisor(store), Shout()])

    response = await client.call("hi", conversation_id="c")

    assert response.text == "QUIET WORDS"
    assert (await stored(store))[1].text == "QUIET WORDS"


async def test_a_failed_run_stores_nothing() -> None:
    store = InProcessStore()
    model = ScriptedModel([TextDelta("half"), OSError("cut")])
    client = ChatClient(model, advisors=[MemoryAdvisor(store)])

    with pytest.raises(OSError, match="cut"):
        await client.call("hi", conversation_id="c")

    assert await store.conversations() == ()


async def test_a_run_that_is_left_early_stores_nothing() -> None:
    store = InProcessStore()
    client = ChatClient(ScriptedModel("one two three"), advisors=[MemoryAdvisor(store)])

    async with client.stream("hi", conversation_id="c") as stream:
        async for _ in stream:
            break

    assert await store.conversations() == ()


async def test_a_cancelled_run_stores_nothing() -> None:
    store = InProcessStore()
    waits = asyncio.Event()

    async def wait() -> None:
        waits.set()
        await asyncio.Event().wait()

    model = ScriptedModel([TextDelta("half"), wait])
    client = ChatClient(model, advisors=[MemoryAdvisor(store)])
    task = asyncio.create_task(client.call("hi", conversation_id="c"))
    await waits.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert await store.conversations() == ()
    assert model.open_streams == 0


async def test_a_store_that_fails_fails_the_run_and_the_error_carries_the_answer() -> None:
    class Broken(InProcessStore):
        async def commit(self, key: KeyLike, lease: Lease, turn: Turn) -> int:
            msg = "disk full"
            raise OSError(msg)

    client = ChatClient(ScriptedModel("the answer"), advisors=[MemoryAdvisor(Broken())])

    with pytest.raises(SaveError, match="disk full") as caught:
        await client.call("hi", conversation_id="c")

    assert caught.value.response is not None
    assert caught.value.response.text == "the answer"
    assert isinstance(caught.value.__cause__, OSError)


async def test_reasoning_is_not_stored_and_not_sent_back() -> None:
    store = InProcessStore()
    model = ScriptedModel([ReasoningDelta("hm"), TextDelta("yes")], "again")
    advisors = [MemoryAdvisor(store), ReasoningAdvisor("block")]
    client = ChatClient(model, advisors=advisors)

    await client.call("hi", conversation_id="c")
    await client.call("more", conversation_id="c")

    assert texts(model.requests[1])[1] == ("assistant", "yes")
    assert all("hm" not in repr(m) for m in await stored(store))


async def test_reasoning_is_kept_where_it_is_asked_for() -> None:
    store = InProcessStore()
    model = ScriptedModel([ReasoningDelta("hm"), TextDelta("yes")])
    client = ChatClient(model, advisors=[MemoryAdvisor(store, keep_reasoning=True)])

    await client.call("hi", conversation_id="c")

    answer = (await stored(store))[1]
    assert isinstance(answer, AssistantMessage)
    assert answer.reasoning == "hm"


async def test_the_window_drops_whole_turns_and_the_store_keeps_them() -> None:
    store = InProcessStore()
    model = ScriptedModel("ok")
    client = ChatClient(model, advisors=[MemoryAdvisor(store, max_messages=3)])

    for question in "abc":
        await client.call(question, conversation_id="c")

    assert texts(model.requests[2]) == [("user", "b"), ("assistant", "ok"), ("user", "c")]
    assert len(await stored(store)) == 6


async def test_a_turn_longer_than_the_window_is_kept_whole() -> None:
    store = InProcessStore()
    long: Sequence[Message] = [UserMessage("a"), AssistantMessage("b"), UserMessage("c")]
    await store.append("c", Turn("1", [*long, AssistantMessage("d")]))
    model = ScriptedModel("ok")
    client = ChatClient(model, advisors=[MemoryAdvisor(store, max_messages=2)])

    await client.call("e", conversation_id="c")

    assert [text for _, text in texts(model.requests[0])] == ["a", "b", "c", "d", "e"]


async def test_a_window_of_none_only_stores() -> None:
    store = InProcessStore()
    model = ScriptedModel("ok")
    client = ChatClient(model, advisors=[MemoryAdvisor(store, max_messages=0)])

    await client.call("a", conversation_id="c")
    await client.call("b", conversation_id="c")

    assert texts(model.requests[1]) == [("user", "b")]
    assert len(await stored(store)) == 4


async def test_a_tool_call_that_was_never_answered_is_left_out_of_the_history() -> None:
    store = InProcessStore()
    model = ScriptedModel([TextDelta("let me see"), ToolCallDelta(0, "1", "look", "{}")], "ok")
    client = ChatClient(model, advisors=[MemoryAdvisor(store)])

    await client.call("a", conversation_id="c")
    await client.call("b", conversation_id="c")

    history = model.requests[1].messages
    assert [m.role for m in history] == ["user", "assistant", "user"]
    assert history[1] == AssistantMessage("let me see")


async def test_a_tool_call_that_is_answered_stays_with_its_answer() -> None:
    store = InProcessStore()
    model = ScriptedModel([ToolCallDelta(0, "1", "look", "{}")], "found", "bye")
    client = ChatClient(model, advisors=[MemoryAdvisor(store, max_messages=2)])

    await client.call("a", conversation_id="c")
    await client.call(ToolMessage("42", call_id="1"), conversation_id="c")
    await client.call("b", conversation_id="c")

    call = AssistantMessage(ToolCallPart("1", "look", "{}"))
    assert model.requests[1].messages == (UserMessage("a"), call, ToolMessage("42", call_id="1"))
    # The window would hold the second turn alone, whose first message answers the first.
    assert model.requests[2].messages[:4] == (
        UserMessage("a"),
        call,
        ToolMessage("42", call_id="1"),
        AssistantMessage("found"),
    )


async def test_an_advisor_inside_a_retry_stores_the_turn_once() -> None:
    class Retry(Advisor):
        order = 0

        async def around(
            self, request: ChatRequest, next: Next, ctx: RunContext
        ) -> AsyncIterator[Event]:
            try:
                async for event in next(request):
                    yield event
            except ConnectionError:
                async for event in next(request):
                    yield event

    store = InProcessStore()
    model = ScriptedModel([ConnectionError("once")], "second")
    client = ChatClient(model, advisors=[Retry(), MemoryAdvisor(store)])

    await client.call("hi", conversation_id="c")

    assert await stored(store) == [UserMessage("hi"), AssistantMessage("second")]


async def test_storing_a_turn_again_changes_nothing() -> None:
    store = InProcessStore()
    turn = Turn("1", [UserMessage("a"), AssistantMessage("b")])

    await store.append("c", turn)
    await store.append("c", Turn("1", [UserMessage("other")]))

    assert await store.load("c", 10) == (turn,)


async def test_the_oldest_turns_go_when_a_conversation_is_full() -> None:
    store = InProcessStore(max_turns=2)

    for name in "abc":
        await store.append("c", Turn(name, [UserMessage(name)]))

    assert [turn.id for turn in await store.load("c", 10)] == ["b", "c"]


async def test_the_conversation_that_was_silent_the_longest_goes_first() -> None:
    store = InProcessStore(max_conversations=2)

    for i, conversation in enumerate("abac"):
        await store.append(conversation, Turn(str(i), [UserMessage("x")]))

    assert sorted(await store.conversations()) == ["a", "c"]
    assert len(await store.load("a", 10)) == 2


@pytest.mark.parametrize("limit", ["max_turns", "max_conversations"])
def test_a_store_that_keeps_nothing_is_refused(limit: str) -> None:
    arguments: dict[str, Any] = {limit: 0}
    with pytest.raises(ValueError, match=f"{limit} is at least 1"):
        InProcessStore(**arguments)


async def test_a_cleared_conversation_is_forgotten() -> None:
    store = InProcessStore()
    await store.append("c", Turn("1", [UserMessage("a")]))

    await store.clear("c")
    await store.clear("never")

    assert await store.conversations() == ()


async def test_system_messages_are_not_stored() -> None:
    store = InProcessStore()
    client = ChatClient(ScriptedModel("ok"), advisors=[MemoryAdvisor(store)])

    await client.call("hi", messages=[SystemMessage("rules")], conversation_id="c")

    assert [m.role for m in await stored(store)] == ["user", "assistant"]


async def test_a_hundred_conversations_at_once_never_mix() -> None:
    store = InProcessStore()
    client = ChatClient(ScriptedModel("ok then"), advisors=[MemoryAdvisor(store)])

    async def talk(name: str) -> None:
        for i in range(3):
            await client.call(f"{name} {i}", conversation_id=name)

    await asyncio.gather(*(talk(f"c{i}") for i in range(100)))

    for i in range(100):
        questions = [m.text for m in await stored(store, f"c{i}") if isinstance(m, UserMessage)]
        assert questions == [f"c{i} 0", f"c{i} 1", f"c{i} 2"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"store": InProcessStore}, "the class InProcessStore: make an instance"),
        ({"store": 20}, "20 lacks load, append, clear, conversations"),
        ({"max_messages": "20"}, "max_messages is a whole number, not '20'"),
    ],
)
def test_what_cannot_be_a_store_or_a_window_is_refused_at_once(
    arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(TypeError, match=told):
        MemoryAdvisor(**arguments)
