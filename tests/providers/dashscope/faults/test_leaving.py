"""Leaving early: at every await, from outside, on several loops, and in numbers."""

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from typing import Any, cast

import aiohttp
import pytest

from junto.core import ChatConnectionError, ChatError, ChatRequest, InterruptedStreamError
from junto.providers.dashscope import DashScopeModel

from ....standin.raw import ASK, GONE, Endless, RawServer
from ..conftest import KEY, Heard, hear
from .conftest import GUARD, Bench, acquired, until
from .ways import NATIVE, NATIVE_PLAIN, STREAMS, TEXT, WAYS, Way, head, sized

every_way = pytest.mark.parametrize("way", WAYS, ids=str)


class CancelAt:
    """Awaits a coroutine, and cancels its task as it waits for the n-th time."""

    def __init__(self, inner: Coroutine[Any, Any, Heard], at: int) -> None:
        self._inner = inner
        self._at = at
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, Heard]:
        waiting = self._inner.__await__()
        answer: Any = None
        send: Any = waiting.send
        while True:
            try:
                future = send(answer)
            except StopIteration as end:
                return cast("Heard", end.value)
            self.waits += 1
            task = asyncio.current_task()
            if self.waits == self._at and task is not None:
                task.cancel()
            try:
                answer, send = (yield future), waiting.send
            except BaseException as error:  # noqa: BLE001  whatever it is goes on inside
                answer, send = error, waiting.throw


def stop(way: Way) -> list[Any]:
    """An answer in all its phases, each in a read of its own."""
    body = way.body()
    pieces: list[Any] = [
        head(way)[:20],
        head(way)[20:],
        *(body[i : i + 40] for i in range(0, len(body), 40)),
    ]
    return [ASK, *pieces, GONE]


@every_way
async def test_a_cancellation_at_any_await_is_one_and_frees_the_connection(
    bench: Bench, way: Way
) -> None:
    async with bench.open(way, stop(way)) as model:
        at = 0
        while True:
            at += 1
            asked = CancelAt(hear(model, ChatRequest("hi", stream=way.streamed)), at)
            task = asyncio.ensure_future(_await(asked))
            await asyncio.wait([task])
            assert acquired(model) == []
            if not task.cancelled():
                break
        await until(lambda: all(call.gone.is_set() for call in bench.server.calls))
        heard = task.result()

    assert asked.waits < at, "a cancellation was swallowed"
    assert heard.text == TEXT
    assert at > 5


async def _await(asked: CancelAt) -> Heard:
    return await asked


@every_way
async def test_a_cancellation_in_a_handshake_frees_it_too(bench: Bench, way: Way) -> None:
    async with bench.open(way, [GONE]) as model:
        model._service.base_url = model.base_url.replace("http:", "https:")
        task = asyncio.create_task(bench.hear(model, way))
        await until(lambda: bool(bench.server.calls))
        task.cancel()
        await asyncio.wait([task])

        assert task.cancelled()
        await bench.server.all_gone()


def begun(model: DashScopeModel) -> AsyncGenerator[list[Any], None]:
    return cast("AsyncGenerator[list[Any], None]", model.stream(ChatRequest("hi")))


@pytest.mark.parametrize("way", STREAMS, ids=str)
async def test_the_reader_who_breaks_off_is_rid_of_the_connection_at_once(
    bench: Bench, way: Way
) -> None:
    script = [ASK, head(way), Endless([way.piece()])]
    async with bench.open(way, script) as model:
        events = begun(model)
        await anext(events)
        await events.aclose()

        assert acquired(model) == []
        await bench.server.all_gone()


PHASES: dict[str, list[Any]] = {
    "before the head": [],
    "in the head": [b"HTTP/1.1 200 OK\r\n"],
    "before an event": [head(NATIVE)],
    "between events": [head(NATIVE), NATIVE.piece()],
    "in an event": [head(NATIVE), NATIVE.piece(), NATIVE.piece()[:30]],
    "in an error's body": [head(status=500), b"{"],
}


