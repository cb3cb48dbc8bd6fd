"""Connections that are kept, and those that are not."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from junto.core import ChatConnectionError
from junto.providers.transport import Clock, Timeouts, Transport

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Closing:
    """Answers the first request of each connection, and closes it at the second.

    Attributes:
        requests: How many came, over all connections.
        connections: How many were opened.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        answered = False
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                self.requests += 1
                if answered:
                    break
                answered = True
                writer.write(WHOLE)
        except asyncio.IncompleteReadError:
            pass
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Closing]:
    closing = Closing()
    listening = await asyncio.start_server(closing.serve, "127.0.0.1", 0)
    closing.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    yield closing
    listening.close()


async def ask(sender: Transport, server: Closing) -> bytes:
    exchange = await sender.post(
        server.url, b"{}", headers={}, key=None, clock=Clock(Timeouts(first_event=5))
    )
    try:
        return await exchange.read()
    finally:
        await exchange.drain()
        exchange.close()


async def test_a_kept_connection_that_was_closed_fails_once_says_so_and_sends_nothing_twice(
    server: Closing,
) -> None:
    sender = Transport()
    assert await ask(sender, server) == b"{}"
    with pytest.raises(ChatConnectionError) as caught:
        await ask(sender, server)
    assert await ask(sender, server) == b"{}"
    await sender.aclose()

    assert caught.value.retryable
    assert (server.connections, server.requests) == (2, 3)


async def test_without_keeping_each_request_has_a_connection_of_its_own(server: Closing) -> None:
    sender = Transport(keep_alive=False)
    for _ in range(3):
        assert await ask(sender, server) == b"{}"
    await sender.aclose()

    assert (server.connections, server.requests) == (3, 3)


async def test_a_closed_transport_is_not_worth_another_try(server: Closing) -> None:
    sender = Transport()
    await sender.aclose()
    with pytest.raises(ChatConnectionError) as caught:
        await ask(sender, server)

    assert not caught.value.retryable
