"""The clocks of one request.

Heartbeats keep a socket alive for ever (882 seconds of comments were measured, quirk 8),
so time is measured here and not on the socket, and only while a read really waits.  One
timer serves a whole stream: it is armed by the first read that waits, looks at the deadline
of the moment when it fires, and breaks the read off from outside.  Nothing of it spans a
``yield``, and no task is ever cancelled by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from attrs import field, frozen

from junto.core import ChatTimeoutError

__all__ = ["Clock", "Timeouts"]

_NEVER = float("inf")


def _seconds(_instance: object, _attribute: object, value: float | None) -> None:
    if value is not None and not value > 0:
        raise ValueError("a timeout is a number of seconds above 0, or None for no limit")


@frozen(kw_only=True)
class Timeouts:
    """How long to wait, in seconds; ``None`` waits for ever.

    Each one that runs out raises :class:`~junto.core.ChatTimeoutError`, whose ``clock`` is
    the name here.

    Attributes:
        connect: For a connection: name, TCP, TLS, and a free place in the pool.
        first_event: From the start of the request to the first event of the answer; for a
            plain call to the whole answer, which the service cuts after 300 s itself.
        progress: Between two events, while the reader waits.  Heartbeats and empty frames
            are no events.
        total: For everything, the reader's own time included.
    """

    connect: float | None = field(default=10.0, validator=_seconds)
    first_event: float | None = field(default=310.0, validator=_seconds)
    progress: float | None = field(default=120.0, validator=_seconds)
    total: float | None = field(default=None, validator=_seconds)


class Clock:
    """Measures one request, from the moment when it is made."""

    __slots__ = (
        "_at",
        "_handle",
        "_handle_at",
        "_interrupt",
        "_late_at",
        "_limits",
        "_loop",
        "_name",
        "_progress",
        "_total_at",
    )

    def __init__(self, limits: Timeouts) -> None:
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._limits = limits
        self._name = "first_event"
        self._at: float | None = now + (limits.first_event or _NEVER)
        self._total_at = now + (limits.total or _NEVER)
        self._progress = limits.progress or _NEVER
        self._handle: asyncio.TimerHandle | None = None
        self._handle_at = _NEVER
        self._interrupt: Callable[[ChatTimeoutError], object] | None = None
        self._late_at = _NEVER

    @property
    def deadline(self) -> float | None:
        """When the next clock runs out, in the loop's time."""
        at = self._next()
        return None if at == _NEVER else at

    def progressed(self) -> None:
        """Events went out: from the next read on, progress is what is waited for."""
        self._name = "progress"
        self._at = None

    def ending(self, seconds: float) -> None:
        """The answer is whole but for what may follow it, which gets ``seconds``."""
        if self._name != "end":
            self._name = "end"
            self._at = self._loop.time() + seconds

    def begin(self, interrupt: Callable[[ChatTimeoutError], object]) -> None:
        """A read begins to wait; ``interrupt`` breaks it off.

        Raises:
            ChatTimeoutError: The time is up already.
        """
        now = self._loop.time()
        at = self._at
        if at is None:
            at = self._at = now + self._progress
        at = min(at, self._total_at)
        if now >= at:
            raise self.error()
        self._interrupt = interrupt
        if self._handle_at > at:
            self._arm(at)

    def is_late_again(self) -> bool:
        """Whether this was asked for the same deadline before.

        Once, what has come in time counts, however late it is asked for.  What goes on
        coming did not.
        """
        at = self._next()
        again = at == self._late_at
        self._late_at = at
        return again

    def end(self) -> None:
        """The read waits no more."""
        self._interrupt = None

    def stop(self) -> None:
        """The request is over."""
        self.end()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._handle_at = _NEVER

    def error(self) -> ChatTimeoutError:
        """The error for the clock that has run out, or runs out next."""
        if self._name == "end":
            return ChatTimeoutError("the end of the answer did not come", clock="end")
        if self._total_at <= (self._at or _NEVER):
            return ChatTimeoutError(
                f"the answer took longer than {self._limits.total:g} s altogether", clock="total"
            )
        limit = self._limits.progress if self._name == "progress" else self._limits.first_event
        what = "no progress" if self._name == "progress" else "no answer began"
        return ChatTimeoutError(f"{what} within {limit:g} s", clock=self._name)

    def _next(self) -> float:
        return min(_NEVER if self._at is None else self._at, self._total_at)

    def _arm(self, at: float) -> None:
        """Look at that time whether a clock has run out."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop.call_at(at, self._fire)
        self._handle_at = at

    def _fire(self) -> None:
        self._handle = None
        self._handle_at = _NEVER
        if self._interrupt is None:
            return  # the next read that waits arms it again
        at = self._next()
        if self._loop.time() < at:
            self._arm(at)
            return
        self._interrupt(self.error())
