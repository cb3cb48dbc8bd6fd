"""Cases T19 to T30: leaving early, and being cancelled."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from junto.core import (
    Outcome,
    OutcomeKind,
    RunContext,
    StreamClosedError,
    TextDelta,
    Usage,
    UsageUpdate,
)

from ..kit import Hanging, Naive, Noted, NotedNaive, client_of, read, scripted
from ..laws.lab import script

SPENT = Usage(input_tokens=3, output_tokens=1)


@pytest.mark.parametrize("naive", [0, 3])
async def test_t19_leaving_the_block_after_a_piece_closes_all_and_tells_what_had_come(
    naive: int,
) -> None:
    model = scripted(script(UsageUpdate(SPENT), TextDelta("a"), TextDelta("b")))
    outer, inner = Noted("outer"), Noted("inner")
    async with client_of(model, outer, *[Naive()] * naive, inner).stream("?") as stream:
        async for _ in stream:
            break

    assert model.open_streams == 0
    for outcome in (*outer.outcomes, *inner.outcomes):
        assert outcome.kind is OutcomeKind.ABANDONED
        assert outcome.response.text == "a"
        assert outcome.usage == SPENT
    assert len(outer.outcomes) == len(inner.outcomes) == 1


async def test_t20_a_dropped_stream_closes_inner_layers_first_with_one_warning() -> None:
    log: list[str] = []
    model = scripted("a b c")
    stream = client_of(model, NotedNaive("a1", log), NotedNaive("a2", log)).stream("?")
    async for _ in stream:
        break
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del stream
        gc.collect(0)
        for _ in range(3):
            await asyncio.sleep(0)

    assert [warning.category for warning in caught] == [ResourceWarning]
    closes = [entry for entry in log if "left" in entry or "close" in entry]
    assert closes == [
        "a2.around left",
        "a2.close abandoned",
        "a1.around left",
        "a1.close abandoned",
    ]
    assert model.open_streams == 0


async def test_t21_a_cancel_in_the_inner_before_closes_those_reached_and_asks_nobody() -> None:
    waiting = asyncio.Event()

    async def before(request: object, ctx: RunContext) -> None:
        waiting.set()
        await asyncio.get_running_loop().create_future()

    model = scripted("never")
    a1, a2, a3 = Noted("a1"), Noted("a2", before=before), Noted("a3")
    task = asyncio.create_task(client_of(model, a1, a2, a3).call("?"))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    # Law 6: whoever was reached is closed, and that is the second as well.
    assert (a1.kinds, a2.kinds, a3.kinds) == ([OutcomeKind.CANCELLED], [OutcomeKind.CANCELLED], [])
    assert model.requests == []


async def test_t22_a_cancel_while_the_model_is_waited_for_reaches_caller_and_hooks() -> None:
    model = Hanging("a")
    a1, a2 = Noted("a1"), Noted("a2")
    counts: list[int] = []

    async def asks() -> None:
        try:
            await client_of(model, a1, Naive(), a2).call("?")
        except asyncio.CancelledError:
            task = asyncio.current_task()
            counts.append(task.cancelling() if task else -1)
            raise

    task = asyncio.create_task(asks())
    await model.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert counts == [1]
    assert a1.kinds == a2.kinds == [OutcomeKind.CANCELLED]
    assert model.log == ["open", "CancelledError", "closed"]


async def test_t23_a_cancel_while_an_inner_close_waits_leaves_the_outer_one_its_turn() -> None:
    waiting, go_on = asyncio.Event(), asyncio.Event()
    finished: list[str] = []

    async def on_close(outcome: Outcome, ctx: RunContext) -> None:
        waiting.set()
        try:
            await go_on.wait()
        finally:
            finished.append("inner")

    a1, a2 = Noted("a1"), Noted("a2", on_close=on_close)
    task = asyncio.create_task(client_of("a", a1, a2).call("?"))
    await waiting.wait()
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert finished == ["inner"]
    assert len(a1.outcomes) == len(a2.outcomes) == 1


async def test_t28_closing_from_another_task_gives_its_reason_to_reader_and_hooks() -> None:
    model = Hanging("a")
    a1 = Noted("a1")
    stream = client_of(model, a1, Naive()).stream("?")
    reader = asyncio.create_task(read(stream))
    await model.waiting.wait()
    await stream.aclose("the user pressed stop")
    with pytest.raises(StreamClosedError, match="the user pressed stop") as caught:
        await reader

    assert caught.value.response is not None
    assert caught.value.response.text == "a"
    assert a1.kinds == [OutcomeKind.ABANDONED]
    assert a1.outcomes[0].reason == "the user pressed stop"
    assert model.log[-1] == "closed"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_t30_an_interrupt_in_the_readers_block_cleans_up(error: type[BaseException]) -> None:
    a1 = Noted("a1")
    model = scripted("a b c")

    async def asks() -> None:
        async with client_of(model, a1, Naive()).stream("?") as stream:
            async for _ in stream:
                raise error

    with pytest.raises(error):
        asyncio.run(asks())

    assert a1.kinds == [OutcomeKind.ABANDONED]
    assert model.open_streams == 0
