"""Cases T13 to T18: when things begin, and when they are over."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest
from blockbuster import BlockBuster

from junto.core import (
    ConcurrentReadError,
    Finish,
    StreamConsumedError,
    SyncChatClient,
    TextDelta,
)

from ..kit import Naive, Noted, client_of, read, scripted, texts


@pytest.mark.parametrize("entered", [False, True])
async def test_t13_a_stream_that_is_never_read_calls_nobody(entered: bool) -> None:
    model, noted = scripted("never"), Noted("a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream = client_of(model, noted, Naive()).stream("?")
        if entered:
            async with stream:
                pass
        del stream
        gc.collect(0)

    assert (model.requests, noted.log) == ([], [])


async def test_t14_after_has_run_inner_first_before_the_stream_ends() -> None:
    log: list[str] = []
    async with client_of("a b", Noted("a1", log), Noted("a2", log)).stream("?") as stream:
        async for event in stream:
            at_finish = list(log) if isinstance(event, Finish) else []

    assert [entry for entry in at_finish if entry.endswith(".after")] == ["a2.after", "a1.after"]
    assert log == at_finish


async def test_t15_a_stream_read_by_its_response_is_not_silently_empty_afterwards() -> None:
    model = scripted("a b")
    stream = client_of(model, Noted("a")).stream("?")
    response = await stream.response()
    with pytest.raises(StreamConsumedError):
        await read(stream)

    assert response.text == "a b"
    assert await stream.response() is response
    assert len(model.requests) == 1


async def test_t16_a_second_reader_is_refused_and_the_first_loses_nothing() -> None:
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        waiting.set()
        await go_on.wait()

    model = scripted([TextDelta("a"), waits, TextDelta("b")])
    stream = client_of(model, Naive()).stream("?")
    first = asyncio.create_task(read(stream))
    await waiting.wait()
    with pytest.raises(ConcurrentReadError):
        await anext(stream)
    assert model.open_streams == 1
    go_on.set()

    assert texts(await first) == ["a", "b"]


async def test_t17_nothing_of_the_chain_runs_behind_the_readers_loop() -> None:
    log: list[str] = []
    stream = client_of("a b", Noted("a", log), Naive(), Noted("b", log)).stream("?")
    async for _ in stream:
        pass
    over = list(log)
    await asyncio.sleep(0)
    await stream.response()
    await stream.aclose()

    assert log == over
    assert [entry for entry in over if "close" in entry] == ["b.close finished", "a.close finished"]


async def test_t18_the_synchronous_client_works_inside_a_running_loop(
    blockbuster: BlockBuster,
) -> None:
    """As in a notebook, whose loop stands still meanwhile."""
    blockbuster.deactivate()
    noted = Noted("a")
    try:
        with SyncChatClient(scripted("a b"), advisors=[noted]) as client:
            assert client.call("?").text == "a b"
            with client.stream("?") as stream:
                assert "".join(stream.text()) == "a b"
    finally:
        blockbuster.activate()

    assert len(noted.outcomes) == 2
