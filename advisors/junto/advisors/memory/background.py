"""Work that nobody waits for: bounded, one piece at a time for each conversation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from junto.core import (
    Logger,
    get_logger,
)
from junto.core.memory import ConversationKey

__all__ = ["Background", "Work"]

log: Logger = get_logger("junto.memory")

Work = Callable[[], Coroutine[Any, Any, object]]


class Background:
    """Tasks that belong to whoever made this, on any number of event loops.

    Args:
        failed: How the log calls a piece of work that failed.
        seconds: How long one piece of work may take.
        limit: How many may run at once; what comes then is left out.
    """

    def __init__(self, failed: str, *, seconds: float, limit: int) -> None:
        self._failed = failed
        self._seconds = seconds
        self._limit = limit
        self._lock = threading.Lock()
        self._running: dict[ConversationKey, asyncio.Task[None]] = {}
        # What came while the same conversation was being worked on: the newest of it.
        self._next: dict[ConversationKey, Work] = {}
        self._closed = False

    def start(self, key: ConversationKey, work: Work) -> bool:
        """Have it done soon; false if there is too much to do already, or it is closed."""
        with self._lock:
            self._bury()
            if self._closed:
                return False
            if key in self._running:
                self._next[key] = work
                return True
            if len(self._running) >= self._limit:
                return False
            task = asyncio.get_running_loop().create_task(self._run(key, work))
            self._running[key] = task
            # Also for a task that is cancelled before its first step.
            task.add_done_callback(lambda task: self._gone(key, task))
        return True

    def _bury(self) -> None:
        """Forget tasks whose loop was closed under them."""
        for key, task in list(self._running.items()):
            if task.get_loop().is_closed():
                del self._running[key]

    async def _run(self, key: ConversationKey, work: Work) -> None:
        following: Work | None = work
        while following is not None:
            await self._do(following)
            with self._lock:
                following = self._next.pop(key, None)
                if following is None:
                    del self._running[key]

    def _gone(self, key: ConversationKey, task: asyncio.Task[None]) -> None:
        with self._lock:
            if self._running.get(key) is task:
                del self._running[key]
                self._next.pop(key, None)

    async def _do(self, work: Work) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await work()
        except Exception as error:  # noqa: BLE001  whatever it is, nobody waits for it
            log.warning(self._failed, error=type(error).__name__)

    async def settled(self) -> None:
        """Wait until all that was begun on this loop is done."""
        while tasks := self._of(asyncio.get_running_loop()):
            await asyncio.wait(tasks)

    async def aclose(self, seconds: float = 0.0) -> None:
        """Begin nothing more; after so many seconds, cancel what still runs."""
        with self._lock:
            self._closed = True
        loop = asyncio.get_running_loop()
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.settled()
        with self._lock:
            tasks = list(self._running.values())
            self._next.clear()
        for task in tasks:
            if task.get_loop() is loop:
                task.cancel()
            else:
                with suppress(RuntimeError):  # its loop is gone, and it with it
                    task.get_loop().call_soon_threadsafe(task.cancel)
        await self.settled()

    def _of(self, loop: asyncio.AbstractEventLoop) -> list[asyncio.Task[None]]:
        with self._lock:
            return [task for task in self._running.values() if task.get_loop() is loop]
