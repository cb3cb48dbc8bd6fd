"""Ends that authors bring about by doing what they should not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import pytest

from junto.core import (
    Advisor,
    ChatRequest,
    ChatResponse,
    Event,
    Next,
    OutcomeKind,
    RunContext,
    StreamClosedError,
    TextDelta,
)

from ..kit import Hanging, Naive, Noted, Steer, client_of, read, scripted
from .bench import MIXED, Bench, closing_places, hook_of, places
from .checks import check_closed, check_order
from .ways import Fault, over


def swallowing(kind: type[BaseException], *, goes_on: bool) -> Steer:
    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except kind:
            if goes_on:
                yield TextDelta("never mind")

    return Steer(around, "swallows")


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize("depth", [0, 1, 48])
async def test_an_around_that_ignores_that_the_reader_left_is_closed_all_the_same(
    goes_on: bool, depth: int, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[str] = []
    outer, inner = Noted("a", log), Noted("b", log)
    fill = [Naive(str(i)) for i in range(depth)]
    steer = swallowing(GeneratorExit, goes_on=goes_on)
    model = scripted("x y")
    async with client_of(model, outer, *fill, steer, *fill, inner).stream("?") as stream:
        await anext(stream)

    assert outer.kinds == inner.kinds == [OutcomeKind.ABANDONED]
    assert [entry for entry in log if "close" in entry] == [
        "b.close abandoned",
        "a.close abandoned",
    ]
    # What it gives after that is nobody's, and said to be a mistake.
    errors = [str(error) for error in outer.outcomes[0].cleanup_errors]
    assert errors == ["async generator ignored GeneratorExit"] * goes_on
    assert model.open_streams == 0
    # What was logged holds the error, whose traceback holds the generator.
    caplog.clear()


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize("how", ["cancel", "timeout", "aclose"])
async def test_an_around_that_swallows_the_cancellation_does_not_keep_it_from_the_caller(
    how: str, goes_on: bool
) -> None:
    outer, inner, model = Noted("a"), Noted("b"), Hanging("x")
    steer = swallowing(asyncio.CancelledError, goes_on=goes_on)
    stream = client_of(model, outer, Naive(), steer, inner).stream("?")
    limit = asyncio.timeout(None)

    async def reads() -> None:
        async with limit, stream:
            await read(stream)

    task = asyncio.create_task(reads())
    await model.waiting.wait()
    match how:
        case "cancel":
            task.cancel()
        case "timeout":
            limit.reschedule(0)
        case _:
            await stream.aclose()
    with pytest.raises(
        {"cancel": asyncio.CancelledError, "timeout": TimeoutError}.get(how, StreamClosedError)
    ):
        await task

    kind = OutcomeKind.ABANDONED if how == "aclose" else OutcomeKind.CANCELLED
    assert outer.kinds == inner.kinds == [kind]
    assert model.log[-1] == "closed"


async def test_an_around_that_makes_up_for_an_error_finishes_the_run_further_out() -> None:
    problem = Fault()
    outer, inner = Noted("a"), Noted("b")
    model = scripted(["x", problem])
    steer = swallowing(Fault, goes_on=True)

    assert (await client_of(model, outer, steer, inner).call("?")).text == "xnever mind"
    assert outer.kinds == [OutcomeKind.FINISHED]
    assert inner.kinds == [OutcomeKind.FAILED]
    assert inner.outcomes[0].error is problem


FIRST = ["model_mid", "on_event b", "after c", "save b"]
# What a run has passed by then of what closing would pass.
PASSED = {
    "after c": {"model_close", "around_finally c"},
    "save b": {"model_close", *(f"around_finally {name}" for name in "abc")},
}
TWICE = [
    (first, stack, place)
    for first, stack in product(FIRST, MIXED)
    for place in closing_places(stack)
    if place not in PASSED.get(first, set())
]


@pytest.mark.parametrize(("first", "stack", "place"), TWICE)
async def test_an_error_while_an_error_is_closed_replaces_nothing(
    first: str, stack: str, place: str
) -> None:
    problem, second = Fault("first"), Fault("second")

    def fails_again(_: Bench) -> None:
        raise second

    def fails(bench: Bench) -> None:
        bench.place, bench.fired, bench.happens = place, False, fails_again
        raise problem

    bench = Bench(stack, first, fails)
    # In the model or in an around that the first error passes, the second takes its place.
    passes = place == "model_close" if first == "model_mid" else False
    passes |= hook_of(place) == "around_finally" and first not in {"on_event b", "save b"}
    passes |= (first, place) == ("on_event b", "around_finally a")
    with pytest.raises(Exception, match=r"first|second") as raised:
        await read(bench.ask())

    assert bench.fired
    if passes:
        assert raised.value is second
        assert raised.value.__context__ is problem
        check_order(bench)
        return
    assert problem in (raised.value, raised.value.__cause__)
    check_closed(bench, OutcomeKind.FAILED, raised.value, [second])


class Answers(Noted):
    async def before(self, request: ChatRequest, ctx: RunContext) -> Any:
        self.note("before")
        return ChatResponse.of("short cut")


@pytest.mark.parametrize("end", ["finish", "break", "call"])
@pytest.mark.parametrize("naive", ["", "outside", "between"])
async def test_who_stands_outside_a_short_cut_is_told_of_it_once(naive: str, end: str) -> None:
    log: list[str] = []
    outer, answers, never = Noted("a", log), Answers("b", log), Noted("c", log)
    around = [Naive()]
    stack: list[Advisor] = [
        *(around if naive == "outside" else []),
        outer,
        *(around if naive == "between" else []),
        answers,
        never,
    ]
    model = scripted("never")
    client = client_of(model, *stack)
    if end == "call":
        await client.call("?")
    else:
        async with client.stream("?") as stream:
            async for _ in stream:
                if end == "break":
                    break

    kind = OutcomeKind.ABANDONED if end == "break" else OutcomeKind.SHORT_CIRCUITED
    assert answers.kinds == [kind]
    assert outer.kinds == [kind]
    assert never.log is log
    assert not any(entry.startswith("c.") for entry in log)
    assert model.opened == 0


@pytest.mark.parametrize("kind", [StopAsyncIteration, GeneratorExit])
@pytest.mark.parametrize("place", places("arounds outside"))
async def test_an_exception_that_means_something_to_python_does_not_end_a_run_silently(
    kind: type[BaseException], place: str
) -> None:
    def raises(_: Bench) -> None:
        raise kind

    bench = Bench("arounds outside", place, raises)
    task = asyncio.create_task(_finishes(bench))
    await over(task)

    # Only what happens in on_close is not the run's.
    told = None if task.cancelled() else task.exception()
    assert (told is not None) or hook_of(place) == "on_close"
    assert bench.fired
    check_order(bench)


async def _finishes(bench: Bench) -> None:
    async with bench.ask() as stream:
        await read(stream)


async def test_what_is_thrown_into_the_generator_fails_the_run() -> None:
    bench = Bench("around in the middle")
    stream = bench.ask()
    await anext(stream)
    problem = Fault()
    with pytest.raises(Fault) as raised:
        await stream._generator.athrow(problem)

    assert raised.value is problem
    check_closed(bench, OutcomeKind.FAILED, problem)
