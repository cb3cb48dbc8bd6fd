"""Redirects: refused, unless some are asked for; and then the key stays where it belongs."""

import ssl
from typing import Any

import pytest
import trustme

from junto.core import ChatConnectionError, ChatTimeoutError, ProtocolError
from junto.providers.dashscope import Timeouts

from ....standin.raw import ASK, GONE, RawServer
from ..conftest import KEY
from .conftest import Bench, acquired
from .ways import NATIVE, NATIVE_PLAIN, TEXT, WAYS, Way, head, sized

AUTHORIZATION = f"Authorization: Bearer {KEY}".encode()


def to(location: str, status: int = 307, **headers: Any) -> bytes:
    return head(status=status, Location=location, Content_Length=0, **headers)


def answer(way: Way = NATIVE) -> list[Any]:
    return [ASK, sized(way, way.body()), GONE]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_none_is_followed_by_default(bench: Bench, way: Way, status: int) -> None:
    heard = await bench.ask(way, ASK, to("/elsewhere", status), ASK, GONE)

    assert type(heard.error) is ProtocolError
    assert not heard.error.retryable
    assert "redirects=" in str(heard.error)
    assert len(bench.server.calls[0].requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 304, 305])
async def test_those_that_change_the_question_are_never_followed(bench: Bench, status: int) -> None:
    heard = await bench.ask(NATIVE, ASK, to("/elsewhere", status), ASK, GONE, redirects=5)

    assert type(heard.error) is ProtocolError
    assert len(bench.server.calls[0].requests) == 1


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_at_the_same_place_the_question_and_the_key_go_along(
    bench: Bench, way: Way, status: int
) -> None:
    script = [ASK, to("/v2?a=b", status), *answer(way)]
    async with bench.open(way, script, redirects=1) as model:
        heard = await bench.hear(model, way)

    [call] = bench.server.calls
    first, second = call.requests
    assert heard.text == TEXT
    assert second.startswith(b"POST /v2?a=b HTTP/1.1\r\n")
    assert first.partition(b"\r\n\r\n")[2] == second.partition(b"\r\n\r\n")[2]
    assert AUTHORIZATION in first
    assert AUTHORIZATION in second


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "user:secret@127.0.0.1"])
async def test_at_another_place_the_key_stays_behind(bench: Bench, host: str) -> None:
    async with RawServer(answer()) as other:
        elsewhere = f"http://{host}:{other.port}/"
        async with bench.open(NATIVE, [ASK, to(elsewhere), GONE], redirects=1) as model:
            heard = await bench.hear(model, NATIVE)

    assert heard.text == TEXT
    assert AUTHORIZATION in bench.server.calls[0].requests[0]
    assert b"uthorization" not in other.calls[0].requests[0]
    assert KEY.encode() not in other.calls[0].requests[0]


async def test_the_key_does_not_come_back_on_the_way_back(bench: Bench) -> None:
    async with RawServer() as other:
        script = [ASK, to(f"{other.url}/there"), *answer()]
        async with bench.open(NATIVE, script, redirects=2) as model:
            other.will([ASK, to(f"{bench.server.url}/back"), GONE])
            heard = await bench.hear(model, NATIVE)

    assert heard.text == TEXT
    assert AUTHORIZATION not in bench.server.calls[0].requests[1]


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("where", ["/same", "{other}/other"])
async def test_a_loop_ends_at_the_number_that_was_asked_for(
    bench: Bench, where: str, most: int
) -> None:
    async with RawServer() as other:
        loop = [part for _ in range(9) for part in (ASK, to(where.format(other=other.url)))]
        other.will(loop)
        async with bench.open(NATIVE, loop, redirects=most) as model:
            heard = await bench.hear(model, NATIVE)

    asked = sum(len(call.requests) for call in bench.server.calls + other.calls)
    assert type(heard.error) is ProtocolError
    assert f"more than {most} times" in str(heard.error)
    assert asked == most + 1


@pytest.mark.parametrize(
    "where",
    ["", "http://[", "http://a:99999/", "ftp://127.0.0.1/", "file:///etc/passwd", "javascript:1"],
)
async def test_what_leads_nowhere_is_not_followed(bench: Bench, where: str) -> None:
    heard = await bench.ask(NATIVE, ASK, to(where), ASK, GONE, redirects=1)

    assert type(heard.error) is ProtocolError


@pytest.mark.parametrize("more", [0, 1])
async def test_a_key_in_the_name_of_a_host_is_not_shown(bench: Bench, more: int) -> None:
    place = f"http://{KEY}.localhost:1/"
    heard = await bench.ask(NATIVE, ASK, to(place), GONE, redirects=more)

    assert isinstance(heard.error, ProtocolError | ChatConnectionError)


async def test_all_of_them_are_on_one_clock(bench: Bench) -> None:
    loop = [part for _ in range(999) for part in (ASK, to("/again"))]
    soon = Timeouts(first_event=0.05)
    heard = await bench.ask(NATIVE, *loop, redirects=10_000, timeouts=soon)

    assert isinstance(heard.error, ChatTimeoutError)
    assert heard.error.clock == "first_event"


async def test_the_connection_that_led_on_is_free_before_the_next_is_asked_for(
    bench: Bench,
) -> None:
    script = [ASK, to("/v2") + b"", *answer()]
    async with bench.open(NATIVE, script, redirects=1, connections=1) as model:
        heard = await bench.hear(model, NATIVE)
        assert acquired(model) == []

    assert heard.text == TEXT


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def served(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_from_https_to_http_is_refused(bench: Bench, authority: trustme.CA) -> None:
    async with RawServer([ASK, GONE]) as plain, RawServer(tls=served(authority)) as safe:
        safe.will([ASK, to(plain.url), GONE])
        heard = await bench.ask(
            NATIVE, GONE, base_url=safe.url, redirects=3, ssl_context=trusting(authority)
        )

    assert type(heard.error) is ProtocolError
    assert plain.calls == []


async def test_from_http_to_https_the_key_stays_behind(bench: Bench, authority: trustme.CA) -> None:
    async with RawServer(answer(NATIVE_PLAIN), tls=served(authority)) as safe:
        script = [ASK, to(safe.url), GONE]
        heard = await bench.ask(NATIVE_PLAIN, *script, redirects=1, ssl_context=trusting(authority))

    assert heard.text == TEXT
    assert b"uthorization" not in safe.calls[0].requests[0]
