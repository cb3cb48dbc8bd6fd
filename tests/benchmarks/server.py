"""The server, in a process of its own: `python -m tests.benchmarks.server`.

Standard library only. The first part of a path says how to answer, so that a base URL is all a
contender has to be given:

    /burst-1000/…   1,000 events, 16 in each write, without a pause
    /paced-1000/…   one event a write, a millisecond apart: one for each wake-up of a loop
    /hold-16/…      16 events, then nothing more, until the client leaves
    /fan-a-500-24/… wait for 500 streams, then 24 events for each, all streams in step; pause
                    after 2 and after every 5 more, until standard input says {"release": "a"}

A path that ends in `/chat/completions` is answered in the OpenAI-compatible protocol, any other
in DashScope's. Standard output tells in JSON lines: the port, after how many events a fan pauses,
and when a held stream was lost (in ns of the monotonic clock, which all processes share).
"""

import asyncio
import json
import re
import resource
import sys
import time
from collections.abc import AsyncIterator
from functools import cache

from .wire import native, openai

BATCH = 16
PACE = 0.001
# A fan's step takes so long for each of its streams, in seconds.
STEP = 0.0002
EDGE, EVERY = 2, 5
# A slow client may need this long, in seconds, to open all streams of a fan.
PATIENCE = 30.0

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=UTF-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)

_native, _openai = cache(native), cache(openai)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def tell(**values: int) -> None:
    print(json.dumps(values), flush=True)


class Fan:
    """Streams that go on in step.

    Attributes:
        steps: Set one after the other; each lets every stream have one more event.
    """

    def __init__(self, streams: int, events: int) -> None:
        self.steps = [asyncio.Event() for _ in range(events)]
        self.releases = asyncio.Semaphore(0)
        self._pace = streams * STEP
        self._missing = streams
        self._all_here = asyncio.Event()

    def join(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._all_here.set()

    async def conduct(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._all_here.wait()
        except TimeoutError:
            pass  # A client whose pool is too small for them all shows it in its figures.
        for index, step in enumerate(self.steps):
            if index >= EDGE and (index - EDGE) % EVERY == 0:
                tell(paused=index)
                await self.releases.acquire()
            await asyncio.sleep(self._pace)
            step.set()


class Service:
    """What answers to a path."""

    def __init__(self) -> None:
        self._fans: dict[str, tuple[Fan, asyncio.Task[None]]] = {}

    def release(self, name: str) -> None:
        for scenario, (fan, _) in self._fans.items():
            if scenario.startswith(f"fan-{name}-"):
                fan.releases.release()

    async def writes(self, path: str) -> AsyncIterator[bytes]:
        """Yield the body of an answer, chunked, as it is written."""
        scenario = path.split("/")[1]
        kind, *numbers = scenario.split("-")
        frames = _openai if path.endswith("/chat/completions") else _native
        events = frames(int(numbers[-1]))
        if kind == "burst":
            for start in range(0, len(events), BATCH):
                last = start + BATCH >= len(events)
                yield chunk(b"".join(events[start : start + BATCH])) + (END if last else b"")
                await asyncio.sleep(0)
        elif kind == "paced":
            for event in events:
                yield chunk(event)
                await asyncio.sleep(PACE)
            yield END
        elif kind == "hold":
            yield chunk(b"".join(events[:-1]))
            await asyncio.get_running_loop().create_future()
        else:
            fan = self._fan(scenario, int(numbers[-2]), len(events))
            for event, step in zip(events, fan.steps, strict=True):
                await step.wait()
                yield chunk(event)
            yield END

    def _fan(self, scenario: str, streams: int, events: int) -> Fan:
        if scenario not in self._fans:
            fan = Fan(streams, events)
            conductor = asyncio.ensure_future(fan.conduct())
            conductor.add_done_callback(lambda _: self._fans.pop(scenario))
            self._fans[scenario] = fan, conductor
        fan, _ = self._fans[scenario]
        fan.join()
        return fan


class Connection(asyncio.Protocol):
    """One connection: request after request, each answered by a task."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._input = b""
        self._answering: asyncio.Task[None] | None = None
        self._held = False
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._input += data
        head, found, body = self._input.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or (length and len(body) < int(length[1])):
            return
        self._input = b""
        path = head.split(b" ", 2)[1].decode()
        self._held = path.startswith("/hold-")
        self._answering = asyncio.ensure_future(self._answer(path))

    async def _answer(self, path: str) -> None:
        head = _HEAD
        async for piece in self._service.writes(path):
            self._transport.write(head + piece)
            head = b""
            await self._writable.wait()

    def connection_lost(self, error: Exception | None) -> None:
        if self._held:
            tell(lost=time.monotonic_ns())
        if self._answering is not None:
            self._answering.cancel()


async def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    service = Service()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0, backlog=2048)
    tell(port=server.sockets[0].getsockname()[1])
    while line := await asyncio.to_thread(sys.stdin.readline):
        service.release(json.loads(line)["release"])
    # The end of input: the process that started this one is done, or gone.
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
