"""Laws 9, 12 and 17: laziness, cancellation, and who may read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.core import (
    ChatRequest,
    ConcurrentReadError,
    Event,
    Finish,
    Next,
    OutcomeKind,
    RunContext,
    StreamClosedError,
    StreamConsumedError,
    TextDelta,
)

from .kit import (
    Hanging,
    Naive,
    Noted,
    NotedNaive,
    Steer,
    client_of,
    keep,
    read,
    scripted,
    text_of,
    texts,
)


async def test_a_stream_that_is_never_read_asks_nobody_and_says_nothing() -> None:
    model = scripted("x")
    noted = Noted("a")
    stream = client_of(model, noted, Naive()).stream("?")
    text = stream.text()
    del stream, text

    assert (model.opened, noted.log) == (0, [])


async def test_a_stream_that_is_entered_and_left_asks_nobody() -> None:
    model = scripted("x")
    noted = Noted("a")
    async with client_of(model, noted).stream("?") as stream:
        pass

    assert (model.opened, noted.log) == (0, [])
    with pytest.raises(StreamClosedError, match="closed before it was read"):
        await stream.response()
    with pytest.raises(StreamClosedError):
        await anext(stream)


async def test_next_is_lazy() -> None:
    async def asks(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        unread = next(request)
        yield TextDelta("own")
        del unread

    model = scripted("x")
    assert (await client_of(model, Steer(asks)).call("?")).text == "own"
    assert model.opened == 0


HOOKS = ["before", "after", "on_close", "save"]


@pytest.mark.parametrize("naive", [0, 2])
@pytest.mark.parametrize("hook", HOOKS)
async def test_a_cancel_in_any_hook_reaches_the_caller(hook: str, naive: int) -> None:
    reached = asyncio.Event()

    async def waits(value: Any, ctx: RunContext) -> Any:
        reached.set()
        await asyncio.get_running_loop().create_future()

    def saves(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        async def save(response: Any) -> None:
            await waits(response, ctx)

        ctx.add_save(save)
        return request

    hooks = {"before": saves} if hook == "save" else {hook: waits}
    log: list[str] = []
    outer = Noted("a", log)
    stack = [outer, *(Naive(str(i)) for i in range(naive)), Noted("b", log, **hooks)]
    model = scripted("x")
    task = asyncio.create_task(client_of(model, *stack).call("?"))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    kind = "finished" if hook == "on_close" else "cancelled"
    assert model.open_streams == 0
    assert [e for e in log if ".close" in e] == [f"b.close {kind}", f"a.close {kind}"]
    assert task.cancelled()


@pytest.mark.parametrize("where", ["around", "on_close", "model"])
async def test_a_cancel_that_somebody_swallows_reaches_the_caller_all_the_same(where: str) -> None:
    async def swallows(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except asyncio.CancelledError:
            yield TextDelta("never mind")

    async def swallowing_close(outcome: Any, ctx: RunContext) -> None:
        reached.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()

    class Swallowing:
        provider = model = "s"

        async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
            yield TextDelta("x")
            reached.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()
            yield TextDelta("y")

        async def aclose(self) -> None: ...

    reached = asyncio.Event()
    if where == "around":
        model = Hanging("x")
        reached = model.waiting
        client = client_of(model, Noted("a"), Steer(swallows))
    elif where == "model":
        client = client_of(Swallowing(), Noted("a"), Naive())
    else:
        client = client_of("x", Noted("a"), Noted("b", on_close=swallowing_close))
    task = asyncio.create_task(client.call("?"))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_around_a_pull_is_a_timeout() -> None:
    noted = Noted("a")
    model = Hanging("x")
    async with client_of(model, noted, Naive()).stream("?") as stream:
        assert await anext(stream) == TextDelta("x")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(stream)
        assert noted.kinds == [OutcomeKind.CANCELLED]
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        with pytest.raises(StreamClosedError) as raised:
            await stream.response()

    assert raised.value.response is not None
    assert raised.value.response.text == "x"


async def test_a_timeout_inside_an_around_is_its_own_affair() -> None:
    async def impatient(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        stream = next(request)
        while True:
            try:
                async with asyncio.timeout(0.001):
                    event = await anext(stream)
            except TimeoutError:
                yield TextDelta(" (late)")
                return
            yield event

    model = Hanging("x")
    inner, outer = Noted("b"), Noted("a")
    response = await client_of(model, outer, Steer(impatient), inner).call("?")

    assert response.text == "x (late)"
    assert inner.kinds == [OutcomeKind.CANCELLED]
    assert outer.kinds == [OutcomeKind.FINISHED]
    assert model.log[-1] == "closed"


async def test_no_task_is_made_between_the_model_and_the_reader() -> None:
    made: list[Any] = []
    loop = asyncio.get_running_loop()

    def factory(loop: Any, coro: Any, **kwargs: Any) -> Any:
        made.append(coro)
        return asyncio.Task(coro, loop=loop, **kwargs)

    loop.set_task_factory(factory)
    try:
        async with client_of("a b c", Noted("a"), Naive(), Noted("b")).stream("?") as stream:
            await read(stream)
    finally:
        loop.set_task_factory(None)

    assert made == []


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("naive", [0, 3])
async def test_aclose_from_another_task_interrupts_the_pull(naive: int, times: int) -> None:
    log: list[str] = []
    model = Hanging("x")
    stack = [Noted("a", log), *(Naive(str(i)) for i in range(naive)), Noted("b", log)]
    stream = client_of(model, *stack).stream("?")

    async def reader() -> tuple[list[Event], StreamClosedError, int]:
        got: list[Event] = []
        task = asyncio.current_task()
        assert task is not None
        try:
            await keep(stream, got)
        except StreamClosedError as error:
            return got, error, task.cancelling()
        raise AssertionError

    task = asyncio.create_task(reader())
    await model.waiting.wait()
    await asyncio.gather(*(stream.aclose() for _ in range(times)))

    assert model.log == ["open", "CancelledError", "closed"]
    assert [e for e in log if ".close" in e] == ["b.close abandoned", "a.close abandoned"]
    got, error, cancelling = await task
    assert texts(got) == ["x"]
    assert error.response is not None
    assert error.response.text == "x"
    assert cancelling == 0


async def test_aclose_while_another_task_closes_waits_and_disturbs_nothing() -> None:
    closing, go_on = asyncio.Event(), asyncio.Event()

    async def slow(outcome: Any, ctx: RunContext) -> None:
        closing.set()
        await go_on.wait()
        log.append("slow done")

    log: list[str] = []
    stream = client_of("x y", Noted("a", on_close=slow)).stream("?")
    await anext(stream)
    first = asyncio.create_task(stream.aclose())
    await closing.wait()
    second = asyncio.create_task(stream.aclose())
    await asyncio.sleep(0)
    assert not second.done()
    go_on.set()
    await first
    await second

    assert log == ["slow done"]


async def test_aclose_in_the_very_moment_an_event_comes_still_ends_the_stream() -> None:
    gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    model = scripted(["x", lambda: gate, "y", "z"])
    noted = Noted("a")
    stream = client_of(model, noted).stream("?")

    async def reader() -> list[Event]:
        return await read(stream)

    task = asyncio.create_task(reader())
    await asyncio.sleep(0)
    gate.set_result(None)
    await stream.aclose()
    with pytest.raises(StreamClosedError):
        await task

    assert noted.kinds == [OutcomeKind.ABANDONED]
    assert model.open_streams == 0


async def test_a_bare_yield_can_be_interrupted() -> None:
    async def busy() -> None:
        while True:  # noqa: ASYNC110  busy is what is tested
            await asyncio.sleep(0)

    stream = client_of(["x", busy]).stream("?")
    task = asyncio.create_task(read(stream))
    await asyncio.sleep(0)
    await stream.aclose()
    with pytest.raises(StreamClosedError):
        await task


async def test_a_reader_that_is_cancelled_and_closed_at_once_is_cancelled() -> None:
    model = Hanging("x")
    stream = client_of(model, NotedNaive("a")).stream("?")
    task = asyncio.create_task(read(stream))
    await model.waiting.wait()
    task.cancel()
    await stream.aclose()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_hook_cannot_close_its_own_run() -> None:
    streams: list[Any] = []

    async def closes(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        await streams[0].aclose()
        return request

    streams.append(client_of("x", Noted("a", before=closes)).stream("?"))
    with pytest.raises(ConcurrentReadError, match="by a hook of its own run"):
        await read(streams[0])


async def test_a_second_reader_is_refused_and_the_first_goes_on() -> None:
    gate = asyncio.Event()
    stream = client_of(["x", gate.wait, "y"], Noted("a")).stream("?")
    task = asyncio.create_task(text_of(stream))
    await asyncio.sleep(0)
    for intrude in (anext, type(stream).response, text_of):
        with pytest.raises(ConcurrentReadError):
            await intrude(stream)
    gate.set()

    assert await task == "xy"


async def test_response_drains_what_is_left_and_is_the_same_each_time() -> None:
    stream = client_of("x y z").stream("?")
    iterator = aiter(stream)
    assert await anext(iterator) == TextDelta("x")
    response = await stream.response()

    assert response.text == "x y z"
    assert await stream.response() is response
    with pytest.raises(StreamConsumedError):
        await anext(iterator)


async def test_a_stream_is_read_once() -> None:
    stream = client_of("x").stream("?")
    assert isinstance((await read(stream))[-1], Finish)
    with pytest.raises(StreamConsumedError, match="read already"):
        await read(stream)


async def test_two_views_of_a_stream_share_it() -> None:
    stream = client_of("a b c").stream("?")
    first, second = stream.text(), stream.text()

    assert [await anext(first), await anext(second), await anext(first)] == ["a", " b", " c"]
    await stream.aclose()


async def test_response_after_a_failure_raises_the_same_error() -> None:
    problem = OSError("cut")
    stream = client_of(["x", problem]).stream("?")
    with pytest.raises(OSError, match="cut"):
        await read(stream)
    for _ in range(2):
        with pytest.raises(OSError, match="cut") as raised:
            await stream.response()
        assert raised.value is problem


async def test_response_after_an_early_exit_is_a_typed_error_with_the_part() -> None:
    async with client_of("x y z", Naive()).stream("?") as stream:
        await anext(stream)
        await anext(stream)
    with pytest.raises(StreamClosedError) as raised:
        await stream.response()

    assert raised.value.response is not None
    assert raised.value.response.text == "x y"
    assert raised.value.response.finish_reason is None
    assert stream.outcome is not None
    assert stream.outcome.kind is OutcomeKind.ABANDONED


async def test_response_needs_no_iterating() -> None:
    stream = client_of("x").stream("?")

    assert (await stream.response()).text == "x"
    assert "finished" in repr(stream)


async def test_another_tasks_turn_may_come_in_between() -> None:
    """Different tasks may read in turns."""
    stream = client_of("a b c", Noted("n")).stream("?")
    got = [await asyncio.create_task(_next(stream)) for _ in range(3)]
    await stream.aclose()

    assert texts(got) == ["a", " b", " c"]


async def _next(stream: Any) -> Event:
    return await anext(stream)


class BreaksWhenLeft:
    """A model whose connection breaks while it is given back."""

    provider = model = "breaks"

    def __init__(self) -> None:
        self.waiting = asyncio.Event()

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
        try:
            yield TextDelta("a")
            self.waiting.set()
            await asyncio.get_running_loop().create_future()
        finally:
            raise OSError("close failed")

    async def aclose(self) -> None: ...


@pytest.mark.parametrize("arounds", [0, 1, 3])
async def test_what_fails_while_it_is_cancelled_does_not_replace_the_cancellation(
    arounds: int,
) -> None:
    model, noted, inner = BreaksWhenLeft(), Noted("a"), Noted("b", order=900)
    client = client_of(model, noted, *[Naive(f"n{i}") for i in range(arounds)], inner)
    task = asyncio.ensure_future(read(client.stream("?")))
    await model.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    for (outcome,) in (noted.outcomes, inner.outcomes):
        assert outcome.kind is OutcomeKind.CANCELLED
        assert isinstance(outcome.error, asyncio.CancelledError)
        assert [str(error) for error in outcome.cleanup_errors] == ["close failed"]


async def test_what_fails_while_another_task_closes_does_not_replace_that() -> None:
    model, noted = BreaksWhenLeft(), Noted("a")
    stream = client_of(model, noted).stream("?")
    task = asyncio.ensure_future(read(stream))
    await model.waiting.wait()
    await stream.aclose("enough")
    with pytest.raises(StreamClosedError, match="enough"):
        await task

    (outcome,) = noted.outcomes
    assert (outcome.kind, outcome.reason) == (OutcomeKind.ABANDONED, "enough")
    assert [str(error) for error in outcome.cleanup_errors] == ["close failed"]


async def test_a_timeout_around_the_reading_is_a_timeout_also_if_closing_fails() -> None:
    async def reads() -> None:
        async with asyncio.timeout(None) as limit:
            async with client_of(BreaksWhenLeft()).stream("?") as stream:
                async for _ in stream:
                    limit.reschedule(0)

    with pytest.raises(TimeoutError):
        await reads()


async def test_an_inner_stream_of_a_task_that_breaks_when_it_is_closed_is_over_at_once() -> None:
    model, inner = BreaksWhenLeft(), Noted("inner", order=900)
    tasks: list[asyncio.Task[Any]] = []

    async def races(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        tasks.append(asyncio.ensure_future(read(next(request))))
        await model.waiting.wait()
        yield TextDelta("own")

    async with client_of(model, Steer(races), inner).stream("?") as stream:
        assert await text_of(stream) == "own"
    await asyncio.wait(tasks)

    (outcome,) = inner.outcomes
    assert outcome.kind is OutcomeKind.ABANDONED
    # Nobody waited for as long as closing may take.
    assert [type(error) for error in outcome.cleanup_errors] == [OSError]
    assert tasks[0].cancelled()


class BreaksLater(BreaksWhenLeft):
    """It breaks before its first event, and awaits before it says so."""

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
        try:
            self.waiting.set()
            await asyncio.get_running_loop().create_future()
            yield TextDelta("a")
        finally:
            await asyncio.sleep(0)
            raise OSError("close failed")


@pytest.mark.parametrize("how", ["cancel", "aclose"])
async def test_a_retry_does_not_take_a_cancelled_attempt_for_a_failed_one(how: str) -> None:
    asked: list[int] = []

    async def retries(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        for attempt in range(3):
            asked.append(attempt)
            try:
                async for event in next(request):
                    yield event
            except OSError:
                continue
            return

    model = BreaksLater()
    stream = client_of(model, Steer(retries), Naive()).stream("?")
    task = asyncio.ensure_future(read(stream))
    await model.waiting.wait()
    if how == "cancel":
        task.cancel()
    else:
        await stream.aclose()
    with pytest.raises(asyncio.CancelledError if how == "cancel" else StreamClosedError):
        await task

    assert asked == [0]
