"""Bodies that unpack to a thousand times their size: memory stays flat, and the loop turns."""

import asyncio
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from junto.core import (
    ChatRequest,
    ChatTimeoutError,
    InterruptedStreamError,
    ProtocolError,
    UnavailableError,
)
from junto.providers.dashscope import Timeouts
from junto.providers.transport import Exchange

from ....standin.raw import ASK, GONE
from .conftest import Bench
from .ways import COMPATIBLE, NATIVE, NATIVE_PLAIN, STREAMS, TEXT, WAYS, Way, head, sized

MIB = 1024 * 1024
UNPACKED = 48 * MIB
FLAT = 32 * MIB  # one answer of the largest size twice; a bomb would be more
BITS = {"gzip": 31, "deflate": 15, "deflate without its head": -15}

every_packing = pytest.mark.parametrize("packing", BITS)


def packed(packing: str, data: bytes, times: int = 1) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, BITS[packing])
    pieces = [packer.compress(data) for _ in range(times)]
    return b"".join([*pieces, packer.flush()])


def bomb_of(packing: str, unit: bytes, size: int = UNPACKED) -> bytes:
    unit *= max(1, MIB // len(unit))
    return packed(packing, unit, size // len(unit))


def labelled(way: Way, packing: str, body: bytes, status: int = 200) -> bytes:
    return sized(way, body, status, Content_Encoding=packing.split(maxsplit=1)[0])


@contextmanager
def flat() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        print(tracemalloc.get_traced_memory()[1] / MIB)
        assert tracemalloc.get_traced_memory()[1] < FLAT
    finally:
        tracemalloc.stop()


BOMBS: dict[str, tuple[Way, bytes, int, type[Exception]]] = {
    "a line": (NATIVE, b"x", 200, ProtocolError),
    "a comment": (NATIVE, b":" + b"x" * MIB, 200, ProtocolError),
    "empty lines": (NATIVE, b"\n", 200, InterruptedStreamError),
    "white space": (NATIVE_PLAIN, b" ", 200, InterruptedStreamError),
    "a JSON answer": (NATIVE_PLAIN, b'{"a":', 200, ProtocolError),
    "an error page": (NATIVE, b"x", 502, UnavailableError),
}


@pytest.mark.parametrize("bomb", BOMBS)
@every_packing
async def test_a_bomb_is_refused_in_flat_memory(bench: Bench, packing: str, bomb: str) -> None:
    way, unit, status, error = BOMBS[bomb]
    answer = labelled(way, packing, bomb_of(packing, unit), status)
    assert len(answer) < MIB
    with flat():
        heard = await bench.ask(way, ASK, answer, GONE)

    assert type(heard.error) is error


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of each read so far."""
    found: list[int] = []
    read = Exchange.read

    async def measured(exchange: Exchange) -> bytes:
        data = await read(exchange)
        found.append(len(data))
        return data

    monkeypatch.setattr(Exchange, "read", measured)
    return found


@pytest.mark.parametrize(
    "unit", [b": beat\n\n", COMPATIBLE.piece("")], ids=["beats", "empty events"]
)
async def test_a_bomb_of_nothing_does_not_stop_the_clocks(
    bench: Bench, unit: bytes, sizes: list[int]
) -> None:
    answer = labelled(COMPATIBLE, "gzip", bomb_of("gzip", unit))
    soon = Timeouts(first_event=0.1)
    heard = await bench.ask(COMPATIBLE, ASK, answer, GONE, timeouts=soon)

    assert isinstance(heard.error, ChatTimeoutError)
    assert heard.error.clock == "first_event"
    assert sum(sizes) < UNPACKED / 2


async def test_a_bomb_of_events_gives_other_tasks_their_turn_after_each_read(
    bench: Bench, sizes: list[int]
) -> None:
    turns: set[int] = set()

    async def turn() -> None:
        while True:
            turns.add(len(sizes))
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    answer = labelled(NATIVE, "gzip", bomb_of("gzip", NATIVE.piece("x"), 16 * MIB))
    heard = await bench.ask(NATIVE, ASK, answer, GONE)
    turning.cancel()

    assert isinstance(heard.error, InterruptedStreamError)
    assert len(sizes) > 10
    # The first may be there with the head, and what is behind the last one is its end.
    assert turns >= set(range(2, len(sizes) - 1))


@every_packing
@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_what_is_packed_unasked_is_read_all_the_same(
    bench: Bench, way: Way, packing: str
) -> None:
    body = packed(packing, way.body())
    heard = await bench.ask(way, ASK, labelled(way, packing, body), GONE)

    assert heard.text == TEXT
    assert bench.server.calls[0].requests[0].count(b"Accept-Encoding: identity") == 1


@pytest.mark.parametrize("way", STREAMS, ids=str)
async def test_what_is_packed_is_read_as_it_comes(bench: Bench, way: Way) -> None:
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(way.piece()) + packer.flush(zlib.Z_SYNC_FLUSH)
    go = asyncio.Event()
    rest = packer.compress(way.end()) + packer.flush()
    script: list[Any] = [ASK, head(way, Content_Encoding="gzip"), first, go, rest, GONE]
    async with bench.open(way, script) as model:
        seen = 0
        async for _ in model.stream(ChatRequest("hi")):
            go.set()
            seen += 1

    assert seen > 1


BROKEN: dict[str, tuple[bytes, bytes]] = {
    "no gzip at all": (b"gzip", b"data: {}\n\n"),
    "a wrong checksum": (b"gzip", packed("gzip", b"x" * 100)[:-8] + b"12345678"),
    "no deflate at all": (b"deflate", b"\xff\xff\xff\xff"),
    "a kind nobody knows": (b"rot13", b"qngn"),
    "a kind by its old name": (b"x-gzip", b"data: {}\n\n"),
    "two kinds": (b"gzip, deflate", b"data: {}\n\n"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_what_cannot_be_unpacked_is_a_protocol_error(bench: Bench, what: str) -> None:
    kind, body = BROKEN[what]
    answer = sized(NATIVE, body, Content_Encoding=kind.decode())
    heard = await bench.ask(NATIVE, ASK, answer, GONE)

    assert type(heard.error) is ProtocolError


async def test_what_is_packed_and_cut_broke_off(bench: Bench) -> None:
    body = packed("gzip", NATIVE_PLAIN.body())
    heard = await bench.ask(NATIVE_PLAIN, ASK, labelled(NATIVE_PLAIN, "gzip", body[:20]), GONE)

    assert type(heard.error) is InterruptedStreamError
