"""Law 19: usage is exact over retries, tool rounds and attempts that were given up."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from junto.core import (
    ChatRequest,
    ChatResponse,
    Event,
    Finish,
    FinishReason,
    Next,
    OutcomeKind,
    Restart,
    RunContext,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageUpdate,
)

from ..cases.plugins import Hedge, Retry, Tools
from ..kit import Noted, Steer, client_of
from .lab import Provider, Stack, answer, got, noted, script


def usage(input_tokens: int, output_tokens: int) -> Usage:
    return Usage(input_tokens=input_tokens, output_tokens=output_tokens)


def spends(input_tokens: int, output_tokens: int) -> UsageUpdate:
    return UsageUpdate(usage(input_tokens, output_tokens))


WANTS = script(
    ToolCallDelta(0, "c-1", "double", '{"n": 4}'),
    spends(10, 2),
    Finish(FinishReason.TOOL_CALLS, {"request_id": "r-tool"}),
)


async def test_law_19_usage_is_what_the_provider_said_last_and_is_never_summed(
    way: str, stack: Stack, cut: str
) -> None:
    told = script(TextDelta("a"), spends(5, 1), TextDelta("b"), spends(5, 2), Finish())
    advisors = stack.made()
    answered = await got(client_of(Provider(cut, told), *advisors), way)

    (attempt,) = answered.response.attempts
    assert answered.response.usage == attempt.usage == usage(5, 2)
    assert {r.usage for a in noted(advisors) for r in a.responses} <= {usage(5, 2)}
    assert {o.usage for a in noted(advisors) for o in a.outcomes} <= {usage(5, 2)}


async def test_law_19_a_failed_attempt_and_two_tool_rounds_are_summed_and_attributed(
    way: str, stack: Stack
) -> None:
    broken = script(spends(7, 1), TextDelta("It"), OSError("cut"))
    model = Provider("only streams", broken, WANTS, answer("It is 8.", usage(20, 5)))
    outer, inner = Noted("outer"), stack.made()
    advisors = [outer, Tools({"double": lambda n: 2 * n}), *stack.made(), Retry(), *inner]
    answered = await got(client_of(model, *advisors), way)

    assert answered.response.usage == usage(37, 8)
    assert outer.responses[0].usage == outer.outcomes[0].usage == usage(37, 8)
    attempts = answered.response.attempts
    assert [a.number for a in attempts] == [1, 2, 3]
    assert [a.usage for a in attempts] == [usage(7, 1), usage(10, 2), usage(20, 5)]
    assert [a.kind for a in attempts] == [
        OutcomeKind.FAILED,
        OutcomeKind.FINISHED,
        OutcomeKind.FINISHED,
    ]
    assert attempts[1].request_id == "r-tool"
    for attempt in attempts:
        shipped = [name for name in attempt.asked_by if not name[0].isdigit()]
        assert [name for name in shipped if name in {"tools", "retry"}] == ["tools", "retry"]


async def test_law_19_an_attempt_that_was_given_up_counts_as_far_as_it_is_known(
    way: str, stack: Stack
) -> None:
    """The first answer is dropped after a word; its usage had been told by then."""

    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for _ in next(request):
            break
        async for event in next(request):
            yield event

    dropped = script(spends(3, 1), *answer("never mind", usage(3, 9)))
    model = Provider("only streams", dropped, answer("Yes.", usage(4, 2)))
    answered = await got(client_of(model, *stack.half(), Steer(around), *stack.half()), way)

    assert answered.response.usage == usage(7, 3)
    assert [a.kind for a in answered.response.attempts] == [
        OutcomeKind.ABANDONED,
        OutcomeKind.FINISHED,
    ]


async def test_law_19_both_of_a_race_count(way: str) -> None:
    model = Provider("only streams", script(spends(3, 1), TextDelta("a"), Finish()))
    answered = await got(client_of(model, Hedge(3)), way)

    assert answered.text == "a"
    assert answered.response.usage == usage(9, 3)
    assert sorted(a.kind for a in answered.response.attempts) == [
        OutcomeKind.ABANDONED,
        OutcomeKind.ABANDONED,
        OutcomeKind.FINISHED,
    ]


@pytest.mark.parametrize("told", [True, False])
async def test_law_19_what_is_unknown_is_none_or_marked_and_never_zero(
    way: str, stack: Stack, told: bool
) -> None:
    broken = script(TextDelta("It"), OSError("cut"))
    model = Provider("only streams", broken, answer("Yes.", usage(4, 2) if told else None))
    answered = await got(client_of(model, *stack.half(), Retry(), *stack.half()), way)

    found = answered.response.usage
    if told:
        assert (found.input_tokens, found.output_tokens) == (4, 2)
        assert found.estimated
    else:
        assert found == Usage()
    assert found.total_tokens is None
    assert answered.response.attempts[0].usage == Usage()


async def test_law_19_a_request_that_was_refused_leaves_the_sum_exact(
    way: str, stack: Stack, cut: str
) -> None:
    model = Provider(cut, script(OSError("refused")), answer("Yes.", usage(4, 2)))
    answered = await got(client_of(model, *stack.half(), Retry(), *stack.half()), way)

    assert answered.response.usage == usage(4, 2)
    assert [a.kind for a in answered.response.attempts] == ["failed", "finished"]


async def test_law_19_a_run_that_is_left_tells_what_it_has_spent_so_far(stack: Stack) -> None:
    first = Noted("first")
    broken = script(spends(7, 1), OSError("cut"))
    model = Provider("events", broken, script(spends(3, 1), TextDelta("a"), TextDelta("b")))
    advisors = [first, *stack.half(), Retry(), *stack.half()]
    async with client_of(model, *advisors).stream("Why?") as stream:
        await anext(stream)

    assert first.outcomes[0].usage == usage(10, 2)
    assert stream.outcome is not None
    assert stream.outcome.usage == stream.outcome.response.usage == usage(10, 2)
    assert [a.kind for a in stream.outcome.response.attempts] == ["failed", "abandoned"]


async def test_law_19_a_run_that_fails_tells_what_it_has_spent(way: str, stack: Stack) -> None:
    first = Noted("first")
    broken = script(spends(7, 1), OSError("cut"))
    advisors = [first, *stack.half(), Retry(attempts=2), *stack.half()]
    with pytest.raises(OSError, match="cut"):
        await got(client_of(Provider("only streams", broken), *advisors), way)

    assert first.outcomes[0].usage == usage(14, 2)
    assert [a.kind for a in first.outcomes[0].response.attempts] == ["failed", "failed"]


async def test_law_19_a_restart_voids_the_text_and_not_what_it_cost(stack: Stack) -> None:
    broken = script(spends(7, 1), TextDelta("bad"), OSError("cut"))
    model = Provider("events", broken, answer("good", usage(4, 2)))
    answered = await got(client_of(model, *stack.made(), Retry()), "stream")

    assert any(isinstance(event, Restart) for event in answered.events)
    assert answered.response.text == "good"
    assert answered.response.usage == usage(11, 3)


async def test_law_19_an_advisor_may_count_for_itself(way: str, stack: Stack, cut: str) -> None:
    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event
        yield spends(100, 1)

    model = Provider(cut, answer("Yes.", usage(4, 2)))
    answered = await got(client_of(model, *stack.half(), Steer(around), *stack.half()), way)

    assert answered.response.usage == usage(100, 1)
    assert [a.usage for a in answered.response.attempts] == [usage(4, 2)]


async def test_law_19_what_after_corrects_is_what_further_out_is_summed(
    way: str, stack: Stack
) -> None:
    def after(response: ChatResponse, ctx: RunContext) -> ChatResponse:
        return ChatResponse(
            messages=response.messages,
            finish_reason=response.finish_reason,
            usage=response.usage + usage(0, 1),
        )

    wants = script(ToolCallDelta(0, "1", "double", '{"n": 1}'), spends(1, 1), Finish())
    model = Provider("only streams", wants, answer("Two.", usage(1, 1)))
    tools = Tools({"double": lambda n: 2 * n})
    advisors = [*stack.made(), tools, Noted("corrects", after=after)]
    answered = await got(client_of(model, *advisors), way)

    assert answered.response.usage == usage(2, 4)


async def test_law_19_an_answer_of_an_advisor_is_no_attempt(way: str, stack: Stack) -> None:
    def before(request: ChatRequest, ctx: RunContext) -> ChatResponse:
        return ChatResponse.of("cached")

    answered = await got(client_of("x", *stack.made(), Noted("cache", before=before)), way)

    assert answered.response.attempts == ()
    assert answered.response.usage == Usage()
