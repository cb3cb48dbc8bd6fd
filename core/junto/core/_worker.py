"""A thread with an event loop, for those who wait outside of one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, TypeVar

from .errors import StreamClosedError, StreamStateError

__all__ = ["CLOSED", "Worker"]

T = TypeVar("T")

CLOSED = "this client is closed: make a new one"
_CANCELLED = "this was cancelled, by closing the client or from inside the run"


class Worker:
    """A thread that runs an event loop, until it is stopped."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._stop = asyncio.Event()
        self._lock = threading.Lock()
        self._ended = False
        self._waited_for: set[Future[Any]] = set()
        # A daemon: a script that forgets to close can end nevertheless.
        self._thread = threading.Thread(target=self._serve, name="junto-sync", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with self._runner:
            self._runner.run(self._stop.wait())
        with self._lock:
            self._ended = True
        for done in list(self._waited_for):
            _fail(done)

    def run(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Await in the thread, with the caller's context variables; give the result.

        An exception that comes to the waiting thread, as Ctrl-C does, cancels what it
        waits for, and is raised when that has ended.
        """
        self.check_caller()
        done: Future[T] = Future()
        task: list[asyncio.Task[None]] = []
        try:
            self._schedule(ask, done, task)
            return done.result()
        except BaseException:
            # Not begun, it never will; else it is waited for, until it has closed things.
            if not done.cancel() and not done.done():
                self._loop.call_soon_threadsafe(_cancel, task)
                wait([done])
            raise
        finally:
            self._waited_for.discard(done)
            del done  # an error would hold the frame that it comes from

    def check_caller(self) -> None:
        """Raise if the caller runs in this thread, which cannot wait for itself."""
        if threading.current_thread() is self._thread:
            msg = "a hook cannot wait for its own event loop: await a ChatClient instead"
            raise StreamStateError(msg)

    def _schedule(
        self, ask: Callable[[], Awaitable[T]], done: Future[T], task: list[asyncio.Task[None]]
    ) -> None:
        with self._lock:
            if self._ended:
                raise StreamClosedError(CLOSED)
            self._waited_for.add(done)
            begin = partial(self._begin, ask, done, task)
            self._loop.call_soon_threadsafe(begin)  # in this thread's context variables

    def _begin(
        self, ask: Callable[[], Awaitable[T]], done: Future[T], task: list[asyncio.Task[None]]
    ) -> None:
        if done.set_running_or_notify_cancel():
            task.append(self._loop.create_task(_carry(ask, done)))
            # A task that is cancelled before its first step never takes one.
            task[0].add_done_callback(lambda _: _fail(done))

    def stop(self) -> None:
        """End the loop and the thread; whatever is open is closed first."""
        with self._lock:
            if not self._ended:
                self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()


def _cancel(task: list[asyncio.Task[None]]) -> None:
    task[0].cancel()


async def _carry(ask: Callable[[], Awaitable[T]], done: Future[T]) -> None:
    try:
        done.set_result(await ask())
    except asyncio.CancelledError:
        _fail(done, _CANCELLED)
    except BaseException as error:  # noqa: BLE001  the waiting thread raises it
        done.set_exception(error)
    finally:
        del done  # as in run()


def _fail(done: Future[Any], message: str = CLOSED) -> None:
    if not done.done():
        done.set_exception(StreamClosedError(message))
