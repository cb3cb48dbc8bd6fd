"""What no list foresaw, from the caller's side."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from blockbuster import BlockBuster

from junto.core import (
    Advisor,
    ChatClient,
    ChatRequest,
    ChatResponse,
    ContextKey,
    Event,
    Finish,
    RunContext,
    SaveError,
    StreamClosedError,
    TextDelta,
    UserMessage,
)

from ..kit import (
    Naive,
    Noted,
    Saver,
    Texts,
    asked,
    both_ways,
    client_of,
    keep,
    read,
    scripted,
    text_of,
    texts,
)
from .plugins import Retry


def test_one_client_in_two_threads_at_the_very_same_time(blockbuster: BlockBuster) -> None:
    both = Barrier(2, timeout=20)

    def meet() -> None:
        both.wait()

    client = client_of([TextDelta("a"), meet, TextDelta("b"), meet], Noted("n"), Naive())

    def ask(_: int) -> list[str]:
        async def reads() -> list[str]:
            return [await text_of(client.stream("?")) for _ in range(5)]

        return asyncio.run(reads())

    # The barrier blocks, so that both are in the midst of it at once.
    blockbuster.deactivate()
    try:
        with ThreadPoolExecutor(2) as threads:
            assert list(threads.map(ask, range(2))) == [["ab"] * 5] * 2
    finally:
        blockbuster.activate()


@both_ways
async def test_a_failed_run_leaves_the_client_as_good_as_new(way: str) -> None:
    noted = Noted("n")
    client = client_of(scripted([OSError("cut")], "a", [OSError("cut")], "b"), noted, Naive())
    for text in ("a", "b"):
        with pytest.raises(OSError, match="cut"):
            await asked(client, way)
        assert (await asked(client, way)).text == text

    assert len(noted.outcomes) == 4


@both_ways
async def test_saves_inside_a_retry_and_outside_see_the_same_response(way: str) -> None:
    outer, inner = Saver(name="outer"), Saver(name="inner")
    model = scripted([OSError("cut")], "a b")
    response = await asked(client_of(model, outer, Retry(), Texts(str.upper), inner), way)

    assert outer.saved == inner.saved == [response]
    assert response.text == "A B"


@both_ways
async def test_a_save_that_asks_the_same_client_is_no_deadlock(way: str) -> None:
    class Sums(Advisor):
        async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
            async def save(response: ChatResponse) -> None:
                sums.append((await plain.call("Sum up!")).text)

            ctx.add_save(save)
            return request

    sums: list[str] = []
    client = client_of("a b", Sums())
    plain = client.mutate(without=["Sums"])
    await asked(client, way)

    assert sums == ["a b"]


async def test_a_reader_that_reads_and_is_told_of_a_failed_save_has_no_finish_in_hand() -> None:
    async def save(response: ChatResponse) -> None:
        raise OSError("full")

    class Broken(Advisor):
        async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
            ctx.add_save(save)
            return request

    seen: list[Event] = []
    stream = client_of("a b", Naive(), Broken()).stream("?")
    with pytest.raises(SaveError):
        await keep(stream, seen)

    assert texts(seen) == ["a", " b"]
    assert not any(isinstance(event, Finish) for event in seen)


async def test_a_stream_closed_before_it_was_read_says_so() -> None:
    model = scripted("never")
    stream = client_of(model, Noted("n")).stream("?")
    await stream.aclose()
    with pytest.raises(StreamClosedError):
        await anext(stream)
    with pytest.raises(StreamClosedError):
        await stream.response()

    assert model.requests == []


async def test_a_view_given_up_in_the_midst_leaves_the_stream_to_be_read_on() -> None:
    stream = client_of("a b c", Naive()).stream("?")
    async for piece in stream.text():
        assert piece == "a"
        break
    gc.collect(0)

    assert texts(await read(stream)) == [" b", " c"]
    assert (await stream.response()).text == "a b c"


@both_ways
async def test_what_a_caller_does_to_its_list_of_messages_changes_no_run(way: str) -> None:
    messages: list[Any] = [UserMessage("Why?")]
    model = scripted("a b")
    client = client_of(model, Naive())
    stream = client.stream(messages=messages)
    messages.clear()
    if way == "call":
        await stream.response()
    else:
        await read(stream)

    assert [message.text for message in model.requests[0].messages] == ["Why?"]


KEY = ContextKey[list[str]]("test.list")


@both_ways
async def test_a_client_without_advisors_in_a_client_with_fifty_shares_no_context(way: str) -> None:
    told: list[bool] = []

    def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        told.append(KEY in ctx)
        ctx[KEY] = []
        return request

    one = ChatClient(scripted("a"), advisors=[Noted("n", before=before)])
    many = one.mutate(advisors=[Naive(str(i)) for i in range(50)])
    for client in (one, many, one):
        assert (await asked(client, way)).text == "a"

    assert told == [False] * 3
