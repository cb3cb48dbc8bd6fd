"""The official SDKs, kept to loopback and out of the environment."""

import os
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from ....standin import StandIn
from .official import OfficialSDKs

LOOPBACK = {"127.0.0.1", "::1", "localhost", None}


@pytest.fixture(autouse=True)
def _no_settings_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDKs and their HTTP clients would look at."""
    for name in os.environ:
        if name.startswith(("DASHSCOPE_", "OPENAI_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DASHSCOPE_DISABLE_SDK_HEADERS", "1")  # a session id, for statistics


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse to speak with other machines, and leave no thread behind."""
    threads = set(threading.enumerate())
    connect, look_up = socket.socket.connect, socket.getaddrinfo
    elsewhere: list[Any] = []

    def connect_here(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in LOOPBACK:
            elsewhere.append(address)
            raise OSError(f"{address} is not this machine")
        connect(self, address)

    def look_up_here(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in LOOPBACK:
            elsewhere.append(host)
            raise socket.gaierror(f"{host} is not this machine")
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)
    yield
    assert elsewhere == []
    left = {thread.name for thread in set(threading.enumerate()) - threads}
    # asyncio's own, in which the synchronous SDK has run; they end with their loop.
    assert {name for name in left if not name.startswith("asyncio_")} == set()


@pytest.fixture
async def official(server: StandIn) -> AsyncIterator[OfficialSDKs]:
    async with OfficialSDKs(server.url) as sdks:
        yield sdks
