"""The limits: what is just under one is read, and what is just over it is refused."""

import json
from typing import Any

import pytest

from junto.core import ContentFilteredError, ProtocolError, UnavailableError

from ....standin.raw import ASK, GONE, Endless
from .conftest import Bench
from .ways import NATIVE, NATIVE_PLAIN, PLAIN, STREAMS, TEXT, WAYS, Way, head

KIB = 1024
MIB = 1024 * KIB
EVENT, ANSWER, ERROR_BODY, ARGUMENTS = 8 * MIB, 16 * MIB, 64 * KIB, MIB

every_stream = pytest.mark.parametrize("way", STREAMS, ids=str)
just = pytest.mark.parametrize("over", [0, 1], ids=["just under", "just over"])


def padded(way: Way, line: int) -> bytes:
    """An event whose data line is that long."""
    prefix = b"data:" if way.is_native else b"data: "
    empty = way.piece("")
    missing = line - len(empty[empty.index(prefix) :].rstrip(b"\n"))
    return way.piece("x" * missing)


@just
@every_stream
async def test_a_line(bench: Bench, way: Way, over: int) -> None:
    event = padded(way, EVENT + over)
    assert max(map(len, event.split(b"\n"))) == EVENT + over
    heard = await bench.ask(way, ASK, head(way), event, way.end(), GONE)

    assert isinstance(heard.error, ProtocolError) is bool(over)
    assert (len(heard.text) > EVENT - 300) is not bool(over)


@just
@every_stream
async def test_the_lines_of_one_event(bench: Bench, way: Way, over: int) -> None:
    prefix = b"data:" if way.is_native else b"data: "
    first, data, rest = padded(way, EVENT + len(prefix) - 2 + over).partition(b"xx")
    cut = first + data + b"\ndata:" + rest  # the LF behind each line counts too
    heard = await bench.ask(way, ASK, head(way), cut, way.end(), GONE)

    assert isinstance(heard.error, ProtocolError) is bool(over)


@just
@every_stream
async def test_the_text_of_an_answer(bench: Bench, way: Way, over: int) -> None:
    part = way.piece("x" * (ANSWER // 16))
    script = [head(way), *[part] * 16, way.piece("!" * over), way.end()]
    heard = await bench.ask(way, ASK, *script, GONE)

    assert isinstance(heard.error, ProtocolError) is bool(over)
    assert len(heard.text) == ANSWER + over


@just
@pytest.mark.parametrize("way", PLAIN, ids=str)
async def test_the_body_of_a_plain_answer(bench: Bench, way: Way, over: int) -> None:
    missing = ANSWER + over - len(way.body(""))
    heard = await bench.ask(way, ASK, head(way), way.body("x" * missing), GONE)

    assert isinstance(heard.error, ProtocolError) is bool(over)
    assert len(heard.text) == (0 if over else missing)


@just
@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_the_body_of_an_error(bench: Bench, way: Way, over: int) -> None:
    body = json.dumps({"code": "DataInspectionFailed", "message": "", "request_id": "r"}).encode()
    body += b" " * (ERROR_BODY - len(body)) if not over else b"," + b" " * ERROR_BODY + b"}"
    heard = await bench.ask(way, ASK, head(status=400), body, GONE)

    assert type(heard.error).__name__ == (
        "RejectedRequestError" if over else "ContentFilteredError"
    )


async def test_an_error_body_of_the_limit_is_read_to_its_last_byte(bench: Bench) -> None:
    text = '{"code": "DataInspectionFailed", "message": "%s"}'
    body = (text % ("x" * (ERROR_BODY - len(text) + 2))).encode()
    assert len(body) == ERROR_BODY
    heard = await bench.ask(NATIVE, ASK, head(status=400), body, GONE)

    assert isinstance(heard.error, ContentFilteredError)


ENDLESS: dict[str, tuple[Any, ...]] = {
    "line": (b"data:", Endless([b"x" * 65536])),
    "comment": (b":", Endless([b"x" * 65536])),
    "field": (b"event:", Endless([b"x" * 65536])),
    "event": (Endless([b"data: [" + b"x" * 4096 + b"\n"]),),
    "line in pieces": (b"data:", Endless([b"x" * 4096])),
}


@pytest.mark.parametrize("what", ENDLESS)
@every_stream
async def test_an_event_without_end_is_refused(bench: Bench, way: Way, what: str) -> None:
    heard = await bench.ask(way, ASK, head(way), way.piece(), *ENDLESS[what])

    assert type(heard.error) is ProtocolError
    assert not heard.error.retryable
    assert heard.text == TEXT
    assert bench.server.calls[0].sent < 4 * EVENT


@pytest.mark.parametrize("way", PLAIN, ids=str)
async def test_a_plain_answer_without_end_is_refused(bench: Bench, way: Way) -> None:
    heard = await bench.ask(way, ASK, head(way), b'{"output":"', Endless([b"}" * 65536]))

    assert type(heard.error) is ProtocolError
    assert bench.server.calls[0].sent < 3 * ANSWER


async def test_an_error_body_without_end_is_left_at_its_limit(bench: Bench) -> None:
    heard = await bench.ask(NATIVE_PLAIN, ASK, head(status=502), Endless([b"x" * 4096]))

    assert type(heard.error) is UnavailableError
    assert heard.error.status == 502
    assert bench.server.calls[0].sent < 16 * MIB  # with what the sockets hold


HEADS: dict[str, tuple[Any, ...]] = {
    "headers": (b"HTTP/1.1 200 OK\r\n", Endless([b"X-A: y\r\n" * 20])),
    "a header": (b"HTTP/1.1 200 OK\r\nX-A: ", Endless([b"y" * 1000])),
    "a header's name": (b"HTTP/1.1 200 OK\r\n", Endless([b"y" * 1000])),
    "the reason": (b"HTTP/1.1 200 ", Endless([b"y" * 1000])),
    "large headers": (b"HTTP/1.1 200 OK\r\n", Endless([b"X-A: " + b"y" * 8000 + b"\r\n"])),
}


@pytest.mark.parametrize("what", HEADS)
async def test_a_head_without_end_is_refused(bench: Bench, what: str) -> None:
    heard = await bench.ask(NATIVE, ASK, *HEADS[what])

    assert type(heard.error) is ProtocolError
    assert bench.server.calls[0].sent < 16 * MIB


async def test_trailers_without_end_are_refused(bench: Bench) -> None:
    begun = head(NATIVE, Transfer_Encoding="chunked") + b"0\r\n"
    heard = await bench.ask(NATIVE, ASK, begun, Endless([b"X-A: y\r\n" * 20]))

    assert heard.error is not None
