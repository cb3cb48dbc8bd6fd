"""The server of the kit, which does to its clients what networks do, and its dialects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.core import FinishReason, Usage
from junto.core.testing import (
    Blank,
    CallPiece,
    ChatCompletions,
    DashScopeNative,
    Dialect,
    Failure,
    Frame,
)
from junto.core.testing.steps import Pause
from junto.core.testing.wire import Reply, Server, Stage

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
SOON = 10


class Client:
    """A raw client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def post(self, body: bytes = BODY) -> None:
        head = f"POST /v1/x?y=1 HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)

    async def until(self, end: bytes) -> bytes:
        async with asyncio.timeout(SOON):
            return await self.reader.readuntil(end)


async def client_of(server: Server) -> Client:
    port = int(server.url.rpartition(":")[2])
    return Client(*await asyncio.open_connection("127.0.0.1", port))


class Made:
    """Servers and clients of one test, closed behind it."""

    def __init__(self) -> None:
        self.servers: list[Server] = []
        self.clients: list[Client] = []

    async def __call__(self, *replies: Any) -> tuple[Server, Client]:
        server = await Server(*replies).__aenter__()
        self.servers.append(server)
        self.clients.append(await client_of(server))
        return server, self.clients[-1]


@pytest.fixture
async def made() -> AsyncIterator[Made]:
    made = Made()
    yield made
    for client in made.clients:
        client.writer.close()
    for server in made.servers:
        await server.__aexit__(None, None, None)
        server.close()


async def test_pieces_come_as_chunks_of_their_own(made: Made) -> None:
    server, client = await made(Reply([b"one", b"two"]))
    client.post()

    assert b"200 OK" in await client.until(b"\r\n\r\n")
    assert await client.until(b"0\r\n\r\n") == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    assert server.asked[0].path == "/v1/x?y=1"
    assert server.asked[0].json["model"] == "m"


async def test_one_connection_serves_request_after_request(made: Made) -> None:
    server, client = await made(Reply.whole(b"{1}"), Reply.whole(b"{2}", status=503))
    client.post()
    client.post()

    assert (await client.until(b"{1}")).startswith(b"HTTP/1.1 200 OK")
    assert (await client.until(b"{2}")).startswith(b"HTTP/1.1 503 Service Unavailable")
    assert (server.opened, len(server.asked)) == (1, 2)


async def test_a_request_in_chunks_and_pieces_is_put_together(made: Made) -> None:
    server, client = await made(Reply.whole(b"{}"))
    raw = (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n"
    )
    for byte in raw:
        client.writer.write(bytes([byte]))
        await client.writer.drain()
        await asyncio.sleep(0)
    await client.until(b"{}")

    assert server.asked[0].body == b"abcde"


async def test_the_server_sees_that_its_client_has_gone(made: Made) -> None:
    server, client = await made(Reply([b"one", Stage.HOLD]))
    client.post()
    await client.until(b"one\r\n")
    (asked,) = server.asked

    assert not asked.gone.is_set()
    assert not asked.left(0)
    client.writer.close()
    async with asyncio.timeout(SOON):
        await asked.gone.wait()
        await asked.done.wait()
        await server.until(lambda: not server.connected)
    assert asked.left(0)


async def test_it_can_be_told_to_cut_and_to_reset(made: Made) -> None:
    for stage, error in ((Stage.CUT, EOFError), (Stage.RESET, ConnectionResetError)):
        _, client = await made(Reply([b"one", stage]))
        client.post()
        with pytest.raises(error):
            await client.until(b"0\r\n\r\n")


async def test_it_waits_where_a_pause_says_so(made: Made) -> None:
    pause = Pause()
    _, client = await made(Reply([b"one", pause, b"two"]))
    client.post()
    await client.until(b"one\r\n")
    await pause.reached()
    pause.release()

    assert await client.until(b"two\r\n")


