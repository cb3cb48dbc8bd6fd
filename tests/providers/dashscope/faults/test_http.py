"""Answers that are odd HTTP: what is read all the same, and what is refused and how."""

from typing import Any

import pytest

from junto.core import (
    ChatError,
    InterruptedStreamError,
    ProtocolError,
    RejectedRequestError,
    UnavailableError,
)

from ....standin.raw import ASK, CLOSE, GONE
from ..conftest import KEY
from .conftest import Bench
from .ways import (
    NATIVE,
    NATIVE_PLAIN,
    PLAIN,
    REQUEST_ID,
    STREAMS,
    TEXT,
    WAYS,
    Head,
    Way,
    chunk,
    head,
    sized,
)

every_way = pytest.mark.parametrize("way", WAYS, ids=str)


def fine(way: Way) -> dict[str, list[Any]]:
    body, cut = way.body(), len(way.body()) // 2
    chunked = head(way, Transfer_Encoding="chunked")
    return {
        "HTTP/1.0": [bytes(Head(200, {"Content-Type": way.content_type}, "1.0")), body, CLOSE],
        "one chunk": [chunked, chunk(body), b"0\r\n\r\n"],
        "two chunks": [chunked, chunk(body[:cut]), chunk(body[cut:]), b"0\r\n\r\n"],
        "a chunk a byte": [chunked, *(chunk(bytes([byte])) for byte in body), b"0\r\n\r\n"],
        "chunks with extensions": [chunked, b"%x;a=b\r\n" % len(body) + body + b"\r\n0\r\n\r\n"],
        "trailers": [chunked, chunk(body), b"0\r\nX-Late: 1\r\n\r\n"],
        "a body without its last chunk": [chunked, chunk(body), GONE],
        "a length": [sized(way, body)],
        "no length": [head(way), body, CLOSE],
        "too long a length": [head(way, Content_Length=len(body) + 9), body, CLOSE],
        "100 Continue": [b"HTTP/1.1 100 Continue\r\n\r\n" * 3, sized(way, body)],
        "103 Early Hints": [b"HTTP/1.1 103 Early\r\nLink: </>\r\n\r\n", sized(way, body)],
        "no content type": [head(way, Content_Type=None), body, CLOSE],
        "an empty content type": [head(way, Content_Type=""), body, CLOSE],
        "text/plain": [head(way, Content_Type="text/plain; charset=x"), body, CLOSE],
        "the other content type": [head(way, Content_Type=other(way)), body, CLOSE],
        "capitals": [head(way, Content_Type=way.content_type.upper()), body, CLOSE],
        "identity": [head(way, Content_Encoding="Identity"), body, CLOSE],
        "odd bytes in the head": [head(way, X_Odd="\xff\xe4"), body, CLOSE],
        "a byte order mark": [head(way), b"\xef\xbb\xbf" + body, CLOSE],
        "white space around it": [head(way), b"\n\n" + body + b"\n\n", CLOSE],
        "more than its answer": [head(way), body, b"\ndata: {nonsense\n\n", GONE],
    }


def other(way: Way) -> str:
    return "application/json" if way.streamed else "text/event-stream"


@pytest.mark.parametrize("what", fine(NATIVE))
@every_way
async def test_odd_but_fine(bench: Bench, way: Way, what: str) -> None:
    heard = await bench.ask(way, ASK, *fine(way)[what], GONE)

    assert heard.text == TEXT
    assert heard.error is None
    assert heard.finish is not None
    assert heard.finish.metadata["request_id"] == REQUEST_ID


