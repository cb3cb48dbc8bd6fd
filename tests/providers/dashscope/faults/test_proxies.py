"""Proxies: those that are named, those of the environment when asked, and no others."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from junto.core import ChatConnectionError, InterruptedStreamError, RejectedRequestError
from junto.providers.dashscope import DashScopeModel

from ....standin.proxy import Proxy
from ....standin.raw import ASK, CLOSE, GONE, RawServer
from ..conftest import KEY
from .conftest import Bench
from .test_redirects import authority, served, trusting
from .ways import NATIVE, TEXT, WAYS, Way, head, sized

__all__ = ["authority"]

LOGIN = "someone:pass%20word"
NAMES = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async with Proxy(login="someone:pass word") as standing:
        yield standing


def answer(way: Way) -> list[Any]:
    return [ASK, sized(way, way.body()), GONE]


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_one_that_is_named_is_used(bench: Bench, way: Way, proxy: Proxy) -> None:
    heard = await bench.ask(way, *answer(way), proxy=f"http://{LOGIN}@{proxy.address}")

    [head_of] = proxy.heads
    assert heard.text == TEXT
    assert head_of.startswith("POST http://127.0.0.1:")
    # The question itself passes here, its key included: plain http is for loopback alone.
    assert head_of.count(KEY) == head_of.count(f"Authorization: Bearer {KEY}") == 1
    assert b"Proxy-" not in bench.server.calls[0].requests[0]


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_https_goes_through_a_tunnel_that_sees_no_key(
    bench: Bench, way: Way, proxy: Proxy, authority: trustme.CA
) -> None:
    async with RawServer(answer(way), tls=served(authority)) as safe:
        heard = await bench.ask(
            way,
            GONE,
            base_url=safe.url,
            proxy=f"http://{LOGIN}@{proxy.address}",
            ssl_context=trusting(authority),
        )

    [head_of] = proxy.heads
    assert heard.text == TEXT
    assert head_of.startswith(f"CONNECT 127.0.0.1:{safe.port} HTTP/1.1")
    assert KEY not in head_of
    assert "Bearer" not in head_of
    assert b"Proxy-" not in safe.calls[0].requests[0]
    assert f"Authorization: Bearer {KEY}".encode() in safe.calls[0].requests[0]


def test_its_password_is_not_shown() -> None:
    model = DashScopeModel(api_key=KEY, proxy=f"http://{LOGIN}@proxy.example:3128")
    transport = model._service.transport
    texts = [repr(vars(one)) for one in (model, model._service, transport)]
    texts += [repr(transport._proxy), str(transport._proxy)]

    assert not [text for text in texts if "pass" in text or "c29tZW9uZTp" in text]


@pytest.mark.parametrize(
    "url", ["socks5://a:secret@b", "proxy.example:3128", "http://", "http://["]
)
def test_one_that_cannot_be_is_refused_when_the_model_is_made(url: str) -> None:
    with pytest.raises(ValueError, match=r"http\(s\) URL, such as") as caught:
        DashScopeModel(api_key=KEY, proxy=url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("login", ["", "someone:wrong@"])
async def test_one_that_wants_another_login_says_so(
    bench: Bench, proxy: Proxy, login: str, authority: trustme.CA
) -> None:
    async with RawServer([ASK, GONE], tls=served(authority)) as safe:
        heard = await bench.ask(
            NATIVE, GONE, base_url=safe.url, proxy=f"http://{login}{proxy.address}"
        )

    assert type(heard.error) is ChatConnectionError
    assert not heard.error.retryable
    assert "407; user and password go into proxy=" in str(heard.error)
    assert "wrong" not in str(heard.error)


async def test_one_that_wants_a_login_for_plain_http_is_a_refusal(
    bench: Bench, proxy: Proxy
) -> None:
    heard = await bench.ask(NATIVE, GONE, proxy=f"http://{proxy.address}")

    assert isinstance(heard.error, RejectedRequestError)
    assert heard.error.status == 407


@pytest.mark.parametrize(("status", "again"), [(403, False), (502, True), (503, True)])
async def test_one_that_refuses_a_tunnel_is_no_connection(
    bench: Bench, status: int, *, again: bool
) -> None:
    async with Proxy(refuses=status) as proxy:
        heard = await bench.ask(
            NATIVE, GONE, base_url="https://127.0.0.1:1", proxy=f"http://{proxy.address}"
        )

    assert type(heard.error) is ChatConnectionError
    assert heard.error.retryable is again
    assert str(status) in str(heard.error)


async def test_one_that_is_not_there_is_no_connection(bench: Bench) -> None:
    async with Proxy() as proxy:
        gone = proxy.address
    heard = await bench.ask(NATIVE, GONE, proxy=f"http://{LOGIN}@{gone}")

    assert type(heard.error) is ChatConnectionError
    assert heard.error.retryable
    assert isinstance(heard.error.__cause__, ConnectionRefusedError)
    assert "pass" not in str(heard.error)


async def test_an_answer_that_breaks_off_behind_one_broke_off(bench: Bench, proxy: Proxy) -> None:
    url = f"http://{LOGIN}@{proxy.address}"
    heard = await bench.ask(NATIVE, ASK, head(NATIVE), NATIVE.piece(), CLOSE, proxy=url)

    assert type(heard.error) is InterruptedStreamError
    assert heard.error.partial_text == TEXT


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
async def test_those_of_the_environment_are_used_when_asked_for_and_not_else(
    bench: Bench, proxy: Proxy, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"http://{LOGIN}@{proxy.address}")
    for asked in (False, True):
        heard = await bench.ask(NATIVE, *answer(NATIVE), trust_env=asked)

        assert heard.text == TEXT
        assert len(proxy.heads) == asked


async def test_https_has_its_own_in_the_environment(
    bench: Bench, proxy: Proxy, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", f"{LOGIN}@{proxy.address}")  # without http://, as some are
    async with RawServer(answer(NATIVE), tls=served(authority)) as safe:
        heard = await bench.ask(
            NATIVE, GONE, base_url=safe.url, trust_env=True, ssl_context=trusting(authority)
        )

    assert heard.text == TEXT
    assert proxy.heads[0].startswith("CONNECT ")


@pytest.mark.parametrize("name", ["127.0.0.1", "*", "127.0.0.1:{port}", "a.example, 127.0.0.1"])
async def test_what_the_environment_excepts_is_asked_directly(
    bench: Bench, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with bench.open(NATIVE, answer(NATIVE), trust_env=True) as model:
        monkeypatch.setenv("NO_PROXY", name.format(port=bench.server.port))
        heard = await bench.hear(model, NATIVE)

    assert heard.text == TEXT


async def test_one_that_is_named_counts_more_than_the_environment(
    bench: Bench, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "*")
    url = f"http://{LOGIN}@{proxy.address}"
    heard = await bench.ask(NATIVE, *answer(NATIVE), trust_env=True, proxy=url)

    assert heard.text == TEXT
    assert len(proxy.heads) == 1


@pytest.mark.parametrize("url", ["socks5://a:secret@b:1", "http://[", "http://b:99999"])
async def test_one_of_the_environment_that_cannot_be_says_what_to_do(
    bench: Bench, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", url)
    heard = await bench.ask(NATIVE, GONE, trust_env=True)

    assert type(heard.error) is ChatConnectionError
    assert not heard.error.retryable
    assert "NO_PROXY" in str(heard.error)
    assert "secret" not in str(heard.error)


@pytest.mark.parametrize("asked", [False, True])
async def test_a_netrc_is_never_read(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, asked: bool
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    await bench.ask(NATIVE, *answer(NATIVE), trust_env=asked)

    assert bench.server.calls[0].requests[0].count(b"Authorization:") == 1
    assert f"Authorization: Bearer {KEY}".encode() in bench.server.calls[0].requests[0]


async def test_a_cookie_is_never_sent_back(bench: Bench) -> None:
    cookie = sized(NATIVE, NATIVE.body(), Set_Cookie="acw_tc=1; Path=/")
    async with bench.open(NATIVE, [ASK, cookie, ASK, cookie, GONE]) as model:
        for _ in range(2):
            assert (await bench.hear(model, NATIVE)).text == TEXT

    assert b"ookie" not in b"".join(bench.server.calls[0].requests)