async def test_the_head_waits_for_the_first_bytes(made: Made) -> None:
    pause = Pause()
    server, client = await made(Reply([pause, b"", Stage.HOLD]))
    client.post()
    async with asyncio.timeout(SOON):
        await pause.reached()
    assert not client.reader._buffer  # type: ignore[attr-defined]  # nothing has come
    pause.release()

    assert b"200 OK" in await client.until(b"\r\n\r\n")
    assert server.connected == 1


def test_a_server_may_be_entered_again_on_another_loop() -> None:
    server = Server(Reply.whole(b"{}"))

    async def main() -> bytes:
        async with server:
            client = await client_of(server)
            client.post()
            answer = await client.until(b"{}")
            client.writer.close()
            return answer

    try:
        assert asyncio.run(main()) == asyncio.run(main())
    finally:
        server.close()


def test_the_repr_of_a_request_shows_no_header() -> None:
    from junto.core.testing.wire.http import parse_request

    parsed = parse_request(b"GET / HTTP/1.1\r\nAuthorization: Bearer sk-1\r\n\r\nrest")
    assert parsed is not None
    assert parsed[1] == b"rest"
    assert "sk-1" not in repr(parsed[0])


DIALECTS: list[Dialect] = [ChatCompletions(), DashScopeNative()]
WORDS: dict[str, Any] = {"request_id": "r-1"}


def payload(record: bytes) -> Any:
    return json.loads(record.partition(b"data:")[2])


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: type(d).__name__)
def test_a_frame_writes_what_it_does_not_say_as_it_is_told(dialect: Dialect) -> None:
    said = {
        blank: json.dumps(payload(dialect.frame(Frame("x", blank=blank), number=2, **WORDS)))
        for blank in Blank
    }

    assert "reasoning" not in said[Blank.ABSENT]
    assert '"reasoning_content": null' in said[Blank.NULL]
    assert '"finish_reason": null' in said[Blank.NULL]
    assert '"finish_reason": ""' in said[Blank.EMPTY]
    assert '"finish_reason": "null"' in said[Blank.WORD]
    assert '"reasoning_content": null' in said[Blank.WORD]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: type(d).__name__)
def test_a_whole_answer_is_what_its_frames_amount_to(dialect: Dialect) -> None:
    usage = Usage(input_tokens=1, output_tokens=2, total_tokens=3)
    frames = [
        Frame("a", reasoning="h"),
        Frame("b", calls=CallPiece(index=0, id="c", name="f", arguments="{")),
        Frame("other", choice=1),
        Frame(calls=CallPiece(index=0, arguments="}"), finish=FinishReason.TOOL_CALLS),
        Frame(choices=False, usage=usage),
    ]
    whole = json.loads(dialect.whole(frames, **WORDS))
    (choice,) = whole.get("choices") or whole["output"]["choices"]
    message = choice["message"]

    assert (message["content"], message["reasoning_content"]) == ("ab", "h")
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert choice["finish_reason"] == "tool_calls"
    assert whole["usage"]["total_tokens"] == 3


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: type(d).__name__)
def test_characters_are_bytes_on_the_wire_and_halves_are_escapes(dialect: Dialect) -> None:
    assert "é👩".encode() in dialect.frame(Frame("é👩"), number=1, **WORDS)
    assert rb"\ud83d" in dialect.frame(Frame("\ud83d"), number=1, **WORDS)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: type(d).__name__)
def test_an_error_has_the_same_words_before_a_stream_and_in_it(dialect: Dialect) -> None:
    failure = Failure(status=429, message="too fast", request_id="r-1")

    assert json.loads(dialect.refusal(failure)) == payload(dialect.failure(failure))


def test_a_mark_of_the_end_is_the_dialects() -> None:
    frames = [Frame("x")]

    assert ChatCompletions().stream(frames, **WORDS)[-1] == b"data: [DONE]\n\n"
    assert len(ChatCompletions(done=False).stream(frames, **WORDS)) == 1
    assert len(DashScopeNative().stream(frames, **WORDS)) == 1
