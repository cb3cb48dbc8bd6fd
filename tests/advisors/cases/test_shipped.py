"""The numbered cases that need the advisors which come with junto."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from junto.advisors import InProcessStore, LoggingAdvisor, MemoryAdvisor, ReasoningAdvisor
from junto.core import (
    Advisor,
    AssistantMessage,
    ChatClient,
    ChatRequest,
    ChatResponse,
    ConversationBusyError,
    Event,
    Finish,
    OutcomeKind,
    ReasoningDelta,
    RunContext,
    TextDelta,
    ToolCallDelta,
    UserMessage,
)
from junto.core.testing import ScriptedModel

SHIPPED: dict[str, Callable[[], Advisor]] = {
    "logging": LoggingAdvisor,
    "memory": MemoryAdvisor,
    "block": lambda: ReasoningAdvisor("block", separator="\n"),
    "pieces": lambda: ReasoningAdvisor("pieces"),
    "drop": lambda: ReasoningAdvisor("drop"),
    "apart": lambda: ReasoningAdvisor("apart"),
}


def cut(text: str, places: set[int]) -> list[Event]:
    ends = sorted({0, len(text), *(place for place in places if place < len(text))})
    return [TextDelta(text[a:b]) for a, b in pairwise(ends)]


async def streamed(events: list[Event], *advisors: Advisor) -> tuple[str, str, ChatResponse]:
    """The text that was read, what was printed, and the response."""
    read, printed = "", ""
    client = ChatClient(ScriptedModel([*events, Finish()]), advisors=advisors)
    async with client.stream("?", conversation_id="c") as stream:
        async for event in stream:
            if isinstance(event, TextDelta):
                read += event.text
                printed += event.text
            elif isinstance(event, ReasoningDelta):
                printed += event.shown or ""
        return read, printed, await stream.response()


texts = st.one_of(
    st.text("<think>/ ab\n", max_size=30),
    st.builds("<think>{}</think>{}".format, st.text("ab<", max_size=6), st.text("ab<", max_size=6)),
)


@settings(max_examples=60)
@given(
    text=texts, places=st.sets(st.integers(1, 29), max_size=10), name=st.sampled_from([*SHIPPED])
)
async def test_t01_how_a_text_is_cut_changes_nothing_of_what_is_said(
    text: str, places: set[int], name: str
) -> None:
    advisors = [SHIPPED[name]() for _ in range(2)]
    one = await streamed([TextDelta(text)], advisors[0])
    many = await streamed(cut(text, places), advisors[1])

    # Each piece of reasoning is printed in tags of its own: that view follows the cut.
    if name != "pieces":
        assert many[1] == one[1]
    assert many[0] == one[0]
    assert (many[2].text, many[2].reasoning) == (one[2].text, one[2].reasoning)
    assert many[0] == many[2].text


async def test_t02_no_piece_of_a_tag_is_ever_text() -> None:
    pieces: list[Event] = [TextDelta(p) for p in ("<th", "ink>a", "bc</th", "ink>hi")]
    seen: list[Event] = []

    class Seen(Advisor):
        order = 0

        def on_event(self, event: Event, ctx: RunContext) -> Event:
            seen.append(event)
            return event

    read, _, response = await streamed(pieces, Seen(), ReasoningAdvisor("apart"))

    assert (response.reasoning, response.text, read) == ("abc", "hi", "hi")
    assert not any("<" in event.text for event in seen if isinstance(event, TextDelta))


async def test_t03_a_tag_that_is_never_closed_is_the_same_in_stream_and_call_and_is_ended() -> None:
    pieces: list[Event] = [TextDelta("<think>a"), TextDelta("bc")]
    read, printed, response = await streamed(pieces, ReasoningAdvisor("block"))
    called = await ChatClient(
        ScriptedModel([*pieces, Finish()]), advisors=[ReasoningAdvisor("block")]
    ).call("?")

    assert (read, response.text, response.reasoning) == ("", "", "abc")
    assert called == response
    assert printed == called.display_text == "<think>abc</think>"


@pytest.mark.parametrize("tail", ["<th", "<think", "<"])
async def test_t04_a_partial_tag_at_the_end_is_let_go(tail: str) -> None:
    read, printed, response = await streamed([TextDelta(tail)], ReasoningAdvisor("block"))

    assert read == printed == response.text == tail


async def test_t61_a_turn_that_was_left_is_not_remembered_and_the_next_request_is_sound() -> None:
    model = ScriptedModel("a b c d", "Yes.")
    client = ChatClient(model, advisors=[MemoryAdvisor()])
    async with client.stream("one", conversation_id="c") as stream:
        for _ in range(3):
            await anext(stream)
    await client.call("two", conversation_id="c")

    assert [m.text for m in model.requests[1].messages] == ["two"]


async def test_t62_a_turn_left_in_a_tool_call_leaves_no_dangling_call_behind() -> None:
    model = ScriptedModel([ToolCallDelta(0, "1", "f", '{"n'), "never"], "a", "b")
    client = ChatClient(model, advisors=[MemoryAdvisor()])
    async with client.stream("one", conversation_id="c") as stream:
        await anext(stream)
    await client.call("two", conversation_id="c")
    await client.call("three", conversation_id="c")

    assert [m.text for m in model.requests[2].messages] == ["two", "a", "three"]
    assert not any(
        message.tool_calls
        for message in model.requests[2].messages
        if isinstance(message, AssistantMessage)
    )


async def test_t62_a_finished_turn_with_an_unanswered_call_is_sent_back_without_it() -> None:
    model = ScriptedModel([TextDelta("Let me"), ToolCallDelta(0, "1", "f", "{}")], "b")
    client = ChatClient(model, advisors=[MemoryAdvisor()])
    for question in ("one", "two"):
        await client.call(question, conversation_id="c")

    assert model.requests[1].messages[0] == UserMessage("one")
    assert not any(
        message.tool_calls
        for message in model.requests[1].messages
        if isinstance(message, AssistantMessage)
    )


async def test_t63_of_two_turns_at_once_in_one_conversation_none_is_lost() -> None:
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        waiting.set()
        await go_on.wait()

    store = InProcessStore()
    model = ScriptedModel([waits, TextDelta("slow")], "fast", "third")
    client = ChatClient(model, advisors=[MemoryAdvisor(store)])
    patient = MemoryAdvisor(store, concurrency="queue")
    first = asyncio.create_task(client.call("one", conversation_id="c"))
    await waiting.wait()
    with pytest.raises(ConversationBusyError):
        await client.call("two", conversation_id="c")
    second = asyncio.create_task(client.call("two", conversation_id="c", advisors=[patient]))
    go_on.set()
    await first
    await second
    await client.call("three", conversation_id="c")

    # Each turn is one thing: question and answer stay together.
    assert [m.text for m in model.requests[2].messages] == ["one", "slow", "two", "fast", "three"]


class Breaks:
    """A model that fails after some text."""

    provider = model = "breaks"

    async def stream(self, request: ChatRequest) -> object:
        yield TextDelta("the-answer")
        raise OSError("cut")

    async def aclose(self) -> None: ...


async def test_t70_no_text_of_question_or_answer_is_in_logs_errors_or_representations(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    kinds: list[OutcomeKind] = []
    shown: list[str] = []

    class Shows(Advisor):
        async def on_close(self, outcome: object, ctx: RunContext) -> None:
            shown.extend([repr(ctx), repr(self)])

    client = ChatClient(Breaks(), advisors=[LoggingAdvisor(), Shows()])  # type: ignore[arg-type]  # an iterator, untyped
    stream = client.stream("the-question")
    with pytest.raises(OSError, match="cut") as caught:
        async for _ in stream:
            pass
    shown += [repr(stream), repr(client), str(caught.value), repr(caught.value)]
    assert stream.outcome is not None
    kinds.append(stream.outcome.kind)

    assert kinds == [OutcomeKind.FAILED]
    assert caplog.records
    told = "\n".join([caplog.text, *(repr(r.__dict__) for r in caplog.records), *shown])
    assert "the-" not in told
