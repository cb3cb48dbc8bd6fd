"""Laws 6 and 11 for any stack, any fault and any end: all that was opened is closed once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from junto.core import Advisor, ChatRequest, Event, Next, OutcomeKind, RunContext, TextDelta

from .kit import Noted, NotedNaive, Saver, Texts, client_of, scripted


class Fault(Exception):  # noqa: N818  a fake
    pass


class Busy(Noted):
    """Waits a tick in every hook that may, and fails where it is told to."""

    def __init__(self, name: str, log: list[str], fault: str) -> None:
        async def waits(value: Any, ctx: RunContext, hook: str) -> Any:
            await asyncio.sleep(0)
            if fault == hook:
                raise Fault(hook)
            return value

        def sees(event: Event, ctx: RunContext) -> Event:
            if fault == "on_event":
                raise Fault("on_event")
            return event

        super().__init__(
            name,
            log,
            on_event=sees,
            before=lambda value, ctx: waits(value, ctx, "before"),
            after=lambda value, ctx: waits(value, ctx, "after"),
            on_close=lambda value, ctx: waits(value, ctx, "on_close"),
        )


class BusyAround(Busy):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                await asyncio.sleep(0)
                yield event
        finally:
            await asyncio.sleep(0)


class Retry(Noted):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        for _ in range(2):
            try:
                async for event in next(request):
                    yield event
            except (Fault, OSError):
                continue
            return


class Peek(Noted):
    """Asks once for the first event only, and then again."""

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for _ in next(request):
            break
        async for event in next(request):
            yield event


class Pump(Noted):
    """Reads what is further in in a task of its own."""

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async def drain() -> list[Event]:
            return [event async for event in next(request)]

        task = asyncio.create_task(drain())
        try:
            for event in await task:
                yield event
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()


KINDS = [
    "busy",
    "around",
    "noted",
    "naive",
    "retry",
    "peek",
    "pump",
    "buffered",
    "isolated",
    "upper",
]
FAULTS = ["", "", "", "before", "on_event", "after", "on_close"]


def made(i: int, kind: str, fault: str, log: list[str]) -> Advisor:
    name = f"{i}"
    match kind:
        case "busy":
            return Busy(name, log, fault)
        case "around":
            return BusyAround(name, log, fault)
        case "isolated":
            advisor = Busy(name, log, fault)
            advisor.isolated = True
            return advisor
        case "buffered":
            return Noted(name, log, buffered=True)
        case "upper":
            return Texts(str.upper, name)
        case "noted":
            return Noted(name, log)
        case _:
            classes = {"naive": NotedNaive, "retry": Retry, "peek": Peek, "pump": Pump}
            return classes[kind](name, log)


stacks = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(FAULTS)), max_size=7)
ends = st.one_of(
    st.just(("finish", 0)),
    st.tuples(st.sampled_from(["break", "cancel", "aclose"]), st.integers(0, 25)),
)
scripts = st.sampled_from(["a b c", "a", "", "fails", "slow"])


async def tick() -> None:
    await asyncio.sleep(0)


SCRIPTS: dict[str, Any] = {
    "fails": ["a", tick, OSError("cut")],
    "slow": [tick, "a", tick, tick, [TextDelta("b"), TextDelta("c")], tick],
}


@pytest.fixture(scope="module", autouse=True)
def silence() -> Iterator[None]:
    """Thousands of warnings would be kept."""
    logging.getLogger("junto.core").disabled = True
    yield
    logging.getLogger("junto.core").disabled = False


@settings(max_examples=300)
@given(stack=stacks, end=ends, script=scripts)
async def test_all_that_was_opened_is_closed_once(
    stack: list[tuple[str, str]], end: tuple[str, int], script: str
) -> None:
    log: list[str] = []
    saver = Saver()
    advisors = [made(i, kind, fault, log) for i, (kind, fault) in enumerate(stack)]
    model = scripted(SCRIPTS.get(script, script))
    how, count = end
    stream = client_of(model, saver, *advisors).stream("?")
    texts: list[str] = []
    done = False

    async def reader() -> None:
        nonlocal done
        async with stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    texts.append(event.text)
                if how == "break" and len(texts) > count:
                    return
        done = True

    task = asyncio.create_task(reader())
    if how in {"cancel", "aclose"}:
        for _ in range(count):
            await asyncio.sleep(0)
        if how == "cancel":
            task.cancel()
        else:
            await stream.aclose()
    await asyncio.wait([task])
    error = None if task.cancelled() else task.exception()

    assert model.open_streams == 0
    for advisor in advisors:
        if isinstance(advisor, Noted):
            asked = log.count(f"{advisor.name}.before")
            closed = sum(entry.startswith(f"{advisor.name}.close") for entry in log)
            assert asked == closed == len(advisor.outcomes)
    assert error is None or isinstance(error, Fault | OSError) or how == "aclose"
    if done and stream.outcome is not None:
        assert stream.outcome.kind is OutcomeKind.FINISHED
        assert "".join(texts) == saver.saved[0].text == (await stream.response()).text
    elif not done:
        assert saver.saved == [] or stream.outcome is not None
