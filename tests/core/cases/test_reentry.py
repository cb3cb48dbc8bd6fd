"""Cases T39 to T47: asking again, asking at once, and not asking at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from junto.core import (
    Advisor,
    AssistantMessage,
    ChatRequest,
    ChatResponse,
    Event,
    EventHook,
    Finish,
    Next,
    OutcomeKind,
    ReasoningDelta,
    Restart,
    RunContext,
    TextDelta,
    Usage,
    UsageUpdate,
    advisor,
    collect,
)

from ..kit import Noted, Saver, asked, both_ways, client_of, keep, read, scripted, texts
from ..laws.lab import script
from .plugins import Hedge, Policy, Retry, SingleFlight


@both_ways
@pytest.mark.parametrize("policy", ["fail", "restart", "continue"])
async def test_t39_a_failure_before_anything_is_shown_gives_one_clean_answer(
    way: str, policy: Policy
) -> None:
    outer, inner = Noted("outer"), Noted("inner")
    model = scripted([OSError("cut")], "a b")
    response = await asked(client_of(model, outer, Retry(policy), inner), way)

    assert response.text == "a b"
    assert len(response.attempts) == 2
    assert outer.log.count("outer.before") == 1
    assert inner.log.count("inner.before") == 2
    assert inner.kinds == [OutcomeKind.FAILED, OutcomeKind.FINISHED]
    assert not any("Restart" in entry for entry in outer.log)


async def test_t40_the_policy_to_fail_gives_the_original_error_and_repeats_nothing() -> None:
    trouble = OSError("cut")
    model = scripted(["a", "b", trouble], "never")
    got: list[Event] = []
    with pytest.raises(OSError, match="cut") as caught:
        await keep(client_of(model, Retry("fail")).stream("?"), got)

    assert caught.value is trouble
    assert texts(got) == ["a", "b"]
    assert len(model.requests) == 1


async def test_t41_the_policy_to_restart_voids_once_and_keeps_only_the_new_answer() -> None:
    saver, outer = Saver(), Noted("outer")
    model = scripted(["a", "b", OSError("cut")], "new")
    stream = client_of(model, saver, outer, Retry("restart")).stream("?")
    got = await read(stream)

    assert got[:3] == [TextDelta("a"), TextDelta("b"), Restart("OSError")]
    assert [type(event) for event in got[3:]] == [TextDelta, Finish]
    assert collect(got).text == (await stream.response()).text == "new"
    assert saver.saved[0].text == outer.responses[0].text == "new"


async def test_t42_the_policy_to_continue_asks_with_what_was_said_and_repeats_nothing() -> None:
    model = scripted(["Once ", "upon ", OSError("cut")], "a time")
    stream = client_of(model, Noted("outer"), Retry("continue")).stream("?")
    got = await read(stream)

    assert "".join(texts(got)) == "Once upon a time"
    assert (await stream.response()).text == "Once upon a time"
    assert model.requests[1].messages[-1] == AssistantMessage("Once upon ")


@pytest.mark.parametrize("counts", [False, True])
async def test_t43_reasoning_alone_commits_only_where_that_is_declared(*, counts: bool) -> None:
    model = scripted([ReasoningDelta("hm"), OSError("cut")], "Yes.")
    stream = client_of(model, Retry("fail", reasoning_counts=counts)).stream("?")
    if counts:
        with pytest.raises(OSError, match="cut"):
            await read(stream)
        return
    response = collect(await read(stream))

    assert (response.text, response.reasoning) == ("Yes.", "")


class Counts(Advisor):
    """Numbers the pieces of its activation."""

    def open(self, ctx: RunContext) -> EventHook:
        count = 0

        def on_event(event: Event, ctx: RunContext) -> Event:
            nonlocal count
            if isinstance(event, TextDelta):
                count += 1
                return TextDelta(f"{count}{event.text}")
            return event

        return on_event


async def in_turn_then_at_once(
    request: ChatRequest, next: Next, ctx: RunContext
) -> AsyncIterator[Event]:
    """Asks once and forgets the answer; then has two race for it."""
    async for _ in next(request):
        pass
    async for event in Hedge(2).around(request, next, ctx):
        yield event


@both_ways
async def test_t44_activations_in_turn_and_at_once_keep_their_state_and_count_their_cost(
    way: str,
) -> None:
    spent = UsageUpdate(Usage(input_tokens=5, output_tokens=1))
    forever = asyncio.Event()
    first = script(TextDelta("x"), spent, Finish())
    loser = script(spent, forever.wait)
    winner = script(TextDelta("a"), TextDelta("b"), spent, Finish())
    inner = Noted("inner")
    model = scripted(first, loser, winner)
    client = client_of(model, advisor(in_turn_then_at_once), Counts(), inner)
    response = await asked(client, way)

    assert response.text == "1a2b"
    assert response.usage == Usage(input_tokens=15, output_tokens=3)
    assert sorted(attempt.kind for attempt in response.attempts) == [
        "abandoned",
        "finished",
        "finished",
    ]
    assert sorted(inner.kinds) == ["abandoned", "finished", "finished"]
    assert model.open_streams == 0


@both_ways
async def test_t45_a_short_circuit_gives_events_like_any_answer(way: str) -> None:
    def before(request: ChatRequest, ctx: RunContext) -> ChatResponse:
        return ChatResponse.of("from the cache")

    outer, inner = Noted("outer"), Noted("inner")
    model = scripted("never")
    response = await asked(client_of(model, outer, Noted("cache", before=before), inner), way)

    assert response.text == "from the cache"
    assert "outer.event from the cache" in outer.log
    assert outer.responses[0].metadata["short_circuited_by"] == "cache"
    assert outer.kinds == [OutcomeKind.SHORT_CIRCUITED]
    assert (inner.log, model.requests) == ([], [])


@both_ways
async def test_t47_equal_questions_at_once_share_one_request(way: str) -> None:
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        waiting.set()
        await go_on.wait()

    model = scripted(["a", waits, "b"])
    client = client_of(model, SingleFlight())
    tasks = [asyncio.create_task(asked(client, way, "same")) for _ in range(3)]
    await waiting.wait()
    go_on.set()
    answers = await asyncio.gather(*tasks)

    assert [answer.text for answer in answers] == ["ab"] * 3
    assert len(model.requests) == 1


@both_ways
async def test_t47_cancelling_the_first_who_asked_does_not_fail_the_second(way: str) -> None:
    waiting = asyncio.Event()

    async def hangs() -> None:
        waiting.set()
        await asyncio.get_running_loop().create_future()

    model = scripted(["a", hangs], "a b")
    client = client_of(model, SingleFlight())
    first = asyncio.create_task(asked(client, way, "same"))
    await waiting.wait()
    second = asyncio.create_task(asked(client, way, "same"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    assert (await second).text == "a b"
    assert model.open_streams == 0


async def test_t47_different_questions_do_not_share() -> None:
    model = scripted("a", "b")
    client = client_of(model, SingleFlight())
    answers = [await client.call("one"), await client.call("two")]

    assert [answer.text for answer in answers] == ["a", "b"]
