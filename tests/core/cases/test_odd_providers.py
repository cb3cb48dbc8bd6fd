"""What no list foresaw, from the provider's side: odd orders, odd amounts, odd ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from junto.core import (
    AssistantMessage,
    ChatRequest,
    ChatResponse,
    CustomEvent,
    Event,
    Finish,
    FinishReason,
    OutcomeKind,
    ReasoningDelta,
    Restart,
    Source,
    TextDelta,
    ToolCallDelta,
    ToolMessage,
    ToolResult,
    Usage,
    UsageUpdate,
    collect,
)

from ..kit import Naive, Noted, Saver, asked, both_ways, client_of, read, scripted, texts
from ..laws.lab import got, script

SPENT = Usage(total_tokens=3)


@both_ways
async def test_usage_that_comes_after_finish_counts_and_finish_stays_last(way: str) -> None:
    steps = script(TextDelta("a"), Finish(), UsageUpdate(SPENT))
    answered = await got(client_of(steps, Noted("a"), Naive()), way)

    assert answered.response.usage == SPENT
    if way == "stream":
        assert answered.events == [TextDelta("a"), UsageUpdate(SPENT), Finish()]


@both_ways
async def test_of_two_finishes_the_last_one_counts_and_one_is_seen(way: str) -> None:
    steps = script(TextDelta("a"), Finish(FinishReason.LENGTH), Finish(FinishReason.STOP))
    answered = await got(client_of(steps, Noted("a"), Naive()), way)

    assert answered.response.finish_reason == "stop"
    assert [type(event) for event in answered.events[-1:]] == [Finish] * (way == "stream")


@both_ways
async def test_text_after_finish_is_part_of_the_answer_and_in_front_of_the_end(way: str) -> None:
    saver = Saver()
    steps = script(TextDelta("a"), Finish(), TextDelta("b"))
    answered = await got(client_of(steps, saver, Naive(), Noted("n")), way)

    assert answered.text == answered.response.text == saver.saved[0].text == "ab"


@both_ways
async def test_an_answer_of_empty_pieces_is_empty_and_has_one_part_at_most(way: str) -> None:
    steps = script(*[TextDelta("")] * 5, ReasoningDelta(""), TextDelta(""), Finish())
    response = (await got(client_of(steps, Noted("n"), Naive()), way)).response

    assert response.text == response.reasoning == ""
    assert len(response.message.parts) <= 1


@both_ways
async def test_empty_pieces_in_the_midst_part_no_message(way: str) -> None:
    steps = script(TextDelta("a"), ReasoningDelta(""), TextDelta("b"), TextDelta(""))
    response = (await got(client_of(steps, Noted("n")), way)).response

    assert response.message == AssistantMessage("ab")


@both_ways
async def test_a_restart_as_the_first_event_is_swallowed(way: str) -> None:
    answered = await got(client_of([Restart("odd"), TextDelta("a")], Noted("n"), Naive()), way)

    assert answered.text == answered.response.text == "a"
    assert not any(isinstance(event, Restart) for event in answered.events)


async def test_a_restart_of_the_provider_voids_what_it_had_said() -> None:
    steps = script(TextDelta("bad"), UsageUpdate(SPENT), Restart("odd"), TextDelta("good"))
    stream = client_of(steps, Noted("n"), Naive()).stream("?")
    events = await read(stream)

    assert [type(event) for event in events[:3]] == [TextDelta, Restart, TextDelta]
    assert collect(events).text == (await stream.response()).text == "good"


async def test_two_restarts_in_a_row_void_once() -> None:
    steps = script(TextDelta("bad"), Restart("1"), Restart("2"), TextDelta("good"))
    events = await read(client_of(steps, Noted("n")).stream("?"))

    assert [event.reason for event in events if isinstance(event, Restart)] == ["1"]


@both_ways
async def test_tool_results_between_calls_part_the_messages(way: str) -> None:
    steps = script(
        ToolCallDelta(0, "1", "f", "{}"),
        ToolResult("1", "f", "one"),
        ToolCallDelta(0, "2", "g", "{}"),
        TextDelta("so"),
        ToolResult("2", "g", "two"),
        TextDelta("it is"),
    )
    response = (await got(client_of(steps, Noted("n"), Naive()), way)).response

    assert [type(message) for message in response.messages] == [
        AssistantMessage,
        ToolMessage,
        AssistantMessage,
        ToolMessage,
        AssistantMessage,
    ]
    assert collect(response.events()).messages == response.messages


@both_ways
async def test_calls_whose_indexes_come_in_any_order_are_joined(way: str) -> None:
    steps = script(
        ToolCallDelta(7, "7", "g", "{"),
        ToolCallDelta(2, "2", "f", "["),
        ToolCallDelta(7, arguments="}"),
        ToolCallDelta(2, arguments="]"),
    )
    response = (await got(client_of(steps, Noted("n")), way)).response

    assert [(c.id, c.arguments) for c in response.tool_calls] == [("7", "{}"), ("2", "[]")]


@pytest.mark.parametrize("batch", [False, True])
async def test_ten_thousand_events_keep_their_order_and_their_text(*, batch: bool) -> None:
    words: list[Event] = [TextDelta(f"{i},") for i in range(10_000)]
    noted = Noted("n")
    stream = client_of([words] if batch else words, Naive(), noted).stream("?")
    events = await read(stream)
    text = "".join(f"{i}," for i in range(10_000))

    assert "".join(texts(events)) == text
    assert (await stream.response()).text == noted.responses[0].text == text


@both_ways
async def test_empty_batches_are_nothing(way: str) -> None:
    class Empty:
        provider = model = "empty"

        async def stream(self, request: ChatRequest) -> AsyncIterator[Any]:
            yield []
            yield ()
            yield [TextDelta("a")]
            yield []

        async def aclose(self) -> None: ...

    answered = await got(client_of(Empty(), Noted("n"), Naive()), way)

    assert answered.text == answered.response.text == "a"


@both_ways
async def test_an_error_between_a_batch_and_its_finish_keeps_the_batch(way: str) -> None:
    noted = Noted("n")
    steps: list[Any] = [[TextDelta("a"), TextDelta("b")], OSError("cut")]
    with pytest.raises(OSError, match="cut"):
        await asked(client_of(steps, noted, Naive()), way)

    assert noted.outcomes[0].response.text == "ab"


class Reused:
    """Gives the very same list, and the very same event, again and again."""

    provider = model = "reused"

    async def stream(self, request: ChatRequest) -> AsyncIterator[Any]:
        batch = [TextDelta("a"), TextDelta("b")]
        for _ in range(3):
            yield batch

    async def aclose(self) -> None: ...


@both_ways
async def test_a_batch_that_is_given_again_is_read_again_and_left_alone(way: str) -> None:
    answered = await got(client_of(Reused(), Noted("n"), Naive()), way)

    assert answered.text == answered.response.text == "ababab"


@both_ways
async def test_odd_text_passes_unchanged(way: str) -> None:
    odd = "\x00\u202e\ud800 é e\u0301 👩‍👩‍👧 \r\n\t" + "x" * 100_000
    steps = script(*map(TextDelta, odd))
    steps[:-1000] = script(TextDelta(odd[:-1000]))
    answered = await got(client_of(steps, Noted("n"), Naive()), way)

    assert answered.text == answered.response.text == odd


@both_ways
async def test_a_provider_that_fails_to_start_fails_the_run_as_itself(way: str) -> None:
    class Refuses:
        provider = model = "refuses"

        def stream(self, request: ChatRequest) -> Any:
            raise LookupError("no key")

        async def aclose(self) -> None: ...

    noted = Noted("n")
    with pytest.raises(LookupError, match="no key"):
        await asked(client_of(Refuses(), noted, Naive()), way)

    assert noted.kinds == [OutcomeKind.FAILED]


@both_ways
async def test_a_provider_that_raises_a_cancellation_of_its_own_leaves_the_reader_its_task(
    way: str,
) -> None:
    noted = Noted("n")
    with pytest.raises(asyncio.CancelledError):
        await asked(client_of(["a", asyncio.CancelledError()], noted, Naive()), way)
    task = asyncio.current_task()

    assert task is not None
    assert task.cancelling() == 0
    assert len(noted.outcomes) == 1


odd_events = st.lists(
    st.one_of(
        st.sampled_from(["", "a", "b"]).map(TextDelta),
        st.sampled_from(["", "r"]).map(ReasoningDelta),
        st.builds(ToolCallDelta, st.integers(0, 1), st.sampled_from(["", "i"])),
        st.builds(ToolResult, st.just("i"), st.just("f"), st.just("4")),
        st.builds(Source, st.sampled_from(["u", "v"])),
        st.builds(UsageUpdate, st.builds(Usage, total_tokens=st.integers(1, 3))),
        st.builds(Finish, st.sampled_from(FinishReason)),
        st.just(Restart("odd")),
        st.just(CustomEvent("x.y")),
    ),
    max_size=10,
)


@settings(max_examples=150)
@given(events=odd_events, naive=st.integers(0, 2), batch=st.booleans())
async def test_whatever_a_provider_gives_reader_response_and_memory_agree(
    events: list[Event], naive: int, *, batch: bool
) -> None:
    saver, noted = Saver(), Noted("n")
    model = scripted([events] if batch and events else events)
    stream = client_of(model, saver, *[Naive()] * naive, noted).stream("?")
    seen = await read(stream)
    response = await stream.response()

    assert [type(event) for event in seen].count(Finish) == 1
    assert isinstance(seen[-1], Finish)
    read_back: ChatResponse = collect(seen)
    assert (read_back.messages, read_back.sources) == (response.messages, response.sources)
    assert (read_back.usage, read_back.finish_reason) == (response.usage, response.finish_reason)
    assert saver.saved == [response]
    assert noted.responses[0].messages == response.messages
    restarts = [i for i, event in enumerate(events) if isinstance(event, Restart)]
    valid = events[restarts[-1] :] if restarts else events
    assert response.text == "".join(texts(valid))
    assert list(response.sources) == [event for event in valid if isinstance(event, Source)]
