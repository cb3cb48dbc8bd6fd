"""Connections that are kept, and turn out to be closed."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from junto.core import ChatConnectionError
from junto.providers.transport import Clock, Timeouts, Transport, transport

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
        self.answers = 1
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        answers = self.answers
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                self.requests += 1
                if not answers:
                    break
                answers -= 1
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


async def test_a_request_on_a_kept_connection_that_was_closed_is_sent_once_more(
    server: Closing,
) -> None:
    sender = Transport()
    for _ in range(3):
        assert await ask(sender, server) == b"{}"
    await sender.aclose()

    # The first request of each connection was answered, each second one met its end.
    assert (server.connections, server.requests) == (3, 5)


async def test_a_request_on_a_new_connection_is_never_sent_again(server: Closing) -> None:
    server.answers = 0
    sender = Transport()
    with pytest.raises(ChatConnectionError):
        await ask(sender, server)
    await sender.aclose()

    assert (server.connections, server.requests) == (1, 1)


async def test_a_kept_connection_that_ends_after_a_while_is_not_tried_again(
    server: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_AT_ONCE", 0.0)  # each while is a long one
    sender = Transport()
    await ask(sender, server)
    with pytest.raises(ChatConnectionError):
        await ask(sender, server)
    await sender.aclose()

    assert (server.connections, server.requests) == (1, 2)


async def test_a_session_that_was_given_is_left_to_its_own_rules(server: Closing) -> None:
    async with aiohttp.ClientSession() as session:
        sender = Transport(session=session)
        await ask(sender, server)
        with pytest.raises(ChatConnectionError):
            await ask(sender, server)

    assert server.requests == 2
