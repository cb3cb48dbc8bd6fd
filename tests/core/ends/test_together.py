"""Two things at once: other tasks, other streams, and runs inside of runs."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from typing import Any

import pytest

from junto.core import Finish, OutcomeKind, RunContext, StreamClosedError, TextDelta

from ..kit import Hanging, Naive, Noted, client_of, read, text_of
from .bench import MIXED, Bench
from .checks import check_closed
from .ways import Fault, forever, over


@pytest.mark.parametrize("stack", MIXED)
async def test_a_reader_that_is_cancelled_between_two_pulls_has_left(stack: str) -> None:
    bench = Bench(stack)
    between = asyncio.Event()

    async def reads() -> None:
        async with bench.ask() as stream:
            await anext(stream)
            between.set()
            await forever()

    task = asyncio.create_task(reads())
    await between.wait()
    task.cancel()
    await over(task)

    assert task.cancelled()
    check_closed(bench, OutcomeKind.ABANDONED)


@pytest.mark.parametrize("stack", MIXED)
async def test_a_stream_that_another_task_closes_between_two_pulls_says_so_at_the_next(
    stack: str,
) -> None:
    bench = Bench(stack)
    stream = bench.ask()
    first = await anext(stream)
    await asyncio.create_task(stream.aclose())
    with pytest.raises(StreamClosedError) as raised:
        await anext(stream)

    assert isinstance(first, TextDelta)
    assert raised.value.response is not None
    assert raised.value.response.text == first.text
    check_closed(bench, OutcomeKind.ABANDONED)


async def test_who_closes_a_run_that_is_over_need_not_wait_until_the_reader_pulls_again() -> None:
    closing: list[asyncio.Task[None]] = []
    outside = contextvars.copy_context()

    async def closes(outcome: Any, ctx: RunContext) -> None:
        closing.append(asyncio.create_task(stream.aclose(), context=outside))
        await asyncio.sleep(0)

    stream = client_of("x", Noted("a", on_close=closes)).stream("?")
    assert await anext(stream) == TextDelta("x")
    assert isinstance(await anext(stream), Finish)
    try:
        await over(closing[0])
    finally:
        await stream.aclose()


@pytest.mark.parametrize("end", ["break", "error", "aclose"])
async def test_of_two_streams_in_one_task_the_end_of_one_leaves_the_other_alone(end: str) -> None:
    def fails(_: Bench) -> None:
        raise Fault

    one = Bench("around in the middle", "model_mid" if end == "error" else "", fails)
    other = Bench("arounds outside")
    async with other.ask() as going_on:
        rest = [await anext(going_on)]
        with contextlib.suppress(Fault):
            async with one.ask() as ending:
                await anext(ending)
                rest.append(await anext(going_on))
                if end == "error":
                    await anext(ending)
                if end == "aclose":
                    await ending.aclose()
        rest += await read(going_on)

    check_closed(other, OutcomeKind.FINISHED)
    assert "".join([e.text for e in rest if isinstance(e, TextDelta)]) == "".join(
        other.probes[0].left
    )
    if end == "error":
        error = one.probes[0].outcomes[0].error
        assert isinstance(error, Fault)
        check_closed(one, OutcomeKind.FAILED, error)
    else:
        check_closed(one, OutcomeKind.ABANDONED)


@pytest.mark.parametrize("hook", ["before", "after", "on_close"])
@pytest.mark.parametrize("end", ["cancel", "aclose"])
async def test_a_run_inside_a_hook_of_another_is_closed_with_it(hook: str, end: str) -> None:
    inner_model = Hanging("x")
    inner = Noted("inner")
    asks = client_of(inner_model, inner, Naive())

    async def nested(value: Any, ctx: RunContext) -> Any:
        await text_of(asks.stream("nested"))
        return value

    outer = Noted("outer", **{hook: nested})
    stream = client_of("x", outer, Naive()).stream("?")
    task = asyncio.create_task(read(stream))
    await inner_model.waiting.wait()
    if end == "cancel" or hook == "on_close":
        # Who closes a run that is over waits for its hooks; so only a cancellation ends them.
        task.cancel()
    else:
        await stream.aclose()
    await over(task)

    assert inner.kinds == [OutcomeKind.CANCELLED]
    assert len(outer.kinds) == 1
    assert inner_model.log == ["open", "CancelledError", "closed"]
