"""Connections that are used again, and those that have gone stale meanwhile."""

import asyncio
from typing import Any

import pytest

from junto.core import ChatConnectionError

from ....standin.raw import ASK, CLOSE, GONE, HALF, RESET
from .conftest import Bench, until
from .ways import NATIVE, TEXT, WAYS, Way, chunk, head, sized

every_way = pytest.mark.parametrize("way", WAYS, ids=str)
STALE = {"close": [CLOSE], "reset": [RESET], "half-close": [HALF, GONE]}


def whole(way: Way, text: str = TEXT) -> bytes:
    return sized(way, way.body(text))


@every_way
async def test_a_whole_answer_leaves_its_connection_to_the_next(bench: Bench, way: Way) -> None:
    chunked = head(way, Transfer_Encoding="chunked") + chunk(way.body("2")) + b"0\r\n\r\n"
    script = [ASK, whole(way, "1"), ASK, chunked, ASK, whole(way, "3"), GONE]
    async with bench.open(way, script) as model:
        heard = [(await bench.hear(model, way)).text for _ in range(3)]

    assert heard == ["1", "2", "3"]
    assert len(bench.server.calls) == 1


@pytest.mark.parametrize("manner", STALE)
@every_way
async def test_an_idle_connection_that_was_closed_is_not_used(
    bench: Bench, way: Way, manner: str
) -> None:
    seen = asyncio.Event()
    stale: list[Any] = [ASK, whole(way), seen, *STALE[manner]]
    async with bench.open(way, stale, [ASK, whole(way, "new"), GONE]) as model:
        await bench.hear(model, way)
        seen.set()
        await until(lambda: not idle(model))
        heard = await bench.hear(model, way)

    assert heard.text == "new"
    assert heard.error is None
    assert len(bench.server.calls) == 2


@pytest.mark.parametrize("manner", STALE)
@every_way
async def test_one_that_is_closed_as_the_question_is_sent_is_lost_and_not_asked_again(
    bench: Bench, way: Way, manner: str
) -> None:
    script = [ASK, whole(way), ASK, *STALE[manner]]
    async with bench.open(way, script, [ASK, whole(way, "new"), GONE]) as model:
        await bench.hear(model, way)
        heard = await bench.hear(model, way)
        again = await bench.hear(model, way)

    assert type(heard.error) is ChatConnectionError
    assert heard.error.retryable
    assert [len(call.requests) for call in bench.server.calls] == [2, 1]
    assert again.text == "new"


@every_way
async def test_what_follows_an_answer_is_not_the_next_ones(bench: Bench, way: Way) -> None:
    smuggled = [ASK, whole(way, "1"), whole(way, "smuggled"), GONE]
    async with bench.open(way, smuggled, [ASK, whole(way, "2"), GONE]) as model:
        first = await bench.hear(model, way)
        second = await bench.hear(model, way)

    assert {first.text, second.text} <= {"1", "2", ""}


@every_way
async def test_what_comes_unasked_is_not_the_next_ones(bench: Bench, way: Way) -> None:
    answered, go = asyncio.Event(), asyncio.Event()
    unasked = [ASK, whole(way, "1"), answered, whole(way, "unasked"), go, GONE]
    async with bench.open(way, unasked, [ASK, whole(way, "2"), GONE]) as model:
        await bench.hear(model, way)
        answered.set()
        await until(lambda: spoken_to(model))
        go.set()
        heard = await bench.hear(model, way)

    assert heard.text == "2"


async def test_an_answer_that_goes_on_for_ever_does_not_keep_its_connection(bench: Bench) -> None:
    script = [ASK, head(NATIVE), NATIVE.body(), NATIVE.piece() * 2000, GONE]
    async with bench.open(NATIVE, script) as model:
        for _ in range(2):
            assert (await bench.hear(model, NATIVE)).text == TEXT

    assert len(bench.server.calls) == 2


@pytest.mark.parametrize("word", ["close", "keep-alive, close"])
async def test_a_connection_that_is_to_be_closed_is_not_kept(bench: Bench, word: str) -> None:
    script = [ASK, sized(NATIVE, NATIVE.body(), Connection=word), GONE]
    async with bench.open(NATIVE, script) as model:
        for _ in range(2):
            assert (await bench.hear(model, NATIVE)).text == TEXT

    assert len(bench.server.calls) == 2


def pool(model: Any) -> list[Any]:
    """The connections that wait for the next question: aiohttp's protocols."""
    [keeper] = model._service.transport._sessions._keepers.values()
    return [pair[0] for pairs in keeper.session.connector._conns.values() for pair in pairs]


def idle(model: Any) -> bool:
    return any(one.connected and not one.transport.is_closing() for one in pool(model))


def spoken_to(model: Any) -> bool:
    return any(one.should_close for one in pool(model))
