"""Law 9: nothing runs before the first pull."""

from __future__ import annotations

import gc
import warnings
from collections.abc import AsyncIterator

from junto.core import ChatRequest, Event, Next

from ..kit import Noted, Steer, client_of
from .lab import Provider, Stack, answer, got


async def test_law_09_a_stream_that_is_never_read_asks_nobody_and_says_nothing(
    stack: Stack, cut: str
) -> None:
    log: list[str] = []
    model = Provider(cut, answer("never"))
    client = client_of(model, *stack.made(log))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream = client.stream("Why?")
        del stream
        gc.collect(0)

    assert (model.requests, log) == ([], [])


async def test_law_09_a_block_that_reads_nothing_asks_nobody(stack: Stack, cut: str) -> None:
    log: list[str] = []
    model = Provider(cut, answer("never"))
    async with client_of(model, *stack.made(log)).stream("Why?") as stream:
        iterator = aiter(stream)
        view = stream.text()
    del iterator, view

    assert (model.requests, log) == ([], [])


async def test_law_09_a_call_that_is_not_awaited_asks_nobody(stack: Stack) -> None:
    log: list[str] = []
    model = Provider("events", answer("never"))
    client_of(model, *stack.made(log)).call("Why?").close()

    assert (model.requests, log) == ([], [])


async def test_law_09_next_runs_nothing_before_its_first_pull(
    way: str, stack: Stack, cut: str
) -> None:
    inner = Noted("inner")

    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        unread = [next(request) for _ in range(3)]
        assert (inner.log, model.requests) == ([], [])
        await unread[0].aclose()
        async for event in next(request):
            yield event

    model = Provider(cut, answer("Yes"))
    answered = await got(client_of(model, *stack.made(), Steer(around), inner), way)

    assert answered.text == "Yes"
    assert len(model.requests) == 1
