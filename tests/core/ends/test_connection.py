"""The ends of a stream with a real connection: the server sees each, and none is left open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.core import ChatRequest, InterruptedStreamError, OutcomeKind, UnavailableError
from junto.providers.dashscope import DashScopeModel

from ...standin import ABORT, GONE, Reply, StandIn, Step
from .bench import Bench, hook_of
from .checks import check_closed
from .ways import FAILED, WAYS, Running, Way, over

SOON = 10
TICKS = 100_000
STACK = "around in the middle"


def frame(text: str, reason: str = "null") -> bytes:
    usage = {"input_tokens": 3, "output_tokens": 3, "total_tokens": 6}
    message = {"role": "assistant", "content": text}
    choices = [{"message": message, "finish_reason": reason}]
    data = json.dumps({"output": {"choices": choices}, "usage": usage})
    return f"data:{data}\n\n".encode()


X, Y, Z, END = frame("x"), frame("y"), frame("z"), frame("", "stop")


class Wire:
    """The provider as it is, and how many of its connections are in use."""

    provider = model = "wire"

    def __init__(self, inner: DashScopeModel) -> None:
        self.inner = inner
        self.opened = 0

    def stream(self, request: ChatRequest) -> Any:
        self.opened += 1
        return self.inner.stream(request)

    async def aclose(self) -> None:
        """The fixture closes it."""

    @property
    def open_streams(self) -> int:
        keepers = self.inner._service.transport._sessions._keepers.values()
        sessions = [keeper.session for keeper in keepers if keeper.session is not None]
        return sum(len(s.connector._acquired) for s in sessions if s.connector is not None)


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn() as standing:
        yield standing
        # Whatever was asked for, the server is through with it.
        async with asyncio.timeout(SOON):
            for asked in standing.asked:
                await asked.done.wait()


@pytest.fixture
async def wire(server: StandIn) -> AsyncIterator[Wire]:
    async with DashScopeModel("qwen-plus", api_key="sk-made-up", base_url=server.url) as inner:
        yield Wire(inner)


PLACES = [
    "before b",
    "open b",
    "on_event b",
    "on_finish b",
    "around_start b",
    "around_mid b",
    "around_end b",
    "around_finally b",
    "after c",
    "save a",
    "on_close a",
    "on_close c",
]
CASES = [
    (way, place)
    for way in WAYS
    for place in PLACES
    if not (way.name == "timeout around a pull" and hook_of(place) == "on_event")
]


@pytest.mark.parametrize(("way", "place"), CASES, ids=str)
async def test_whatever_ends_a_run_in_a_hook_frees_the_connection_first(
    way: Way, place: str, server: StandIn, wire: Wire
) -> None:
    server.will(Reply([X, Y + Z, END]))
    running = Running(way, place, STACK, "", "stream", model=wire)

    await running.run(TICKS)

    running.check()


class Watched(Running):
    """The end is asked for while the provider waits for the server."""

    async def ask_when(self, there: asyncio.Event) -> None:
        await there.wait()
        # By then the reader is back in its pull.
        for _ in range(5):
            await asyncio.sleep(0)
        self.bench.fired = True
        assert self.way.asks is not None
        self.way.asks(self)


@pytest.mark.parametrize("where", ["before the first byte", "after some text"])
@pytest.mark.parametrize("way", [way for way in WAYS if way.asks], ids=str)
async def test_whatever_ends_a_run_that_waits_for_the_server_frees_the_connection(
    way: Way, where: str, server: StandIn, wire: Wire
) -> None:
    some: list[Step] = [X] if where == "after some text" else []
    server.will(Reply([*some, GONE]))
    came = asyncio.Event()
    running = Watched(way, "", STACK, "", "stream", model=wire)
    seen = running.bench.probes[0].left
    watching = asyncio.create_task(_when(running, server, seen if some else [""], came))
    asking = asyncio.create_task(running.ask_when(came))

    await running.run(TICKS)
    await asyncio.gather(watching, asking)

    running.check()
    async with asyncio.timeout(SOON):
        await server.asked[0].gone.wait()


async def _when(running: Running, server: StandIn, seen: list[str], came: asyncio.Event) -> None:
    await server.came.wait()
    for _ in range(TICKS):
        if seen:
            break
        await asyncio.sleep(0)
    assert seen
    came.set()


@pytest.mark.parametrize("fault", ["refused", "cut at once", "cut in the midst"])
async def test_a_server_that_fails_is_told_to_all_once_and_leaves_no_connection(
    fault: str, server: StandIn, wire: Wire
) -> None:
    refusal = Reply([b'{"code":"InternalError"}'], 500, {"Content-Type": "application/json"})
    replies = {"refused": refusal, "cut at once": Reply([ABORT])}
    server.will(replies.get(fault, Reply([X, ABORT])))
    bench = Bench(STACK, model=wire)

    async def reads() -> None:
        async with bench.ask() as stream:
            async for event in stream:
                bench.got.append(event)

    task = asyncio.create_task(reads())
    await over(task, TICKS)

    error = task.exception()
    assert isinstance(error, UnavailableError if fault == "refused" else InterruptedStreamError)
    check_closed(bench, FAILED, error)
    assert bench.text == ("x" if fault == "cut in the midst" else "")


@pytest.mark.parametrize("end", ["break", "drop", "finish"])
async def test_a_reader_that_leaves_frees_the_connection(
    end: str, server: StandIn, wire: Wire
) -> None:
    server.will(Reply([X, Y + Z, END] if end == "finish" else [X, GONE]))
    bench = Bench(STACK, model=wire)
    stream = bench.client.stream("?")
    if end == "drop":
        await anext(stream)
        before = asyncio.all_tasks()
        with pytest.warns(ResourceWarning, match="dropped before its end"):
            del stream
        (closing,) = asyncio.all_tasks() - before
        await closing
    else:
        async with stream:
            async for _ in stream:
                if end == "break":
                    break

    check_closed(bench, OutcomeKind.FINISHED if end == "finish" else OutcomeKind.ABANDONED)
    assert wire.opened == 1
    if end != "finish":
        async with asyncio.timeout(SOON):
            await server.asked[0].gone.wait()
