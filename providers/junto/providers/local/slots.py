"""Places for streams: so many at once, the others in the order in which they came."""

from __future__ import annotations

import asyncio
import threading
from collections import deque

__all__ = ["Slots"]


class Slots:
    """A semaphore for several event loops, given back from any thread."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._lock = threading.Lock()
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Wait for a place; first come, first served."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            with self._lock:
                given = turn not in self._waiting
                if not given:
                    self._waiting.remove(turn)
            if given:  # the place came in the same moment: it goes to the next
                self.release()
            raise

    def release(self) -> None:
        """Give a place back."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._free += 1
                    return
                turn = self._waiting.popleft()
            try:
                turn.get_loop().call_soon_threadsafe(_grant, turn)
            except RuntimeError:  # that loop is closed, and its stream with it
                continue
            return


def _grant(turn: asyncio.Future[None]) -> None:
    # A cancelled one passes its place on by itself: see `acquire`.
    if not turn.done():
        turn.set_result(None)
