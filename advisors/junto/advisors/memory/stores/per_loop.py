"""What belongs to one event loop, for a store that is used from several."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar

from attrs import frozen

from junto.core import StoreUnavailableError

__all__ = ["PerLoop"]

R = TypeVar("R")


@frozen
class _Held(Generic[R]):
    resource: R
    # It ends when it is closed, when nobody refers to it any more, and with its loop.
    life: AsyncGenerator[None, None]
    pid: int


class PerLoop(Generic[R]):
    """A resource for each event loop, made when it is needed and closed with the loop.

    One that is dropped closes what it has.  That works only where nothing refers back to
    it: so ``make`` and ``close`` must not know the store.

    Args:
        make: Makes one, in its loop.
        close: Closes one, in its loop.
        given: The one resource that there is, if the caller made it; it is never closed
            here, and belongs to the loop that uses it first.
    """

    def __init__(
        self, make: Callable[[], R], close: Callable[[R], Awaitable[None]], given: R | None = None
    ) -> None:
        self._make = make
        self._close = close
        self._given = given
        self._home: asyncio.AbstractEventLoop | None = None
        self._all: dict[asyncio.AbstractEventLoop, _Held[R]] = {}
        self._lock = threading.Lock()
        self._closed = False

    async def get(self) -> R:
        """The resource of the running loop.

        Raises:
            StoreUnavailableError: All is closed, or what was given is of another loop.
        """
        loop = asyncio.get_running_loop()
        if self._closed:
            raise StoreUnavailableError("this store is closed: make a new one")
        if self._given is not None:
            return self._checked(self._given, loop)
        held = self._all.get(loop)
        if held is not None and held.pid == os.getpid():
            return held.resource
        resource = self._make()
        life = _life(resource, self._close, weakref.ref(self), loop)
        # This never waits: it only tells the loop that there is something to be closed.
        await anext(life)
        with self._lock:
            self._all[loop] = _Held(resource, life, os.getpid())
        return resource

    def _checked(self, given: R, loop: asyncio.AbstractEventLoop) -> R:
        with self._lock:
            if self._home is None:
                self._home = loop
        if self._home is not loop:
            msg = "the connections that were given belong to another event loop: give an address"
            raise StoreUnavailableError(msg)
        return given

    def forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go of a loop that ends."""
        with self._lock:
            self._all.pop(loop, None)

    async def aclose(self) -> None:
        """Close what there is; in other loops as soon as they come to it."""
        self._closed = True
        with self._lock:
            everything, self._all = self._all, {}
        mine = everything.pop(asyncio.get_running_loop(), None)
        for loop, held in everything.items():
            # What a fork left behind belongs to the parent.
            if loop.is_running() and held.pid == os.getpid():
                asyncio.run_coroutine_threadsafe(held.life.aclose(), loop)
        if mine is not None and mine.pid == os.getpid():
            await mine.life.aclose()


async def _life(
    resource: R,
    close: Callable[[R], Awaitable[None]],
    owner: weakref.ref[PerLoop[R]],
    loop: asyncio.AbstractEventLoop,
) -> AsyncGenerator[None, None]:
    # A loop closes the generators that were begun in it before it ends.
    try:
        yield
    finally:
        if (alive := owner()) is not None:
            alive.forget(loop)
            # While it closes, its owner may go.
            del alive
        await close(resource)
