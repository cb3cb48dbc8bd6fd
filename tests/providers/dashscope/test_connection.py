"""Connections: freed at once, never trusted, and measured by clocks of our own."""

import asyncio
import gc
import gzip
import logging
import traceback
from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast

import aiohttp
import pytest

from junto.core import (
    ChatConnectionError,
    ChatRequest,
    ChatTimeoutError,
    Event,
    InterruptedStreamError,
    ProtocolError,
    TextDelta,
    UnavailableError,
)
from junto.providers.dashscope import DashScopeModel, Timeouts
from junto.providers.transport import Clock

from ...standin import ABORT, GONE, Reply, StandIn, Step, recording
from .conftest import KEY, hear, sum_up

ANSWER = recording("native_incremental.sse")
FIRST, *REST = ANSWER.frames()
SOON = 5


def stream(model: DashScopeModel) -> AsyncGenerator[list[Event], None]:
    return cast("AsyncGenerator[list[Event], None]", model.stream(ChatRequest("hi")))


async def test_aclose_frees_the_connection(server: StandIn, model: DashScopeModel) -> None:
    server.will(Reply([FIRST, GONE]))
    events = stream(model)
    await anext(events)
    await events.aclose()

    async with asyncio.timeout(SOON):
        await server.asked[0].gone.wait()


async def test_a_cancelled_read_frees_the_connection(
    server: StandIn, model: DashScopeModel
) -> None:
    read = asyncio.Event()
    server.will(Reply([FIRST, GONE]))

    async def reader() -> None:
        async for _ in model.stream(ChatRequest("hi")):
            read.set()

    task = asyncio.create_task(reader())
    await read.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(SOON):
        await server.asked[0].gone.wait()


async def test_a_request_cancelled_before_its_first_byte_frees_the_connection(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply([GONE]))
    task = asyncio.create_task(hear(model))
    async with asyncio.timeout(SOON):
        await server.came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.asked[0].gone.wait()


async def test_a_dropped_stream_frees_the_connection(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply([FIRST, GONE]))
    async for _ in model.stream(ChatRequest("hi")):
        break
    gc.collect()

    async with asyncio.timeout(SOON):
        await server.asked[0].gone.wait()


async def test_a_whole_answer_leaves_its_connection_to_the_next(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply.of(ANSWER))
    for _ in range(3):
        await hear(model)

    assert len({id(asked.connection) for asked in server.asked}) == 1


async def test_the_end_of_the_answer_does_not_wait_for_the_end_of_the_connection(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply([ANSWER.body, GONE]))
    async with asyncio.timeout(SOON):
        heard = await hear(model)

        assert heard.finish is not None
        assert heard.error is None
        await server.asked[0].gone.wait()


async def test_what_comes_after_the_end_is_dropped(server: StandIn, model: DashScopeModel) -> None:
    server.will(Reply([ANSWER.body + FIRST + b"data: nonsense\n\n"]))

    heard = await hear(model)

    assert heard.text == ANSWER.expect["text"]
    assert heard.error is None


async def test_text_that_arrived_before_the_connection_broke_is_kept(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply([FIRST, REST[0], ABORT]))

    heard = await hear(model)

    assert isinstance(heard.error, InterruptedStreamError)
    assert isinstance(heard.error, OSError)
    assert heard.error.partial_text == heard.text
    assert heard.error.request_id == ANSWER.expect["request_id"]


async def test_a_broken_connection_behind_a_whole_answer_is_no_error(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply([ANSWER.body, ABORT]))

    heard = await hear(model)

    assert heard.finish is not None


async def test_an_empty_answer_is_an_interrupted_one(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply([]))

    assert isinstance((await hear(model)).error, InterruptedStreamError)


async def test_nobody_listening_is_a_connection_error() -> None:
    async with StandIn() as server:
        url = server.url
    async with DashScopeModel(api_key=KEY, base_url=url) as model:
        heard = await hear(model)

    assert isinstance(heard.error, ChatConnectionError)
    assert isinstance(heard.error, ConnectionError)


