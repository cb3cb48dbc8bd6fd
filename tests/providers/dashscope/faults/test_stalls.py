"""Services that stop, or drip: the clock that runs out, and the connection that is freed."""

import asyncio
from typing import Any

import pytest

from junto.core import ChatConnectionError, ChatTimeoutError, RateLimitedError
from junto.providers import asking
from junto.providers.dashscope import DashScopeModel, Timeouts
from junto.providers.transport import exchange as exchange_module

from ....standin.raw import ASK, DEAF, GONE, Endless
from ..conftest import hear
from .conftest import GUARD, Bench, acquired, until
from .ways import (
    COMPATIBLE,
    NATIVE,
    REQUEST_ID,
    STREAMS,
    TEXT,
    WAYS,
    Way,
    chunk,
    head,
)

SHORT = 0.03
DONE = b"data: [DONE]\n\n"
FIRST = Timeouts(first_event=SHORT, progress=GUARD)
PROGRESS = Timeouts(first_event=GUARD, progress=SHORT)
TOTAL = Timeouts(first_event=GUARD, progress=GUARD, total=SHORT)

every_way = pytest.mark.parametrize("way", WAYS, ids=str)
every_stream = pytest.mark.parametrize("way", STREAMS, ids=str)


def before_events(way: Way) -> dict[str, list[Any]]:
    return {
        "before the head": [GONE],
        "in the head": [b"HTTP/1.1 200 OK\r\nConte", GONE],
        "endless 100 Continue": [Endless([b"HTTP/1.1 100 Continue\r\n\r\n"])],
        "behind the head": [head(way), GONE],
        "in the first event": [head(way), way.body()[:20], GONE],
        "in a chunk's size": [head(way, Transfer_Encoding="chunked"), b"5;a=", Endless([b"x"])],
    }


def between_events(way: Way) -> dict[str, list[Any]]:
    silent = way.piece("")
    return {
        "between events": [GONE],
        "in an event": [way.piece()[:40], GONE],
        "in a character": [way.piece().split("你".encode())[0] + b"\xe4", GONE],
        "heartbeats": [Endless([b": heartbeat\n\n"])],
        "comments": [Endless([b":\n"])],
        "empty lines": [Endless([b"\n"])],
        "fields of no event": [Endless([b"id:1\nevent:result\nretry:1\n"])],
        "events with nothing in them": [Endless([silent])],
        "no JSON at all": [Endless([b"event:ping\ndata:\n\n"])],
    }


@pytest.mark.parametrize("place", before_events(NATIVE))
@every_way
async def test_an_answer_that_does_not_begin_is_on_the_first_clock(
    bench: Bench, way: Way, place: str
) -> None:
    heard = await bench.ask(way, ASK, *before_events(way)[place], timeouts=FIRST)

    assert type(heard.error) is ChatTimeoutError
    assert isinstance(heard.error, TimeoutError)
    assert heard.error.clock == "first_event"
    assert heard.error.retryable


@pytest.mark.parametrize("place", between_events(NATIVE))
@every_stream
async def test_an_answer_that_stops_is_on_the_clock_of_progress_whatever_else_comes(
    bench: Bench, way: Way, place: str
) -> None:
    script = [ASK, head(way), way.piece(), *between_events(way)[place]]
    heard = await bench.ask(way, *script, timeouts=PROGRESS)

    assert type(heard.error) is ChatTimeoutError
    assert heard.error.clock == "progress"
    assert heard.error.partial_text == TEXT
    assert heard.error.request_id == REQUEST_ID


@pytest.mark.parametrize("place", ["before the head", "behind the head", "between", "endless"])
@every_way
async def test_everything_is_on_the_last_clock_and_then_there_is_no_time_to_try_again(
    bench: Bench, way: Way, place: str
) -> None:
    scripts: dict[str, list[Any]] = {
        "before the head": [GONE],
        "behind the head": [head(way), GONE],
        "between": [head(way), way.piece()[: None if way.streamed else 20], GONE],
        "endless": [head(way), Endless([way.piece()]) if way.streamed else GONE],
    }
    heard = await bench.ask(way, ASK, *scripts[place], timeouts=TOTAL)

    assert type(heard.error) is ChatTimeoutError
    assert heard.error.clock == "total"
    assert not heard.error.retryable


@pytest.mark.parametrize("after", ["nothing", "heartbeats", "half an event"])
@every_way
async def test_a_whole_answer_does_not_need_the_end_of_its_connection(
    bench: Bench, way: Way, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_TAIL", SHORT)
    body = way.body() if way is not COMPATIBLE else way.piece() + way.piece("", "stop")
    ends: dict[str, Any] = {
        "nothing": GONE,
        "heartbeats": Endless([b": heartbeat\n\n"]),
        "half an event": b"data: {",
    }
    heard = await bench.ask(way, ASK, head(way), body, ends[after], GONE)

    assert heard.text == TEXT
    assert heard.error is None


async def test_the_tail_is_waited_for_a_second_and_no_longer() -> None:
    assert asking._TAIL == 1


async def test_usage_behind_the_reason_is_still_taken(bench: Bench) -> None:
    heard = await bench.ask(
        COMPATIBLE, ASK, head(COMPATIBLE), COMPATIBLE.body()[: -len(DONE)], GONE
    )

    assert heard.usage is not None
    assert heard.usage.total_tokens == 5


@every_way
async def test_a_body_that_drips_is_the_body(bench: Bench, way: Way) -> None:
    answer = head(way, Transfer_Encoding="chunked") + chunk(way.body()) + b"0\r\n\r\n"
    heard = await bench.ask(way, ASK, *(bytes([byte]) for byte in answer), GONE)

    assert heard.error is None
    assert heard.text == TEXT


async def test_an_error_body_that_does_not_end_leaves_the_status_to_speak(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_module, "_REASON", SHORT)
    heard = await bench.ask(NATIVE, ASK, head(status=429), b'{"code":"Thro', GONE)

    assert type(heard.error) is RateLimitedError
    assert heard.error.status == 429


async def test_a_handshake_that_stalls_is_on_the_clock_of_connecting(bench: Bench) -> None:
    async with bench.open(NATIVE, [GONE], timeouts=Timeouts(connect=SHORT)) as model:
        model._service.base_url = model.base_url.replace("http:", "https:")
        heard = await bench.hear(model, NATIVE)

    assert isinstance(heard.error, ChatTimeoutError)
    assert heard.error.clock == "connect"


@pytest.mark.parametrize("leave", ["cancel", "aclose"])
async def test_a_service_that_reads_nothing_does_not_keep_the_socket(
    bench: Bench, leave: str
) -> None:
    async with bench.open(NATIVE, [DEAF]) as model:
        asking = asyncio.create_task(hear(model, "x" * 20_000_000))
        await until(lambda: sending(model) is not None)
        transport = sending(model)
        assert transport is not None
        if leave == "cancel":
            asking.cancel()
        else:
            await model.aclose()
        await asyncio.wait([asking])
        await asyncio.sleep(0)
        bench.server.leave()

        assert transport.get_extra_info("socket").fileno() == -1
        assert asking.cancelled() or isinstance(asking.result().error, ChatConnectionError)


def sending(model: DashScopeModel) -> asyncio.Transport | None:
    """The transport that cannot get rid of what is to be sent, as soon as there is one."""
    found = [getattr(connection, "transport", None) for connection in acquired(model)]
    return next((one for one in found if one and one.get_write_buffer_size()), None)
