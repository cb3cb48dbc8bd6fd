"""Steps that are finished even while whoever waits for them is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

__all__ = ["SETTLE_SECONDS", "begun", "finished", "settled"]

T = TypeVar("T")

SETTLE_SECONDS = 5.0
"""How long a step may go on after a cancellation."""


def begun(step: Coroutine[Any, Any, T], *, at_once: bool = False) -> asyncio.Future[T]:
    """Begin a step that whoever waits for it does not cancel by being cancelled.

    Args:
        step: The step.
        at_once: It is known not to wait.  A cancellation comes only where something waits,
            so such a step is done on the spot, and is spared a task.  One that waits after
            all, as the double of a store may, goes on in a task from there.

    Returns:
        A task, or what has come of the step already.
    """
    if not at_once:
        return asyncio.create_task(step)
    try:
        waiting_for = step.send(None)
    except StopIteration as stop:
        over: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        over.set_result(stop.value)
        return over
    except Exception as error:  # noqa: BLE001  whatever it is, who awaits the future gets it
        over = asyncio.get_running_loop().create_future()
        over.set_exception(error)
        return over
    return asyncio.create_task(_rest(step, waiting_for))


async def _rest(step: Coroutine[Any, Any, T], waiting_for: Any) -> T:
    """The rest of a coroutine whose first step was taken already."""
    return await _resumed(step, waiting_for)  # type: ignore[no-any-return]  # a generator's value is untyped


@coroutine
def _resumed(step: Coroutine[Any, Any, Any], waiting_for: Any) -> Generator[Any, Any, Any]:
    while True:
        try:
            yield waiting_for
        except BaseException as error:  # noqa: BLE001  the step is to see whatever comes
            try:
                waiting_for = step.throw(error)
            except StopIteration as stop:
                return stop.value
        else:
            return (yield from step.__await__())


async def settled(task: asyncio.Future[Any], seconds: float = SETTLE_SECONDS) -> bool:
    """Wait for a task, also through cancellations of who waits, which come out at the end.

    Returns:
        Whether it has ended; otherwise it is cancelled.

    Raises:
        CancelledError: Who waits was cancelled; the task is over nevertheless, or has had
            its ``seconds``.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    cancelled: asyncio.CancelledError | None = None
    while not task.done() and (left := until - loop.time()) > 0:
        try:
            await asyncio.wait({task}, timeout=left)
        except asyncio.CancelledError as error:
            cancelled = error
    if not task.done():
        task.cancel()
    elif not task.cancelled():
        task.exception()  # whoever wants it asks the task; nobody else has to
    if cancelled is not None:
        raise cancelled
    return task.done()


async def finished(step: Coroutine[Any, Any, T], *, at_once: bool = False) -> T:
    """Do a step to its end, whoever is cancelled meanwhile.

    Undisturbed it takes its time; cancelled, it has :data:`SETTLE_SECONDS` to come to its
    end, and then the cancellation goes on.

    Args:
        step: The step.
        at_once: It is known not to wait; see :func:`begun`.
    """
    task = begun(step, at_once=at_once)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.cancelled():
            await settled(task)
        raise
