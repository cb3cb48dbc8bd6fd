"""Awaiting inside another context, and with a bound: two trampolines.

Both step an awaitable by hand, because the standard library's tools would either start
a task (and so change what ``current_task()`` and time-outs mean inside a hook) or arm a
timer where nothing waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextvars import Context
from typing import Any, TypeVar

__all__ = ["Inside", "Waiting", "bounded"]

T = TypeVar("T")


class Waiting:
    """What a run waits for at the moment, so that another task can interrupt it."""

    __slots__ = ("asked", "future", "interrupted", "released", "task")

    def __init__(self) -> None:
        self.future: Any = None
        self.task: asyncio.Task[Any] | None = None
        self.released: asyncio.Future[None] | None = None
        self.interrupted = False
        self.asked = False

    def interrupt(self) -> None:
        """Make the pull in flight raise, without cancelling the reader's task."""
        if self.interrupted:
            return
        self.interrupted = self.asked = True
        if self.future is not None:
            self.future.cancel()

    def release(self) -> None:
        """The run is over: wake whoever interrupted it."""
        if self.released is not None and not self.released.done():
            self.released.set_result(None)


class Inside:
    """An awaitable that runs another one inside ``context``, whoever awaits it."""

    __slots__ = ("_awaitable", "_call", "_waiting")

    def __init__(self, context: Context, waiting: Waiting, awaitable: Awaitable[Any]) -> None:
        self._call: Callable[..., Any] = context.run
        self._waiting = waiting
        self._awaitable = awaitable

    def __await__(self) -> Generator[Any, Any, Any]:
        call, waiting = self._call, self._waiting
        steps: Any = call(self._awaitable.__await__)
        step = getattr(steps, "send", None) or (lambda _: next(steps))
        error: BaseException | None = None
        waiting.task = asyncio.current_task()
        while True:
            try:
                if error is None:
                    yielded = call(step, None)
                else:
                    try:
                        yielded = call(steps.throw, error)
                    finally:
                        error = None
            except StopIteration as stop:
                return stop.value
            waiting.future = yielded
            try:
                yield yielded
            except BaseException as raised:  # noqa: BLE001  a trampoline passes everything on
                error = raised
            else:
                # A bare yield, as of sleep(0), has no future that could be cancelled.
                if waiting.asked and yielded is None:
                    error = asyncio.CancelledError()
            if error is not None:
                waiting.asked = False
            waiting.future = None


async def bounded(awaitable: Awaitable[T], seconds: float) -> T:
    """Await, for at most ``seconds``; the timer is armed only if it really waits.

    Raises:
        TimeoutError: It took longer; it was cancelled.
    """
    steps: Any = awaitable.__await__()
    step = getattr(steps, "send", None) or (lambda _: next(steps))
    try:
        first = step(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # a generator's value is untyped
    async with asyncio.timeout(seconds):
        return await _Rest(steps, first)  # type: ignore[no-any-return]  # as above


class _Rest:
    """The rest of an awaitable whose first step was taken already."""

    __slots__ = ("_first", "_steps")

    def __init__(self, steps: Any, first: Any) -> None:
        self._steps = steps
        self._first = first

    def __await__(self) -> Generator[Any, Any, Any]:
        steps, yielded = self._steps, self._first
        step = getattr(steps, "send", None) or (lambda _: next(steps))
        error: BaseException | None = None
        while True:
            try:
                yield yielded
            except BaseException as raised:  # noqa: BLE001  a trampoline passes everything on
                error = raised
            try:
                if error is None:
                    yielded = step(None)
                else:
                    try:
                        yielded = steps.throw(error)
                    finally:
                        error = None
            except StopIteration as stop:
                return stop.value
