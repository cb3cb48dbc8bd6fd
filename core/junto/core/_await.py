"""Awaiting inside another context, and with a bound: two trampolines.

Both step an awaitable by hand, because the standard library's tools would either start
a task (and so change what ``current_task()`` and time-outs mean inside a hook) or arm a
timer where nothing waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextvars import Context
from types import CoroutineType, coroutine
from typing import Any, TypeVar

from ._generators import unregistered

__all__ = [
    "Waiting",
    "bounded",
    "inside",
    "is_cancelled",
    "is_entered",
    "suspended",
]

T = TypeVar("T")


def is_entered(context: Context) -> bool:
    """Whether the code that asks runs inside ``context``.

    A context can be entered once at a time, and ours are entered for one step at a time:
    so only a caller inside finds it entered.
    """
    try:
        context.run(int)
    except RuntimeError:
        return True
    return False


def is_cancelled() -> bool:
    """Whether this task has been asked to stop, and has not taken that back."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Waiting:
    """What a run waits for at the moment, so that another task can interrupt it."""

    __slots__ = ("_asked", "_over", "_released", "cancelled", "future", "interrupted")

    def __init__(self) -> None:
        self.future: Any = None
        self.interrupted: bool = False
        # A cancellation has been thrown into what is waited for.
        self.cancelled: bool = False
        self._asked = False
        self._over = False
        self._released: asyncio.Future[None] | None = None

    def interrupt(self) -> None:
        """Make the pull in flight raise, without cancelling the reader's task."""
        if not self.interrupted:
            self.interrupted = self._asked = True
            self.ask()

    def is_cancelled(self) -> bool:
        """Whether this task is being cancelled, or what it waits for interrupted."""
        return self.interrupted or (self.cancelled and is_cancelled())

    def ask(self) -> None:
        """Cancel what is waited for, if somebody has asked for that."""
        if self._asked and self.future is not None and self.future.cancel():
            self._asked = False

    def asked_in_passing(self) -> bool:
        """Whether somebody asked during a bare ``yield``, which has nothing to cancel."""
        asked, self._asked = self._asked, False
        return asked

    def accept(self) -> bool:
        """Whether there was an interruption; what follows runs undisturbed."""
        interrupted, self.interrupted, self._asked = self.interrupted, False, False
        return interrupted

    async def over(self) -> None:
        """Wait until the activation that waits here is over."""
        if self._over:
            return
        if self._released is None:
            self._released = asyncio.get_running_loop().create_future()
        await asyncio.wait({self._released})

    def release(self) -> None:
        """The activation is over: wake whoever waits for that."""
        self._over = True
        if self._released is not None and not self._released.done():
            self._released.set_result(None)


def _sender(steps: Any) -> Callable[[Any], Any]:
    """How to step what ``__await__`` gave: an iterator need not have ``send``."""
    if hasattr(steps, "send"):
        return steps.send  # type: ignore[no-any-return]  # as generators have it

    def step(_: Any) -> Any:
        return next(steps)

    return step


def _pull_type() -> Any:
    """The type of one pull of an async generator, which has no name in ``types``."""

    async def generated() -> AsyncGenerator[None, None]:
        yield

    pull: Any = unregistered(generated().__anext__)
    pull.close()
    kind: Any = pull.__class__
    return kind


# Awaitables that are stepped as they are: what ``__await__`` would give adds nothing.
_PLAIN: frozenset[Any] = frozenset({CoroutineType, _pull_type()})


@coroutine
def inside(
    context: Context, waiting: Waiting, awaitable: Awaitable[Any]
) -> Generator[Any, Any, Any]:
    """Await something inside ``context``, whoever awaits this.

    It also keeps two promises: a pull that was interrupted never gives a value, and a
    cancellation that some hook has swallowed, or put an error in the place of, is raised
    after all.  That error is its cause then.
    """
    plain = awaitable.__class__ in _PLAIN
    steps: Any = awaitable if plain else context.run(awaitable.__await__)
    try:
        yielded = context.run(steps.send if plain else _sender(steps), None)
    except StopIteration as stop:
        return stop.value
    return (yield from _suspended(context, waiting, steps, yielded))


def _suspended(
    context: Context, waiting: Waiting, steps: Any, yielded: Any
) -> Generator[Any, Any, Any]:
    """The rest, for an awaitable that does wait, and has been stepped once."""
    call: Callable[..., Any] = context.run
    send = _sender(steps)
    error: BaseException | None = None
    waiting.cancelled = False
    while True:
        waiting.future = yielded
        waiting.ask()
        try:
            yield yielded
        except BaseException as raised:  # noqa: BLE001  a trampoline passes everything on
            error = raised
            if isinstance(raised, asyncio.CancelledError):
                waiting.cancelled = True
        else:
            if yielded is None and waiting.asked_in_passing():
                error = asyncio.CancelledError()
        waiting.future = None
        try:
            if error is None:
                yielded = call(send, None)
            else:
                try:
                    yielded = call(steps.throw, error)
                finally:
                    error = None
        except StopIteration as stop:
            if waiting.is_cancelled():
                raise asyncio.CancelledError from None
            return stop.value
        except Exception as raised:
            # What fails while it is cancelled does not take the cancellation's place.
            if waiting.is_cancelled():
                cause = None if isinstance(raised, StopAsyncIteration) else raised
                raise asyncio.CancelledError from cause
            raise


suspended = coroutine(_suspended)
"""The same, to be awaited."""


async def bounded(awaitable: Awaitable[T], seconds: float) -> T:
    """Await, for at most ``seconds``; the timer is armed only if it really waits.

    Raises:
        TimeoutError: It took longer; it was cancelled.
    """
    steps: Any = awaitable.__await__()
    try:
        first = _sender(steps)(None)
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
        send = _sender(steps)
        error: BaseException | None = None
        while True:
            try:
                yield yielded
            except BaseException as raised:  # noqa: BLE001  a trampoline passes everything on
                error = raised
            try:
                if error is None:
                    yielded = send(None)
                else:
                    try:
                        yielded = steps.throw(error)
                    finally:
                        error = None
            except StopIteration as stop:
                return stop.value
