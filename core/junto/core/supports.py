"""One protocol per hook: any object that has one of them is an advisor.

:class:`~junto.core.Advisor` is the convenient base, and nothing asks for it.  Hooks that are
awaited may be plain methods as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Protocol, TypeAlias

from .chat import ChatRequest, ChatResponse
from .context import Outcome, RunContext
from .events import Event
from .hooks import EventHook, Next
from .observe import Observer

__all__ = [
    "SupportsAfter",
    "SupportsAround",
    "SupportsBefore",
    "SupportsHook",
    "SupportsObserver",
    "SupportsOnClose",
    "SupportsOnEvent",
    "SupportsOpen",
]

_Request: TypeAlias = ChatRequest | ChatResponse


class SupportsBefore(Protocol):
    """Sees the request, and may answer it."""

    def before(self, request: ChatRequest, ctx: RunContext, /) -> _Request | Awaitable[_Request]:
        """Return the request, a changed one, or a response; see :meth:`Advisor.before`."""
        ...


class SupportsAround(Protocol):
    """Steers the rest of the chain."""

    def around(self, request: ChatRequest, next: Next, ctx: RunContext, /) -> AsyncIterator[Event]:
        """Ask ``next`` any number of times; see :meth:`Advisor.around`."""
        ...


class SupportsOpen(Protocol):
    """Has state that belongs to one run."""

    def open(self, ctx: RunContext, /) -> EventHook:
        """Return the ``on_event`` of one activation; see :meth:`Advisor.open`."""
        ...


class SupportsOnEvent(Protocol):
    """Sees each event."""

    def on_event(self, event: Event, ctx: RunContext, /) -> Event | tuple[Event, ...]:
        """Return the event, another, or several; see :meth:`Advisor.on_event`."""
        ...


class SupportsAfter(Protocol):
    """Sees the whole response."""

    def after(
        self, response: ChatResponse, ctx: RunContext, /
    ) -> ChatResponse | Awaitable[ChatResponse]:
        """Return the response, or a changed one; see :meth:`Advisor.after`."""
        ...


class SupportsOnClose(Protocol):
    """Cleans up."""

    def on_close(self, outcome: Outcome, ctx: RunContext, /) -> Awaitable[object] | None:
        """Clean up, however the run ended; see :meth:`Advisor.on_close`."""
        ...


class SupportsObserver(Protocol):
    """Brings somebody who looks at the run; no hook of its own, so beside one."""

    def observer(self, ctx: RunContext, /) -> Observer | None:
        """Return an observer of this run, or ``None``; see :meth:`Advisor.observer`."""
        ...


SupportsHook: TypeAlias = (
    SupportsBefore
    | SupportsAround
    | SupportsOpen
    | SupportsOnEvent
    | SupportsAfter
    | SupportsOnClose
)
"""Anything that has at least one hook of an advisor."""