async def test_a_redirect_is_refused_and_the_key_goes_nowhere(
    server: StandIn, model: DashScopeModel
) -> None:
    async with StandIn(Reply.of(ANSWER)) as elsewhere:
        server.will(Reply(status=307, headers={"Location": elsewhere.url}))
        heard = await hear(model)

        assert isinstance(heard.error, ProtocolError)
        assert "127.0.0.1" in str(heard.error)
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "Text/Event-Stream"},
        {"Content-Type": "application/json"},
    ],
)
async def test_a_stream_is_known_by_its_content(
    server: StandIn, model: DashScopeModel, headers: dict[str, str]
) -> None:
    server.will(Reply([ANSWER.body], headers=headers))

    assert (await hear(model)).text == ANSWER.expect["text"]


async def test_json_where_a_stream_was_asked_for_is_read(
    server: StandIn, model: DashScopeModel
) -> None:
    whole = recording("native_json_message_null_legacy_fields.json")
    server.will(Reply([whole.body]))

    assert (await hear(model)).text == whole.expect["text"]


async def test_an_error_as_json_with_status_200_is_an_error(
    server: StandIn, model: DashScopeModel
) -> None:
    body = recording("err_500_native_internal.json").body
    server.will(Reply([body], headers={"Content-Type": "application/json"}))

    assert isinstance((await hear(model)).error, UnavailableError)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/html"},
        {"Content-Type": "text/event-stream", "Content-Encoding": "br"},
        {"Content-Type": "text/event-stream", "Content-Encoding": "rot13"},
    ],
)
async def test_what_nobody_agreed_on_is_refused(
    server: StandIn, model: DashScopeModel, headers: dict[str, str]
) -> None:
    server.will(Reply([ANSWER.body], headers=headers))

    assert isinstance((await hear(model)).error, ProtocolError)


async def test_a_compressed_stream_is_read_all_the_same(
    server: StandIn, model: DashScopeModel
) -> None:
    headers = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}
    server.will(Reply([gzip.compress(ANSWER.body)], headers=headers))

    assert (await hear(model)).text == ANSWER.expect["text"]


async def test_a_broken_compression_is_a_protocol_error(
    server: StandIn, model: DashScopeModel
) -> None:
    headers = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}
    server.will(Reply([b"not gzip at all"], headers=headers))

    assert isinstance((await hear(model)).error, ProtocolError)


@pytest.mark.parametrize(
    "body",
    [
        b"data: nonsense\n\n",
        b"data: [1, 2]\n\n",
        b'data: {"output": 3}\n\n',
        b'data: {"output": {"choices": [{"message": {"content": 5}}]}}\n\n',
        b"data: " + b"[" * 100_000 + b"\n\n",
        b'data: {"output": {"text": ' + b"9" * 5000 + b"}}\n\n",
    ],
)
async def test_a_frame_that_is_none_is_a_protocol_error_with_what_came_before(
    server: StandIn, model: DashScopeModel, body: bytes
) -> None:
    server.will(Reply([FIRST + body]))

    heard = await hear(model)

    assert isinstance(heard.error, ProtocolError)
    assert heard.error.partial_text == heard.text != ""


async def test_an_event_beyond_the_limit_is_refused(server: StandIn, model: DashScopeModel) -> None:
    server.will(Reply([b"data:", *[b"x" * 1024 * 1024] * 9, GONE]))

    heard = await hear(model)

    assert isinstance(heard.error, ProtocolError)
    assert "longer" in str(heard.error)


async def test_a_large_line_is_read(server: StandIn, model: DashScopeModel) -> None:
    text = "很长" * 700_000
    frame = FIRST.replace("我是".encode(), text.encode())
    server.will(Reply([frame, *REST]))

    assert (await hear(model)).text.startswith(text)


async def test_an_endless_error_page_is_cut(server: StandIn, model: DashScopeModel) -> None:
    page = [b"x" * 65_536] * 4
    server.will(Reply([*page, GONE], status=502, headers={"Content-Type": "text/html"}))
    async with asyncio.timeout(SOON):
        heard = await hear(model)

    assert isinstance(heard.error, UnavailableError)
    assert len(str(heard.error)) <= 500


