"""TLS: what is not trusted is refused, and `ssl_context=` says what is."""

import asyncio
import ssl
from typing import Any

import aiohttp
import pytest
import trustme

from junto.core import ChatConnectionError, InterruptedStreamError

from ....standin.raw import ASK, CLOSE, GONE, RESET, RawServer
from .conftest import Bench
from .test_redirects import authority, served, trusting
from .ways import NATIVE, TEXT, WAYS, Way, head, sized

__all__ = ["authority"]


@pytest.fixture
def theirs() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_a_certificate_of_nobody_known_is_refused_and_nothing_is_sent(
    bench: Bench, way: Way, authority: trustme.CA, theirs: trustme.CA
) -> None:
    for context in (None, trusting(theirs)):
        more: dict[str, Any] = {} if context is None else {"ssl_context": context}
        async with RawServer([ASK, GONE], tls=served(authority)) as safe:
            heard = await bench.ask(way, GONE, base_url=safe.url, **more)

        assert type(heard.error) is ChatConnectionError
        assert not heard.error.retryable
        assert "ssl_context=" in str(heard.error)
        assert isinstance(heard.error.__cause__, ssl.SSLCertVerificationError)
        assert [call.requests for call in safe.calls if call.requests] == []


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_one_that_is_trusted_is_used(bench: Bench, way: Way, authority: trustme.CA) -> None:
    script = [ASK, sized(way, way.body()), GONE]
    async with RawServer(script, tls=served(authority)) as safe:
        heard = await bench.ask(way, GONE, base_url=safe.url, ssl_context=trusting(authority))

    assert heard.text == TEXT


async def test_what_is_trusted_holds_for_a_session_that_was_given_too(
    bench: Bench, authority: trustme.CA
) -> None:
    script = [ASK, sized(NATIVE, NATIVE.body()), GONE]
    async with RawServer(script, tls=served(authority)) as safe, aiohttp.ClientSession() as given:
        heard = await bench.ask(
            NATIVE, GONE, base_url=safe.url, session=given, ssl_context=trusting(authority)
        )

    assert heard.text == TEXT


async def test_one_for_another_host_is_refused(bench: Bench, authority: trustme.CA) -> None:
    other = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("elsewhere.example").configure_cert(other)
    async with RawServer([ASK, GONE], tls=other) as safe:
        heard = await bench.ask(NATIVE, GONE, base_url=safe.url, ssl_context=trusting(authority))

    assert type(heard.error) is ChatConnectionError
    assert not heard.error.retryable


@pytest.mark.parametrize("says", [[head(), GONE], [CLOSE], [RESET], [b"\x15\x03", CLOSE]])
async def test_a_server_without_tls_is_no_connection(bench: Bench, says: list[Any]) -> None:
    async with bench.open(NATIVE, says) as model:
        model._service.base_url = model.base_url.replace("http:", "https:")
        heard = await bench.hear(model, NATIVE)

    assert type(heard.error) is ChatConnectionError


@pytest.mark.parametrize("cut", [CLOSE, RESET])
async def test_an_answer_that_is_cut_broke_off(
    bench: Bench, authority: trustme.CA, cut: Any
) -> None:
    async with RawServer([ASK, head(NATIVE), NATIVE.piece(), cut], tls=served(authority)) as safe:
        heard = await bench.ask(NATIVE, GONE, base_url=safe.url, ssl_context=trusting(authority))
        await safe.all_gone()

    assert type(heard.error) is InterruptedStreamError
    assert heard.error.partial_text == TEXT


async def test_a_stream_that_is_left_is_closed(bench: Bench, authority: trustme.CA) -> None:
    script = [ASK, head(NATIVE), NATIVE.piece(), GONE]
    async with (
        RawServer(script, tls=served(authority)) as safe,
        bench.open(NATIVE, [GONE], base_url=safe.url, ssl_context=trusting(authority)) as model,
    ):
        task = asyncio.create_task(bench.hear(model, NATIVE))
        await safe.came.wait()
        task.cancel()
        await asyncio.wait([task])
        await safe.all_gone()

    assert task.cancelled()
