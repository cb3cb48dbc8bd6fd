"""The switch keeps everybody off the network, and leaves this machine alone."""

from __future__ import annotations

import asyncio
import socket
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from junto.core.testing import NetworkForbiddenError, forbid_network, no_network

FAR = ("192.0.2.1", 9)  # an address for documentation: nobody has it


def connecting(address: Any, family: int = socket.AF_INET) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.setblocking(False)
        made.connect_ex(address)


def sending(address: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendto(b"", address)


WAYS: dict[str, Callable[[], object]] = {
    "connect": lambda: connecting(FAR),
    "connect to IPv6": lambda: connecting(("2001:db8::1", 9), socket.AF_INET6),
    "sendto": lambda: sending(FAR),
    "create_connection": lambda: socket.create_connection(FAR, timeout=1),
    "getaddrinfo": lambda: socket.getaddrinfo("example.org", 443),
    "gethostbyname": lambda: socket.gethostbyname("example.org"),
    "urllib": lambda: urllib.request.urlopen("http://192.0.2.1:9/", timeout=1),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_every_way_to_the_network_is_forbidden(way: Callable[[], object]) -> None:
    with forbid_network(), pytest.raises(NetworkForbiddenError, match="without network") as raised:
        way()

    assert raised.value.host in {"192.0.2.1", "2001:db8::1", "example.org"}


async def test_the_ways_of_an_event_loop_are_forbidden() -> None:
    loop = asyncio.get_running_loop()
    with forbid_network(), socket.socket() as made:
        made.setblocking(False)
        with pytest.raises(NetworkForbiddenError):
            await loop.sock_connect(made, FAR)
        with pytest.raises(NetworkForbiddenError):
            await loop.create_connection(asyncio.Protocol, *FAR)
        with pytest.raises(NetworkForbiddenError):
            await asyncio.open_connection("example.org", 443)
        with pytest.raises(NetworkForbiddenError):
            await loop.getaddrinfo("example.org", 443)


def test_other_threads_are_kept_off_as_well() -> None:
    errors: list[BaseException] = []

    def reach() -> None:
        try:
            connecting(FAR)
        except NetworkForbiddenError as error:
            errors.append(error)

    with forbid_network():
        thread = threading.Thread(target=reach)
        thread.start()
        thread.join()

    assert len(errors) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.8.8"])
def test_the_loopback_can_be_reached(host: str) -> None:
    with forbid_network():
        connecting((host, 9))
        socket.getaddrinfo(host, 9)


async def test_a_server_on_the_loopback_serves() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()
        await writer.wait_closed()

    with forbid_network():
        async with await asyncio.start_server(serve, "127.0.0.1") as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            assert await reader.read() == b"hello"
            writer.close()
            await writer.wait_closed()


def test_the_loopback_can_be_forbidden() -> None:
    with forbid_network(loopback=False):
        with pytest.raises(NetworkForbiddenError, match=r"'127\.0\.0\.1'"):
            connecting(("127.0.0.1", 9))
        with pytest.raises(NetworkForbiddenError, match="'localhost'"):
            socket.getaddrinfo("localhost", 9)


def test_unix_sockets_are_no_network(tmp_path: Path) -> None:
    with forbid_network(loopback=False), socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        with socket.socket(socket.AF_UNIX) as made:
            made.connect(str(tmp_path / "s"))


def test_hosts_can_be_allowed() -> None:
    with forbid_network(allow=["Example.ORG", FAR[0]]):
        connecting(FAR)
        with pytest.raises(NetworkForbiddenError, match=r"example\.net"):
            socket.getaddrinfo("example.net", 443)


def test_an_inner_block_forbids_on_top_and_all_is_well_after_it() -> None:
    with forbid_network():
        with forbid_network(loopback=False), pytest.raises(NetworkForbiddenError):
            connecting(("127.0.0.1", 9))
        connecting(("127.0.0.1", 9))
    connecting(FAR)


@pytest.mark.usefixtures(no_network.__name__)
def test_the_fixture_keeps_a_test_off() -> None:
    with pytest.raises(NetworkForbiddenError):
        connecting(FAR)
