"""Law 13: a run's context is copied once, and everything of the run happens in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextvars import ContextVar

import pytest

from junto.core import ChatRequest, Event, Next, RunContext, StreamClosedError, TextDelta

from ..kit import Hook, Noted, Steer, client_of, read
from .lab import Provider, Stack, Step, answer, got

WHO = ContextVar("WHO", default="nobody")


def sets(name: str) -> Noted:
    def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        WHO.set(name)
        return request

    return Noted(name, before=before)


async def test_law_13_what_a_hook_sets_is_seen_inside_on_every_pull_and_never_by_the_reader(
    way: str, stack: Stack, cut: str
) -> None:
    seen: list[str] = []

    def look() -> None:
        seen.append(WHO.get())

    def looks(event: Event) -> Event:
        look()
        return event

    script: list[Step] = [look, TextDelta("a"), look, TextDelta("b"), look]
    model = Provider(cut, script)
    await got(client_of(model, sets("advisor"), *stack.made(), Hook(looks)), way)

    assert set(seen) == {"advisor"}
    assert len(seen) >= 5
    assert WHO.get() == "nobody"


async def test_law_13_every_pull_and_the_close_happen_in_it_from_whatever_task(
    stack: Stack,
) -> None:
    seen: list[str] = []

    def look() -> None:
        seen.append(WHO.get())

    def on_close(outcome: object, ctx: RunContext) -> None:
        look()

    model = Provider("events", [step for c in "abc" for step in (look, TextDelta(c))])
    last = Noted("last", on_close=on_close)
    stream = client_of(model, sets("advisor"), *stack.made(), last).stream("Why?")
    for _ in range(2):
        await asyncio.create_task(_pull(stream))
    await asyncio.create_task(stream.aclose())

    assert set(seen) == {"advisor"}
    assert len(seen) >= 3


async def _pull(stream: AsyncIterator[Event]) -> Event:
    WHO.set("a task")
    return await anext(stream)


async def test_law_13_the_context_is_copied_at_the_first_pull(stack: Stack) -> None:
    seen: list[str] = []

    def look() -> None:
        seen.append(WHO.get())

    model = Provider("events", [look, TextDelta("a"), look, TextDelta("b")])
    token = WHO.set("at the making")
    try:
        stream = client_of(model, *stack.made()).stream("Why?")
        WHO.set("at the first pull")
        await anext(stream)
        WHO.set("later")
        await read(stream)
    finally:
        WHO.reset(token)

    assert set(seen) == {"at the first pull"}


async def test_law_13_an_activation_of_another_task_keeps_a_copy_of_its_own(
    way: str, stack: Stack
) -> None:
    seen: list[str] = []

    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async def drained(name: str) -> list[Event]:
            WHO.set(name)
            return [event async for event in next(request)]

        tasks = [asyncio.create_task(drained(name)) for name in ("one", "two")]
        for task in tasks:
            for event in await task:
                yield event
        seen.append(WHO.get())

    model = Provider("events", [lambda: seen.append(WHO.get()), *answer("a")])
    await got(client_of(model, sets("outer"), Steer(around), *stack.made()), way)

    assert seen == ["one", "two", "outer"]


async def test_law_13_aclose_from_another_task_interrupts_the_pull_and_logs_nothing(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = asyncio.Event()

    async def hangs() -> None:
        waiting.set()
        await asyncio.get_running_loop().create_future()

    model = Provider("events", [TextDelta("a"), hangs])
    stream = client_of(model, *stack.made()).stream("Why?")
    reader = asyncio.create_task(read(stream))
    await waiting.wait()
    with caplog.at_level(logging.DEBUG):
        await stream.aclose()
        with pytest.raises(StreamClosedError) as caught:
            await reader

    assert caught.value.response is not None
    assert caught.value.response.text == "a"
    assert reader.cancelling() == 0
    assert model.open_streams == 0
    assert caplog.records == []
