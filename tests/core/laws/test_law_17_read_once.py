"""Law 17: a stream is read once, by one reader at a time, and misuse has a name."""

from __future__ import annotations

import asyncio

import pytest

from junto.core import (
    ConcurrentReadError,
    StreamClosedError,
    StreamConsumedError,
    TextDelta,
)

from ..kit import client_of, read, texts
from .lab import Provider, Stack, answer


async def test_law_17_response_drains_what_is_left_and_is_the_same_object_each_time(
    stack: Stack, cut: str
) -> None:
    stream = client_of(Provider(cut, answer("a b c")), *stack.made()).stream("Why?")
    older = aiter(stream)
    first = await anext(older)
    response = await stream.response()

    assert first == TextDelta("a")
    assert response.text == "a b c"
    assert await stream.response() is response
    with pytest.raises(StreamConsumedError):
        await anext(older)
    with pytest.raises(StreamConsumedError):
        await read(stream)


async def test_law_17_there_is_one_iterator(stack: Stack) -> None:
    stream = client_of(Provider("events", answer("a b c")), *stack.made()).stream("Why?")
    first, second = aiter(stream), aiter(stream)
    pieces = [await anext(first), await anext(second), await anext(stream.text())]
    await stream.aclose()

    assert first is second
    assert pieces == [TextDelta("a"), TextDelta(" b"), " c"]


async def test_law_17_after_a_failure_response_raises_the_runs_error(
    stack: Stack, cut: str
) -> None:
    trouble = OSError("cut")
    stream = client_of(Provider(cut, [TextDelta("a"), trouble]), *stack.made()).stream("Why?")
    for _ in range(2):
        with pytest.raises(OSError, match="cut") as caught:
            await stream.response()
        assert caught.value is trouble
    with pytest.raises(OSError, match="cut") as caught:
        await anext(stream)

    assert caught.value is trouble


async def test_law_17_after_an_early_exit_response_raises_a_closed_error_with_the_part(
    stack: Stack, cut: str
) -> None:
    async with client_of(Provider(cut, answer("a b c")), *stack.made()).stream("Why?") as stream:
        await anext(stream)
    for _ in range(2):
        with pytest.raises(StreamClosedError) as caught:
            await stream.response()
        assert caught.value.response is not None
        assert caught.value.response.text == "a"
        assert caught.value.response.finish_reason is None


@pytest.mark.parametrize("second", ["anext", "response"])
async def test_law_17_a_second_reader_is_refused_and_the_first_loses_nothing(
    stack: Stack, second: str
) -> None:
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        waiting.set()
        await go_on.wait()

    model = Provider("events", [TextDelta("a"), waits, *answer("b c")])
    stream = client_of(model, *stack.made()).stream("Why?")
    first = asyncio.create_task(read(stream))
    await waiting.wait()
    with pytest.raises(ConcurrentReadError):
        await (anext(stream) if second == "anext" else stream.response())
    assert model.open_streams == 1
    go_on.set()

    assert texts(await first) == ["a", "b", " c"]
    assert (await stream.response()).text == "ab c"
