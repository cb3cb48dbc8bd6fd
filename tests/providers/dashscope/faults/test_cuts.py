"""A connection that is lost, at each place and in each manner: the error, and what had come."""

import pytest

from junto.core import ChatConnectionError, InterruptedStreamError

from ....standin.raw import ASK, CLOSE, GONE, HALF, RESET
from .conftest import Bench
from .ways import REQUEST_ID, STREAMS, TEXT, WAYS, Way, chunk, head

MANNERS = {"reset": [RESET], "close": [CLOSE], "half-close": [HALF, GONE]}
CUT_IN_HEAD = {
    "in the status": b"HTTP/1.1 2",
    "in a header": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "before the blank line": b"HTTP/1.1 200 OK\r\nX-Request-Id: 1\r\n",
}
FRAMINGS = ["to the end of the connection", "chunked", "with a length"]

every_way = pytest.mark.parametrize("way", WAYS, ids=str)
every_manner = pytest.mark.parametrize("manner", MANNERS)


def begun(way: Way, framing: str, body: bytes) -> bytes:
    """An answer that promises more than `body`."""
    match framing:
        case "chunked":
            return head(way, Transfer_Encoding="chunked") + chunk(body)
        case "with a length":
            return head(way, Content_Length=len(body) + 100) + body
        case _:
            return head(way) + body


@every_manner
@every_way
async def test_before_an_answer_begins_it_is_a_lost_connection(
    bench: Bench, way: Way, manner: str
) -> None:
    heard = await bench.ask(way, ASK, *MANNERS[manner])

    assert type(heard.error) is ChatConnectionError
    assert heard.error.retryable


async def test_before_the_question_was_read_it_is_a_lost_connection(bench: Bench) -> None:
    heard = await bench.ask(STREAMS[0], RESET)

    assert type(heard.error) is ChatConnectionError


@every_manner
@pytest.mark.parametrize("place", CUT_IN_HEAD)
async def test_inside_the_head_it_is_a_lost_connection_that_quotes_nothing(
    bench: Bench, place: str, manner: str
) -> None:
    heard = await bench.ask(STREAMS[0], ASK, CUT_IN_HEAD[place], *MANNERS[manner])

    assert type(heard.error) is ChatConnectionError
    assert heard.error.retryable
    assert "RawResponseMessage" not in str(heard.error)


@every_manner
@pytest.mark.parametrize("framing", FRAMINGS)
@every_way
async def test_before_the_first_event_the_answer_broke_off(
    bench: Bench, way: Way, framing: str, manner: str
) -> None:
    answer = begun(way, framing, way.body()[:30])
    heard = await bench.ask(way, ASK, answer, *MANNERS[manner])

    assert type(heard.error) is InterruptedStreamError
    assert heard.error.retryable
    assert heard.events == []


@every_manner
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("rest", ["", "in an event"])
@pytest.mark.parametrize("way", STREAMS, ids=str)
async def test_in_the_middle_what_had_come_is_kept(
    bench: Bench, way: Way, rest: str, framing: str, manner: str
) -> None:
    body = way.piece() + (way.piece()[:40] if rest else b"")
    heard = await bench.ask(way, ASK, begun(way, framing, body), *MANNERS[manner])

    assert type(heard.error) is InterruptedStreamError
    assert isinstance(heard.error, OSError)
    assert heard.error.partial_text == TEXT
    assert heard.error.request_id == REQUEST_ID
    assert heard.error.retryable


@every_manner
@pytest.mark.parametrize("framing", FRAMINGS)
@every_way
async def test_behind_a_whole_answer_it_is_nobodys_business(
    bench: Bench, way: Way, framing: str, manner: str
) -> None:
    heard = await bench.ask(way, ASK, begun(way, framing, way.body()), *MANNERS[manner])

    assert heard.error is None
    assert heard.text == TEXT


@every_manner
async def test_a_lost_error_body_leaves_the_status_to_speak(bench: Bench, manner: str) -> None:
    answer = head(status=429, Content_Length=99, X_Request_Id="r", Retry_After="7") + b'{"code":'
    heard = await bench.ask(STREAMS[0], ASK, answer, *MANNERS[manner])

    error = heard.error
    assert type(error).__name__ == "RateLimitedError"
    assert (getattr(error, "status", 0), getattr(error, "retry_after", 0)) == (429, 7)
    assert getattr(error, "request_id", "") == "r"
