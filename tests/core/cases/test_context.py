"""Cases T55 to T60: contexts, runs at once, several loops, and what it costs."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from types import FrameType
from typing import Any

from junto.core import (
    Advisor,
    ChatRequest,
    ContextKey,
    Event,
    Next,
    RunContext,
    TextDelta,
    ToolCallDelta,
)

from ..kit import Naive, Noted, Steer, both_ways, client_of, read, scripted, texts
from .plugins import Tools

WHO = ContextVar("WHO", default="nobody")
NAME = ContextKey[str]("test.name")


@both_ways
async def test_t55_a_variable_set_outside_is_seen_inside_on_every_pull_and_never_by_the_reader(
    way: str,
) -> None:
    seen: list[str] = []

    def look(*_: object, **__: object) -> str:
        seen.append(WHO.get())
        return ""

    def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        WHO.set("a1")
        return request

    wants = ToolCallDelta(0, "1", "look", "{}")
    model = scripted([look, wants, look], [look, TextDelta("a"), look, TextDelta("b"), look])
    a2 = Noted("a2", on_event=lambda event, ctx: (look(), event)[1])
    client = client_of(model, Noted("a1", before=before), Tools({"look": look}), a2)
    if way == "call":
        await client.call("?")
    else:
        stream = client.stream("?")
        pulls = 0
        while (event := await asyncio.create_task(anext_or_none(stream))) is not None:
            pulls += 1
            assert event is not None
        assert pulls > 3

    assert set(seen) == {"a1"}
    assert len(seen) > 6
    assert WHO.get() == "nobody"


async def anext_or_none(stream: AsyncIterator[Event]) -> Event | None:
    return await anext(stream, None)


class Named(Advisor):
    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        ctx[NAME] = request.user_text
        return request

    def on_event(self, event: Event, ctx: RunContext) -> Event:
        return TextDelta(f"{ctx[NAME]}{event.text}") if isinstance(event, TextDelta) else event


async def test_t56_a_hundred_runs_shuffled_never_mix() -> None:
    turns = random.Random(3)

    async def pause() -> None:
        for _ in range(turns.randrange(5)):
            await asyncio.sleep(0)

    client = client_of([pause, TextDelta("a"), pause, TextDelta("b")], Named(), Naive(), Noted("n"))
    answers = await asyncio.gather(*(client.call(f"{i}-") for i in range(100)))

    assert [answer.text for answer in answers] == [f"{i}-a{i}-b" for i in range(100)]


def test_t57_one_client_serves_two_runs_of_asyncio_and_two_threads() -> None:
    client = client_of("a b", Named(), Naive())

    def ask(name: str) -> str:
        return asyncio.run(client.call(name)).text

    one_after_the_other = [ask("x"), ask("y")]
    with ThreadPoolExecutor(2) as threads:
        at_once = list(threads.map(ask, "zw"))

    assert one_after_the_other == ["xax b", "yay b"]
    assert at_once == ["zaz b", "waw b"]


async def test_t59_an_advisor_that_waits_per_piece_keeps_the_order_and_makes_no_task() -> None:
    tasks: set[int] = set()

    async def slow(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for event in next(request):
            await asyncio.sleep(0)
            tasks.add(len(asyncio.all_tasks()))
            yield event

    before = len(asyncio.all_tasks())
    words = [TextDelta(str(i)) for i in range(50)]
    got = await read(client_of(words, Noted("a"), Steer(slow), Noted("b")).stream("?"))

    assert texts(got) == [str(i) for i in range(50)]
    assert tasks == {before}


async def calls_per_event(advisors: list[Any]) -> float:
    """Python calls per event, a measure of cost that no busy machine can falsify."""
    counts: list[int] = []
    for words in (10, 60):
        count = 0

        def counting(frame: FrameType, what: str, argument: object) -> None:
            nonlocal count
            ours = str(frame.f_globals.get("__name__")).startswith("junto.")
            count += what == "call" and ours

        async with client_of([TextDelta("a")] * words, *advisors).stream("?") as stream:
            sys.setprofile(counting)
            try:
                await read(stream)
            finally:
                sys.setprofile(None)
        counts.append(count)
    return (counts[1] - counts[0]) / 50


class Silent(Advisor):
    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        return request


class Looks(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Event:
        return event


async def test_t60_an_advisor_costs_one_call_per_event_if_it_looks_and_none_if_not() -> None:
    """Times are in the benchmarks; a call of a hook is the least that can be."""
    alone = await calls_per_event([Looks()])

    assert await calls_per_event([Silent()] * 20) <= await calls_per_event([])
    assert await calls_per_event([Looks() for _ in range(20)]) <= alone
