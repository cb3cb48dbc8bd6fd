"""What a test leaves behind: what is still open, and what complained."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import sys
import warnings
import weakref
from collections.abc import Iterator
from types import AsyncGeneratorType, TracebackType
from typing import Any, Self

__all__ = ["Leaks"]

_TICKS = 3
"""How many turns of its loop a dropped stream has to be closed in."""


class Leaks:
    """Looks round when it is entered; ``found()`` tells what has come to stay since then.

    Only the garbage collector knows every generator: the chain hides the inner ones from
    the event loop, so a hook for new generators would not meet them.  What was there
    before is frozen meanwhile, which keeps the search short.
    """

    _frozen = False

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._log = _Log(self.complaints)
        self._known: dict[int, weakref.ref[Any]] = {}
        self._unraisable: Any = None
        self._freezes = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        self._freezes = not Leaks._frozen
        if self._freezes:
            Leaks._frozen = True
            gc.freeze()
        self._known = {id(thing): weakref.ref(thing) for _, thing in _open_things()}
        self._unraisable, sys.unraisablehook = sys.unraisablehook, self._raised
        logging.getLogger("asyncio").addHandler(self._log)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        logging.getLogger("asyncio").removeHandler(self._log)
        sys.unraisablehook = self._unraisable
        if self._freezes:
            Leaks._frozen = False
            gc.unfreeze()
        if self._loop is not None:
            self._loop.set_exception_handler(None)

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note what a loop is told of."""
        self._loop = loop
        loop.set_exception_handler(self._told)

    async def found(self) -> list[str]:
        """Let what was dropped be freed, and tell what is left."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            gc.collect()
            for _ in range(_TICKS):
                await asyncio.sleep(0)
            return self._left(caught)

    def found_now(self) -> list[str]:
        """The same, where no loop runs any more."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            gc.collect()
            return self._left(caught)

    def _left(self, caught: list[warnings.WarningMessage]) -> list[str]:
        left = [f"{kind}: {thing!r}" for kind, thing in _open_things() if not self._knows(thing)]
        left += self.complaints
        return left + [f"{w.category.__name__}: {w.message}" for w in caught]

    def _knows(self, thing: object) -> bool:
        known = self._known.get(id(thing))
        return known is not None and known() is thing

    def _raised(self, unraisable: Any) -> None:
        # As text: what is kept here would come to life again.
        self.complaints.append(f"unraisable: {unraisable.exc_value!r} in {unraisable.object!r}")

    def _told(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.complaints.append(f"loop was told: {context['message']} {error!r}")


class _Log(logging.Handler):
    def __init__(self, complaints: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._complaints = complaints

    def emit(self, record: logging.LogRecord) -> None:
        self._complaints.append(f"asyncio logged: {record.getMessage()}")


def _open_things() -> Iterator[tuple[str, Any]]:
    try:
        current = asyncio.current_task()
    except RuntimeError:
        current = None
    for thing in gc.get_objects():
        kind = type(thing)
        if kind is AsyncGeneratorType:
            if thing.ag_frame is not None:
                yield "generator", thing
        elif issubclass(kind, asyncio.Task):
            if not thing.done() and thing is not current:
                yield "task", thing
        elif issubclass(kind, socket.socket):
            if thing.fileno() != -1:
                yield "socket", thing
        elif issubclass(kind, asyncio.BaseTransport):
            if not thing.is_closing():
                yield "transport", thing
        elif issubclass(kind, asyncio.BaseEventLoop) and not thing.is_closed():
            yield "loop", thing
