"""Steps that are finished even while whoever waits for them is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["SETTLE_SECONDS", "finished", "settled"]

T = TypeVar("T")

SETTLE_SECONDS = 5.0
"""How long a step may go on after a cancellation."""


async def settled(task: asyncio.Task[Any], seconds: float = SETTLE_SECONDS) -> bool:
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


async def finished(step: Coroutine[Any, Any, T]) -> T:
    """Do a step in a task of its own, to its end.

    Undisturbed it takes its time; cancelled, it has :data:`SETTLE_SECONDS` to come to its
    end, and then the cancellation goes on.
    """
    task = asyncio.create_task(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.cancelled():
            await settled(task)
        raise