ODD: dict[str, tuple[bytes, type[ChatError], str]] = {
    "no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", ProtocolError, "HTTP"),
    "no head": (b"<html>hello</html>", ProtocolError, "HTTP"),
    "another TLS": (b"\x15\x03\x01\x00\x02\x02\x46", ProtocolError, "HTTP"),
    "a zero byte": (head(X_A="a\0b"), ProtocolError, "HTTP"),
    "a negative length": (head(Content_Length=-5), ProtocolError, "HTTP"),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        ProtocolError,
        "HTTP",
    ),
    "a length and chunks": (
        head(Content_Length=5, Transfer_Encoding="chunked") + b"0\r\n\r\n",
        ProtocolError,
        "HTTP",
    ),
    "101": (head(status=101, Upgrade="x", Connection="upgrade"), ProtocolError, "status 101"),
    "201": (head(status=201, Content_Length=0), ProtocolError, "status 201"),
    "204": (head(status=204), ProtocolError, "status 204"),
    "206": (head(status=206, Content_Length=0), ProtocolError, "status 206"),
    "300": (head(status=300, Content_Length=0), ProtocolError, "status 300"),
    "304": (head(status=304), ProtocolError, "status 304"),
    "302": (head(status=302, Location="//x/"), ProtocolError, "redirects to x"),
    "an odd place": (head(status=302, Location="http://["), ProtocolError, "redirects to elsewh"),
    "407": (head(status=407, Content_Length=0), RejectedRequestError, "407"),
    "418": (head(status=418, Content_Length=0), RejectedRequestError, "418"),
    "599": (head(status=599, Content_Length=0), UnavailableError, "599"),
    "HTML": (head(Content_Type="text/html; charset=utf-8"), ProtocolError, "text/html"),
    "an image": (head(Content_Type="image/png"), ProtocolError, "image/png"),
    "brotli": (head(Content_Encoding="br"), ProtocolError, ""),
    "nothing": (head(Content_Length=0), InterruptedStreamError, "broke off"),
    "an error page": (sized(NATIVE, b"<html>" * 99, 503), UnavailableError, "no reason"),
    "an empty error": (head(status=504, Content_Length=0), UnavailableError, "504"),
}


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("way", [NATIVE, NATIVE_PLAIN], ids=str)
async def test_odd_and_refused(bench: Bench, way: Way, what: str) -> None:
    answer, error, words = ODD[what]
    heard = await bench.ask(way, ASK, answer, CLOSE)

    assert type(heard.error) is error
    assert words in str(heard.error)


def broken(way: Way) -> dict[str, tuple[list[Any], type[ChatError]]]:
    """Bodies that go wrong behind an event."""
    begun = [head(way, Transfer_Encoding="chunked"), chunk(way.piece())]
    return {
        "no size of a chunk": ([*begun, b"zz\r\n", GONE], ProtocolError),
        "a negative size": ([*begun, b"-5\r\n", GONE], ProtocolError),
        "a huge size": ([*begun, b"f" * 40 + b"\r\n", GONE], ProtocolError),
        "no end of a chunk": ([*begun, b"3\r\nabcde\r\n", GONE], ProtocolError),
        "a cut chunk": ([*begun, b"ff\r\ndata", CLOSE], InterruptedStreamError),
        "no more chunks": ([*begun, CLOSE], InterruptedStreamError),
        "the last chunk": ([*begun, b"0\r\n\r\n", GONE], InterruptedStreamError),
    }


@pytest.mark.parametrize("what", broken(NATIVE))
@pytest.mark.parametrize("way", STREAMS, ids=str)
async def test_a_body_that_breaks_says_so_at_once(bench: Bench, way: Way, what: str) -> None:
    script, error = broken(way)[what]
    heard = await bench.ask(way, ASK, *script)

    assert type(heard.error) is error
    assert isinstance(heard.error, InterruptedStreamError | ProtocolError)
    assert heard.error.partial_text == TEXT
    assert heard.error.request_id == REQUEST_ID
    assert heard.error.retryable is (error is InterruptedStreamError)


@pytest.mark.parametrize("way", STREAMS, ids=str)
async def test_too_short_a_length_is_not_made_up_for_by_what_follows(
    bench: Bench, way: Way
) -> None:
    short = head(way, Content_Length=len(way.piece()) + 5)
    heard = await bench.ask(way, ASK, short, way.body(), GONE)

    # Which of them depends on what the network puts into one read.
    assert isinstance(heard.error, InterruptedStreamError | ProtocolError)
    assert heard.finish is None