@pytest.mark.parametrize("phase", PHASES)
async def test_closing_the_model_interrupts_what_still_runs(bench: Bench, phase: str) -> None:
    async with bench.open(NATIVE, [ASK, *PHASES[phase], GONE]) as model:
        task = asyncio.create_task(bench.hear(model, NATIVE))
        await bench.server.came.wait()
        for _ in range(20):  # let what was sent arrive
            await asyncio.sleep(0)
        await model.aclose()
        heard = await task
        await bench.server.all_gone()
        again = await bench.hear(model, NATIVE)

    assert isinstance(heard.error, ChatError)
    assert isinstance(again.error, ChatConnectionError)
    assert not again.error.retryable
    assert "closed: make a new one" in str(again.error)


async def test_closing_twice_or_at_once_is_closing(bench: Bench) -> None:
    async with bench.open(NATIVE, [ASK, sized(NATIVE, NATIVE.body()), GONE]) as model:
        await bench.hear(model, NATIVE)
        await asyncio.gather(*(model.aclose() for _ in range(3)))
        await model.aclose()


async def test_a_session_of_the_callers_that_is_closed_is_no_connection(bench: Bench) -> None:
    session = aiohttp.ClientSession()
    await session.close()
    heard = await bench.ask(NATIVE, GONE, session=session)

    assert type(heard.error) is ChatConnectionError
    assert not heard.error.retryable


async def test_a_session_of_another_loop_is_no_connection(bench: Bench) -> None:
    async with aiohttp.ClientSession() as session, RawServer([ASK, GONE]) as server:
        model = DashScopeModel("qwen-plus", api_key=KEY, base_url=server.url, session=session)
        heard = await asyncio.to_thread(asyncio.run, hear(model))
        await model.aclose()

    assert type(heard.error) is ChatConnectionError
    assert not heard.error.retryable
    bench.check(str(heard.error))


async def test_one_model_on_two_loops_at_once(bench: Bench) -> None:
    script = [ASK, sized(NATIVE, NATIVE.body()), ASK, sized(NATIVE, NATIVE.body()), GONE]
    heard: list[Heard] = []
    async with bench.open(NATIVE, script) as model:

        async def twice() -> None:
            heard.extend([await hear(model) for _ in range(2)])

        threads = [asyncio.to_thread(asyncio.run, twice()) for _ in range(2)]
        await asyncio.gather(twice(), *threads)

    assert [one.text for one in heard] == [TEXT] * 6
    assert len(bench.server.calls) == 3


async def test_closing_the_model_closes_what_another_loop_still_reads(bench: Bench) -> None:
    reading = threading.Event()
    heard: list[Heard] = []
    async with bench.open(NATIVE, [ASK, head(NATIVE), NATIVE.piece(), GONE]) as model:

        def read_on() -> None:
            async def read() -> None:
                task = asyncio.ensure_future(hear(model))
                await until(lambda: bool(bench.server.calls and bench.server.calls[0].sent))
                reading.set()
                heard.append(await task)

            asyncio.run(read())

        thread = asyncio.create_task(asyncio.to_thread(read_on))
        await asyncio.to_thread(reading.wait, GUARD)
        await model.aclose()
        await thread
        await bench.server.all_gone()

    assert isinstance(heard[0].error, InterruptedStreamError | ChatConnectionError)


@pytest.mark.parametrize("manner", ["aclose", "cancel", "drop"])
async def test_many_streams_at_once_are_all_freed(bench: Bench, manner: str) -> None:
    many = 100
    async with bench.open(NATIVE, [ASK, head(NATIVE), NATIVE.piece(), GONE]) as model:
        streams = [begun(model) for _ in range(many)]
        await asyncio.gather(*(anext(stream) for stream in streams))
        assert len(acquired(model)) == many
        if manner == "aclose":
            await asyncio.gather(*(stream.aclose() for stream in streams))
        elif manner == "cancel":
            tasks = [asyncio.ensure_future(cast("Any", anext(stream))) for stream in streams]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            assert all(task.cancelled() for task in tasks)
        streams.clear()
        gc.collect()
        await bench.server.all_gone()

        assert acquired(model) == []


@pytest.mark.parametrize("way", [NATIVE_PLAIN], ids=str)
async def test_a_question_that_was_never_read_asks_nothing(bench: Bench, way: Way) -> None:
    async with bench.open(way, [ASK, GONE]) as model:
        await begun(model).aclose()

        assert bench.server.calls == []
