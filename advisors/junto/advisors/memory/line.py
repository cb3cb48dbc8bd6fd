"""Waiting one's turn, in the order of arrival."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Hashable

__all__ = ["Line", "Place"]


class Place:
    """Somebody's place in a line."""

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self._loop = asyncio.get_running_loop()
        self._called = asyncio.Event()

    async def called(self) -> None:
        """Wait until everybody in front has left."""
        await self._called.wait()

    def call(self) -> bool:
        """It is this one's turn; false if its loop is gone, and it with it."""
        try:
            self._loop.call_soon_threadsafe(self._called.set)
        except RuntimeError:
            return False
        return True


class Line:
    """Lines by key, for the tasks of all threads and loops of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[Hashable, deque[Place]] = {}

    async def enter(self, key: Hashable, seconds: float) -> Place:
        """Wait until everybody who came before has left.

        Raises:
            TimeoutError: That took longer; the place is given up.
        """
        place = Place(key)
        with self._lock:
            line = self._lines.setdefault(key, deque())
            line.append(place)
            first = line[0] is place
        if first:
            return place
        try:
            async with asyncio.timeout(seconds):
                await place.called()
        except BaseException:
            self.leave(place)
            raise
        return place

    def leave(self, place: Place) -> None:
        """Make way for the next."""
        with self._lock:
            line = self._lines.get(place.key)
            if line is None or place not in line:
                return
            was_first = line[0] is place
            line.remove(place)
            while was_first and line and not line[0].call():
                line.popleft()
            if not line:
                del self._lines[place.key]
