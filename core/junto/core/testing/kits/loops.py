"""Event loops of the kit's own, that tell what was left behind in them."""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["claim", "play", "ticks"]

T = TypeVar("T")

_TICKS_AT_THE_END = 10


def claim(what: object, otherwise: str) -> None:
    """Fail with ``otherwise``, unless ``what`` is true.

    A library's plain ``assert`` would say nothing: pytest explains those of tests only.
    """
    if not what:
        raise AssertionError(otherwise)


async def ticks(count: int) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


def play(
    main: Callable[[], Coroutine[Any, Any, T]],
    *,
    limit: float,
    warned: bool = False,
    interrupted: bool = False,
) -> T:
    """Run ``main`` in a loop of its own, and look what it leaves behind.

    Args:
        main: What to run, in a task of its own.
        limit: Seconds after which it counts as hanging.
        warned: A ``ResourceWarning`` is expected.
        interrupted: A ``KeyboardInterrupt`` is expected on the way.

    Raises:
        AssertionError: It hangs; or tasks, errors or warnings are left behind.
        BaseException: What ``main`` raises.
    """
    told: list[str] = []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, context: told.append(_of_loop(context)))
    hook = sys.unraisablehook

    def unraisable(raised: Any) -> None:
        told.append(_of_gc(raised))

    sys.unraisablehook = unraisable
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            gc.collect(1)
            caught.clear()
            told.clear()
            try:
                task = _run(loop, main, limit, interrupted=interrupted)
            finally:
                _end(loop)
                gc.collect(1)
            value = task.result()
            del task
            gc.collect(1)
    finally:
        sys.unraisablehook = hook
    told += [str(w.message) for w in caught if _matters(w.category, warned=warned)]
    claim(not told, f"something was left behind: {'; '.join(dict.fromkeys(told))}")
    return value


def _run(
    loop: asyncio.AbstractEventLoop,
    main: Callable[[], Coroutine[Any, Any, T]],
    limit: float,
    *,
    interrupted: bool,
) -> asyncio.Task[T]:
    outer = loop.create_task(_limited(main, limit))
    try:
        return loop.run_until_complete(outer)
    except KeyboardInterrupt:
        if not interrupted:
            raise
    # It left the loop through the task that it was raised in; all else goes on.
    return loop.run_until_complete(outer)


async def _limited(main: Callable[[], Coroutine[Any, Any, T]], limit: float) -> asyncio.Task[T]:
    task = asyncio.create_task(main())
    await asyncio.wait({task}, timeout=limit)
    claim(task.done(), f"it hangs: there was no end after {limit:g} seconds")
    # Whatever may still be closing gets some rounds to do so.
    for _ in range(_TICKS_AT_THE_END):
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task(), task}
    names = sorted(getattr(t.get_coro(), "__qualname__", repr(t)) for t in left)
    claim(task.cancelled() or task.exception() or not left, f"tasks are left running: {names}")
    return task


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Close a loop as ``asyncio.run`` does, but never wait for what does not end."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=0.1))
    closing = loop.create_task(loop.shutdown_asyncgens())
    loop.run_until_complete(asyncio.wait({closing}, timeout=1))
    if not closing.done():
        closing.cancel()
    loop.close()


def _matters(category: type[Warning], *, warned: bool) -> bool:
    return issubclass(category, RuntimeWarning if warned else RuntimeWarning | ResourceWarning)


def _of_loop(context: dict[str, Any]) -> str:
    error = context.get("exception")
    return f"the event loop was told of {error!r}" if error else str(context.get("message"))


def _of_gc(raised: Any) -> str:
    return f"{raised.exc_value!r} was raised where nobody could catch it"
