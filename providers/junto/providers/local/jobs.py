"""Generations that are under way, between the worker's pipes and the event loops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["Job", "Jobs", "Message"]

Message: TypeAlias = dict[str, Any]
"""What the worker says of a job: ``chunk``, ``end``, or ``dead`` when it is gone."""


class Job:
    """One generation, as its event loop sees it."""

    def __init__(self, number: int, cancel: Callable[[int], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._number = number
        self._cancel = cancel
        self._arrived: list[Message] = []
        self._waiter: asyncio.Future[None] | None = None

    async def take(self) -> list[Message]:
        """All that has come since the last time; waits for the first."""
        while not self._arrived:
            self._waiter = self._loop.create_future()
            await self._waiter
        arrived, self._arrived = self._arrived, []
        return arrived

    def cancel(self) -> None:
        """Stop at the next token.  Does not wait for it."""
        self._cancel(self._number)

    def deliver(self, message: Message) -> None:
        """Hand a message over, from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._take_in, message)
        except RuntimeError:  # the loop is closed, and nobody reads any more
            self.cancel()

    def _take_in(self, message: Message) -> None:
        self._arrived.append(message)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Jobs:
    """The generations that have not ended.

    Attributes:
        closed: The worker is gone.
    """

    def __init__(self) -> None:
        self._jobs: dict[int, tuple[Job, Callable[[], None]]] = {}
        self._lock = threading.Lock()
        self.closed: bool = False

    def add(self, number: int, job: Job, on_end: Callable[[], None]) -> None:
        """Take a generation in; ``on_end`` is called when it has ended."""
        with self._lock:
            if not self.closed:
                self._jobs[number] = (job, on_end)
                return
        on_end()  # the worker went before it was told
        job.deliver({"dead": True})

    def deliver(self, message: Message) -> None:
        """Hand the worker's message to the generation that it is about."""
        number = message["job"]
        if "end" in message:
            with self._lock:
                job, on_end = self._jobs.pop(number)
            on_end()
        else:
            job = self._jobs[number][0]
        job.deliver(message)

    def close(self) -> None:
        """The worker is gone, and all of its generations with it."""
        with self._lock:
            self.closed = True
        for job, on_end in self._jobs.values():
            on_end()
            job.deliver({"dead": True})
        self._jobs.clear()
