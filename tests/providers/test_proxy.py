"""A proxy that asks for a login gets it, and nobody else does."""

import asyncio

from junto.core import Secret
from junto.providers.transport import Clock, Timeouts, Transport

LOGIN = "Basic dXNlcjpww6RzcyB3b3Jk"  # user:päss word, in UTF-8
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"


async def test_the_login_of_a_proxy_goes_to_the_proxy_and_is_shown_nowhere() -> None:
    heads: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = Transport(proxy=f"http://user:p%C3%A4ss%20word@127.0.0.1:{port}")
    async with server:
        exchange = await transport.post(
            "http://service.invalid/say",
            b"",
            headers={},
            key=Secret("sk-0123456789abcdef"),
            clock=Clock(Timeouts()),
        )
        try:
            assert await exchange.read() == b"hi"
        finally:
            exchange.close()
            await transport.aclose()

    assert heads[0].startswith(b"POST http://service.invalid/say ")
    assert f"Proxy-Authorization: {LOGIN}".encode() in heads[0]
    assert LOGIN not in repr(vars(transport))