def texts(way: Way) -> dict[str, tuple[bytes, type[ChatError] | None]]:
    """Bodies whose bytes or JSON are wrong."""
    whole = way.body()
    cut = whole.replace(TEXT.encode(), TEXT.encode()[:-1])
    return {
        "half a character": (cut, None),
        "no UTF-8": (whole.replace(TEXT.encode(), b"\xff\xfe"), None),
        "a lone surrogate": (whole.replace(TEXT.encode(), rb"\ud83d"), None),
        "JSON of another kind": (way.frame([1]), ProtocolError),
        "JSON of other types": (way.frame({"output": 3, "choices": 3}), ProtocolError),
        "no JSON": (way.frame({}).replace(b"{}", b"{nonsense}"), ProtocolError),
        "a number of 5000 digits": (way.frame({"usage": 0}).replace(b"0", b"9" * 5000), None),
        "deep JSON": (way.frame({"error": 0}).replace(b"0", b"[" * 99_999), None),
        # Of a plain answer the first value counts, and this one is empty.
        "two answers in one line": (
            way.frame({}).replace(b"{}", b"{}{}"),
            ProtocolError if way.streamed else InterruptedStreamError,
        ),
    }


@pytest.mark.parametrize("what", texts(NATIVE))
@every_way
async def test_a_body_that_is_no_text_ends_in_an_error_of_ours_or_well(
    bench: Bench, way: Way, what: str
) -> None:
    body, error = texts(way)[what]
    heard = await bench.ask(way, ASK, sized(way, body), GONE)

    if "character" in what or "UTF-8" in what or "surrogate" in what:
        assert heard.error is None
        assert heard.text.encode()
    else:
        assert isinstance(heard.error, error or ChatError)


ECHOES: dict[str, list[Any]] = {
    "the reason": [f"HTTP/1.1 400 {KEY}\r\nContent-Length: 0\r\n\r\n".encode()],
    "a header's name": [f"HTTP/1.1 200 OK\r\n{KEY}".encode(), CLOSE],
    "a header": [head(X_Request_Id=KEY, Content_Length=0)],
    "a header of an error": [head(status=500, X_Request_Id=KEY, Content_Length=0)],
    "no head": [f"Authorization: Bearer {KEY}\r\n\r\n".encode(), CLOSE],
    "the content type": [head(Content_Type=KEY)],
    "the encoding": [head(Content_Encoding=KEY)],
    "a redirect": [head(status=302, Location=f"https://{KEY}.example/{KEY}")],
    "a chunk's size": [head(Transfer_Encoding="chunked") + KEY.encode() + b"\r\n\r\n"],
    "a later chunk's size": [head(Transfer_Encoding="chunked") + chunk(b":\n"), KEY.encode()],
    "an error's body": [sized(NATIVE, f"<html>{KEY}".encode(), 500)],
    "capitals in an error": [sized(NATIVE, b'{"code":"%b"}' % KEY.upper().encode(), 400)],
    "an event": [head(NATIVE), f"data: {KEY}\n\n".encode()],
    "an event's name": [head(NATIVE), f"event: {KEY}\ndata: {{x}}\n\n".encode()],
    "an unfinished event": [head(NATIVE), f"data: {{'{KEY}".encode()],
    "JSON": [head(NATIVE_PLAIN), b'{"output": "%b"}' % KEY.encode()],
}


@pytest.mark.parametrize("where", ECHOES)
async def test_a_key_that_is_sent_back_is_shown_nowhere(bench: Bench, where: str) -> None:
    heard = await bench.ask(NATIVE, ASK, *ECHOES[where], CLOSE)

    assert heard.error is not None  # the bench has looked at it, and at the log


@pytest.mark.parametrize("way", PLAIN, ids=str)
async def test_a_plain_answer_that_is_cut_is_told_from_one_that_is_nonsense(
    bench: Bench, way: Way
) -> None:
    for size in range(1, len(way.body()), 7):
        heard = await bench.ask(way, ASK, head(way), way.body()[:size], CLOSE)

        assert type(heard.error) is InterruptedStreamError
