"""Ways in which something that happens inside a run ends it, and what each end must look like."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from attrs import frozen

from junto.core import OutcomeKind, SaveError, StreamClosedError

from .bench import SYNC, Bench, hook_of
from .checks import check_closed

FINISHED, FAILED = OutcomeKind.FINISHED, OutcomeKind.FAILED
CANCELLED, ABANDONED = OutcomeKind.CANCELLED, OutcomeKind.ABANDONED


class Fault(Exception):  # noqa: N818  a fake
    pass


class Halt(BaseException):
    """As ``SystemExit``, which would take the loop with it."""


class Sibling(Exception):  # noqa: N818  a fake
    pass


def forever() -> Awaitable[None]:
    return asyncio.get_running_loop().create_future()


async def a_while() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def over(task: asyncio.Task[Any], ticks: int = 1000) -> None:
    """Wait for a task that has only turns of the loop to wait for; one that hangs is cancelled.

    Raises:
        AssertionError: It hangs.
    """
    for _ in range(ticks):
        if task.done():
            break
        await asyncio.sleep(0)
    hangs = not task.done()
    if hangs:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
    assert not hangs, "it hangs"


@frozen
class Way:
    """What happens at the place, and how the run is read.

    Attributes:
        kind: How a run ends that it happens in the midst of.
        raises: What the place raises by itself, if anything.
        asks: How somebody else is asked to end the run, if that is the way.
        pulls: Whether each pull is awaited apart, so that only a stream can end like this.
        stops: Whether it also stops a run that is over but for its ``on_close``.
    """

    name: str
    kind: OutcomeKind
    raises: type[BaseException] | None = None
    asks: Callable[[Running], object] | None = None
    pulls: bool = False
    stops: bool = True

    def __str__(self) -> str:
        return self.name


WAYS = [
    Way("error", FAILED, Fault, stops=False),
    Way("base error", FAILED, Halt),
    Way("own CancelledError", CANCELLED, asyncio.CancelledError),
    Way("cancel", CANCELLED, asks=lambda run: run.task.cancel()),
    Way("timeout around the block", CANCELLED, asks=lambda run: run.limit.reschedule(0)),
    Way("timeout around a pull", CANCELLED, asks=lambda run: run.limit.reschedule(0), pulls=True),
    Way("sibling fails", CANCELLED, asks=lambda run: run.go.set()),
    Way("aclose", ABANDONED, asks=lambda run: run.close(), pulls=True, stops=False),
]


class Running:
    """A bench that is read, in a task of its own."""

    def __init__(
        self, way: Way, place: str, stack: str, pieces: str, mode: str, *, model: Any = None
    ) -> None:
        self.way = way
        self.mode = mode
        self.bench = Bench(stack, place, self.happens, pieces, model)
        self.error = None if way.raises is None else way.raises("at the place")
        self.limit: asyncio.Timeout = asyncio.timeout(None)
        self.go: asyncio.Event = asyncio.Event()
        self.closer: asyncio.Task[None] | None = None
        self.cancelling: int | None = None
        self.task: asyncio.Task[None]

    def happens(self, bench: Bench) -> Awaitable[None] | None:
        if self.error is not None:
            raise self.error
        assert self.way.asks is not None
        self.way.asks(self)
        if hook_of(bench.place) in SYNC:
            return None
        # A run that is over waits for its hooks, and so does who closes it.
        over = hook_of(bench.place) == "on_close" and not self.way.stops
        return a_while() if over else forever()

    def close(self) -> None:
        self.closer = asyncio.create_task(self.bench.stream.aclose())

    async def run(self, ticks: int = 1000) -> None:
        """Read to the end, whatever that is."""
        self.task = asyncio.create_task(self._reads())
        await over(self.task, ticks)
        if self.closer is not None:
            await over(self.closer, ticks)
            assert self.closer.result() is None

    async def _reads(self) -> None:
        try:
            match self.way.name:
                case "timeout around the block":
                    async with self.limit:
                        await self._reads_all()
                case "sibling fails":
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._fails())
                        await self._reads_all()
                        # Nobody fails who is not asked to.
                        self.go.set()
                case _:
                    await self._reads_all()
        except BaseException as error:
            self.bench.raised = error
            self.cancelling = self.task.cancelling()
            raise

    async def _fails(self) -> None:
        await self.go.wait()
        if self.bench.fired:
            raise Sibling

    async def _reads_all(self) -> None:
        bench = self.bench
        if self.mode == "call":
            await bench.client.call("?")
            return
        async with bench.ask() as stream:
            while True:
                if self.way.name == "timeout around a pull":
                    self.limit = asyncio.timeout(None)
                    scope: Any = self.limit
                else:
                    scope = nullcontext()
                try:
                    async with scope:
                        event = await anext(stream)
                except StopAsyncIteration:
                    return
                bench.got.append(event)

    def check_caller(self) -> None:
        """The caller is told what ended the run, in its own words."""
        way, told, hook = self.way, self.bench.raised, hook_of(self.bench.place)
        if hook == "on_close" and not way.stops:
            assert told is None
        elif way.raises is Fault and hook == "save":
            assert isinstance(told, SaveError)
            assert told.__cause__ is self.error
        elif self.error is not None:
            assert told is self.error
            assert self.cancelling == 0
        elif way.name == "cancel":
            assert isinstance(told, asyncio.CancelledError)
            assert self.cancelling == 1
        elif way.name.startswith("timeout"):
            assert isinstance(told, TimeoutError)
            assert self.cancelling == 0
        elif way.name == "sibling fails":
            assert isinstance(told, ExceptionGroup)
            assert [type(e) for e in told.exceptions] == [Sibling]
            assert self.cancelling == 0
        else:
            assert isinstance(told, StreamClosedError)
            assert told.response is not None
            assert told.response.text == self.bench.text
            assert self.cancelling == 0
        assert self.task.cancelled() == isinstance(told, asyncio.CancelledError)

    def check(self) -> None:
        """All that must hold of any run that ended like this."""
        bench, way, hook = self.bench, self.way, hook_of(self.bench.place)
        assert bench.fired
        self.check_caller()
        over = hook == "on_close"
        kind = FINISHED if over else way.kind
        told = [self.error] if over and way.raises is Fault else []
        error: Any = None
        if not over and way.raises is not None:
            error = bench.raised
        check_closed(bench, kind, error, told)