async def clocked(server: StandIn, steps: Sequence[Step], **limits: float) -> ChatTimeoutError:
    server.will(Reply(steps))
    async with DashScopeModel(
        api_key=KEY, base_url=server.url, timeouts=Timeouts(**limits)
    ) as model:
        heard = await hear(model)
    assert isinstance(heard.error, ChatTimeoutError)
    assert isinstance(heard.error, TimeoutError)
    assert heard.error.partial_text == heard.text
    async with asyncio.timeout(SOON):
        await server.asked[-1].gone.wait()
    return heard.error


async def test_the_first_event_has_a_clock_that_comments_do_not_stop(server: StandIn) -> None:
    beats = [part for _ in range(100) for part in (b":keepalive\n\n", 0.02)]

    assert (await clocked(server, beats, first_event=0.1)).clock == "first_event"


async def test_headers_that_never_come_are_on_the_same_clock() -> None:
    through = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        through.set()

    listener = await asyncio.start_server(deaf, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with DashScopeModel(
        api_key=KEY, base_url=url, timeouts=Timeouts(first_event=0.05)
    ) as model:
        heard = await hear(model)
        async with asyncio.timeout(SOON):
            await through.wait()
    listener.close()

    assert isinstance(heard.error, ChatTimeoutError)
    assert heard.error.clock == "first_event"


async def test_progress_has_a_clock_that_comments_and_empty_frames_do_not_stop(
    server: StandIn,
) -> None:
    empty = FIRST.replace("我是".encode(), b"")
    beats = [part for _ in range(100) for part in (b":keepalive\n\n", empty, 0.02)]
    error = await clocked(server, [FIRST, *beats], progress=0.1)

    assert error.clock == "progress"
    assert error.partial_text == "我是"


async def test_everything_has_a_clock(server: StandIn) -> None:
    steady = [part for _ in range(200) for part in (FIRST, 0.02)]

    assert (await clocked(server, steady, total=0.15)).clock == "total"


async def test_a_slow_reader_is_not_the_services_fault(server: StandIn) -> None:
    go = asyncio.Event()
    server.will(Reply([FIRST, go, *REST]))
    async with DashScopeModel(
        api_key=KEY, base_url=server.url, timeouts=Timeouts(progress=0.1)
    ) as model:
        events: list[Event] = []
        async for batch in model.stream(ChatRequest("hi")):
            if not events:
                await asyncio.sleep(0.2)
                go.set()
            events += batch

    assert sum_up(events).text == ANSWER.expect["text"]


async def test_what_came_in_time_counts_however_late_it_is_asked_for(server: StandIn) -> None:
    go = asyncio.Event()
    server.will(Reply([FIRST, go, b"".join(REST)]))
    limits = Timeouts(total=0.2)
    async with DashScopeModel(api_key=KEY, base_url=server.url, timeouts=limits) as model:
        events: list[Event] = []
        async for batch in model.stream(ChatRequest("hi")):
            if not events:
                go.set()
                await asyncio.sleep(0.4)
            events += batch

    assert sum_up(events).text == ANSWER.expect["text"]


async def test_a_stream_keeps_one_timer_however_many_reads_wait(
    server: StandIn, model: DashScopeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    armed: list[float] = []
    loop = asyncio.get_running_loop()
    call_at = loop.call_at

    def count(when: float, callback: Any, *args: Any, **more: Any) -> asyncio.TimerHandle:
        if getattr(callback, "__self__", None).__class__ is Clock:
            armed.append(when)
        return call_at(when, callback, *args, **more)

    monkeypatch.setattr(loop, "call_at", count)
    go = asyncio.Event()
    server.will(Reply([part for _ in range(20) for part in (FIRST, 0.001)] + [go, *REST]))
    async for _ in model.stream(ChatRequest("hi")):
        reads += 1
        if reads == 5:
            go.set()

    assert reads > 5
    # One for the first event, and one that is due earlier for progress.
    assert len(armed) == 2


async def test_what_was_asked_is_not_kept_while_the_answer_comes(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply([FIRST, GONE]))
    events = cast("Any", stream(model))
    await anext(events)
    kept = [type(value).__name__ for value in events.ag_frame.f_locals.values()]
    await events.aclose()

    assert not {"Call", "ChatRequest"} & {*kept}


async def test_a_place_in_the_pool_is_on_the_clock_of_connecting(server: StandIn) -> None:
    server.will(Reply([FIRST, GONE]))
    async with DashScopeModel(
        api_key=KEY, base_url=server.url, timeouts=Timeouts(connect=0.05), connections=1
    ) as model:
        busy = stream(model)
        await anext(busy)
        heard = await hear(model)
        await busy.aclose()

    assert isinstance(heard.error, ChatTimeoutError)
    assert heard.error.clock == "connect"


def test_one_model_serves_one_loop_after_another() -> None:
    model_of: list[DashScopeModel] = []

    async def ask() -> str:
        async with StandIn(Reply.of(ANSWER)) as server:
            if not model_of:
                model_of.append(DashScopeModel(api_key=KEY, base_url=server.url))
            model_of[0]._service.base_url = server.url
            return (await hear(model_of[0])).text

    for _ in range(3):
        assert asyncio.run(ask()) == ANSWER.expect["text"]
    asyncio.run(model_of[0].aclose())
    gc.collect()


async def test_closing_the_model_interrupts_the_stream_that_is_read(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply([FIRST, GONE]))
    events = stream(model)
    first = await anext(events)
    read = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    await model.aclose()
    with pytest.raises(InterruptedStreamError, match="model was closed") as caught:
        async with asyncio.timeout(SOON):
            await read

    assert caught.value.partial_text == sum_up(first).text
    assert caught.value.request_id == ANSWER.expect["request_id"]


async def test_closing_the_model_on_another_loop_interrupts_the_stream_too(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply([FIRST, GONE]))
    events = stream(model)
    await anext(events)
    read = asyncio.ensure_future(anext(events))
    await asyncio.to_thread(lambda: asyncio.run(model.aclose()))

    with pytest.raises(InterruptedStreamError, match="model was closed"):
        async with asyncio.timeout(SOON):
            await read


async def test_closing_the_model_interrupts_a_request_without_an_answer(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply([GONE]))
    task = asyncio.create_task(hear(model))
    async with asyncio.timeout(SOON):
        await server.came.wait()
        await model.aclose()
        heard = await task

    assert isinstance(heard.error, ChatConnectionError | InterruptedStreamError)


async def test_a_session_that_was_given_is_used_and_left_open(server: StandIn) -> None:
    server.will(Reply.of(ANSWER))
    async with aiohttp.ClientSession(headers={"X-Mine": "1"}) as session:
        async with DashScopeModel(api_key=KEY, base_url=server.url, session=session) as model:
            await hear(model)
        assert not session.closed

    assert server.asked[0].headers["X-Mine"] == "1"


async def test_cookies_are_not_kept(server: StandIn, model: DashScopeModel) -> None:
    headers = {"Content-Type": "text/event-stream", "Set-Cookie": "acw_tc=1"}
    server.will(Reply([ANSWER.body], headers=headers))
    for _ in range(2):
        await hear(model)

    assert "Cookie" not in server.asked[1].headers


async def test_the_key_is_nowhere_to_be_seen(
    server: StandIn, model: DashScopeModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    leak = f'{{"code":"Bad {KEY}","message":"no: Bearer {KEY}","request_id":"{KEY}"}}'.encode()
    server.will(
        Reply([leak], status=400, headers={"Content-Type": "application/json"}),
        Reply([b"id:1\nevent:error\n:HTTP_STATUS/400\ndata:" + leak + b"\n\n"]),
        Reply([b"data: " + KEY.encode() + b"\n\n"]),
        Reply([ABORT]),
        Reply([], headers={"Content-Type": KEY}),
        Reply([], status=302, headers={"Location": f"https://{KEY}/"}),
    )
    shown = [repr(model), str(vars(model))]
    for _ in range(6):
        error = (await hear(model)).error
        assert error is not None
        shown += [str(error), repr(error), str(vars(error))]
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown += [line for line in trace.format() if "test_connection" not in line]

    assert not [text for text in [*shown, caplog.text] if KEY in text]


async def test_text_is_never_empty_padding(server: StandIn, model: DashScopeModel) -> None:
    server.will(Reply.of(ANSWER))

    heard = await hear(model)

    assert all(e.text for e in heard.events if isinstance(e, TextDelta))
