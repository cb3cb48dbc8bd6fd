"""Law 7: ``around`` has full power; the chain owns and closes every inner stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

import pytest

from junto.core import (
    ChatRequest,
    ChatResponse,
    Event,
    Finish,
    Next,
    OutcomeKind,
    RunContext,
    TextDelta,
    UserMessage,
)

from ..kit import Naive, Noted, Steer, client_of, texts
from .lab import Provider, Stack, answer, got, hooked, noted

Around: TypeAlias = Callable[[ChatRequest, Next], AsyncIterator[Event]]


async def never(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
    yield TextDelta("own")


async def thrice(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
    for _ in range(3):
        async for event in next(request):
            if not isinstance(event, Finish):
                yield event


async def at_once(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
    async def drained() -> list[Event]:
        return [event async for event in next(request)]

    for events in await asyncio.gather(drained(), drained(), drained()):
        for event in events:
            yield event


async def anonymous(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
    yield await anext(next(request))
    async for event in next(request):
        yield event


@pytest.mark.parametrize(
    ("around", "said"),
    [(never, "own"), (thrice, "a ba ba b"), (at_once, "a ba ba b"), (anonymous, "aa b")],
    ids=["never", "thrice", "at once", "first of one, then all"],
)
async def test_law_07_next_is_called_any_number_of_times(
    way: str, stack: Stack, cut: str, around: Around, said: str
) -> None:
    asked = said.count("a")
    inner: list[str] = []
    model = Provider(cut, answer("a b"))
    advisors = [*stack.made(), Steer(around), *stack.made(inner)]
    answered = await got(client_of(model, *advisors), way)

    assert answered.text == answered.response.text == said
    assert (model.opened, model.open_streams) == (asked, 0)
    count = len(noted(stack.made()))
    assert len(hooked(inner, "before")) == asked * count
    assert len([entry for entry in inner if ".close" in entry]) == asked * count


async def test_law_07_the_naive_around_is_right(way: str, stack: Stack, cut: str) -> None:
    model = Provider(cut, answer("a b"))
    inner, outer = Noted("inner"), Noted("outer")
    advisors = [outer, Naive(), *stack.made(), Naive(), inner]
    answered = await got(client_of(model, *advisors), way)

    assert answered.text == answered.response.text == "a b"
    assert inner.kinds == outer.kinds == [OutcomeKind.FINISHED]


async def test_law_07_a_dropped_stream_is_closed_before_the_next_delivery(
    stack: Stack, cut: str
) -> None:
    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event
            break
        yield TextDelta("!")

    model = Provider(cut, answer("a b"))
    inner = Noted("inner")
    open_at: dict[str, int] = {}
    async with client_of(model, *stack.half(), Steer(around), *stack.half(), inner).stream(
        "Why?"
    ) as stream:
        async for event in stream:
            if isinstance(event, TextDelta):
                open_at[event.text] = model.open_streams

    assert open_at["!"] == 0
    assert inner.kinds == [OutcomeKind.ABANDONED]


async def test_law_07_a_dropped_stream_is_closed_before_the_next_request(
    way: str, stack: Stack, cut: str
) -> None:
    open_at: list[int] = []
    model = Provider(cut, [lambda: open_at.append(model.open_streams), *answer("a b")])

    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        for _ in range(3):
            async for _ in next(request):
                break
        async for event in next(request):
            yield event

    inner = Noted("inner")
    await got(client_of(model, *stack.half(), Steer(around), *stack.half(), inner), way)

    assert open_at == [1, 1, 1, 1]
    assert inner.kinds == [OutcomeKind.ABANDONED] * 3 + [OutcomeKind.FINISHED]


async def test_law_07_what_is_still_open_is_closed_when_the_around_ends(
    way: str, stack: Stack, cut: str
) -> None:
    inner = Noted("inner")

    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        held = next(request)
        yield await anext(held)
        kept.append(held)

    kept: list[Any] = []
    model = Provider(cut, answer("a b"))
    seen: list[int] = []

    def after(response: ChatResponse, ctx: RunContext) -> ChatResponse:
        seen.append(model.open_streams)
        return response

    advisors = [Noted("outer", after=after), *stack.half(), Steer(around), *stack.half(), inner]
    answered = await got(client_of(model, *advisors), way)

    assert answered.text == "a"
    assert seen == [0]
    assert inner.kinds == [OutcomeKind.ABANDONED]


async def test_law_07_each_call_may_ask_something_else(way: str, stack: Stack, cut: str) -> None:
    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        for word in ("one", "two"):
            asked = request.with_messages([*request.messages, UserMessage(word)])
            async for event in next(asked):
                if isinstance(event, TextDelta):
                    yield event

    model = Provider(cut, answer("a"), answer("b"))
    answered = await got(client_of(model, *stack.half(), Steer(around), *stack.half()), way)

    assert answered.text == "ab"
    assert [request.user_text for request in model.requests] == ["one", "two"]


async def test_law_07_a_race_closes_the_loser(way: str, stack: Stack) -> None:
    """The first to speak wins."""
    inner = Noted("inner")
    slow = asyncio.Event()

    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        streams = [next(request), next(request)]
        pulls = [asyncio.ensure_future(anext(stream)) for stream in streams]
        done, _ = await asyncio.wait(pulls, return_when=asyncio.FIRST_COMPLETED)
        winner = pulls.index(done.pop())
        await streams[1 - winner].aclose()
        with pytest.raises((asyncio.CancelledError, StopAsyncIteration)):
            await pulls[1 - winner]
        yield pulls[winner].result()
        async for event in streams[winner]:
            yield event

    model = Provider("events", [slow.wait, *answer("slow")], answer("fast one"))
    answered = await got(client_of(model, *stack.half(), Steer(around), *stack.half(), inner), way)

    assert answered.text == "fast one"
    assert sorted(inner.kinds) == [OutcomeKind.ABANDONED, OutcomeKind.FINISHED]
    if way == "stream":
        assert texts(answered.events) == ["fast", " one"]
