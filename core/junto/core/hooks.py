"""The advisor: what stands between the reader and the model.

An advisor overrides the hooks that it needs, and only those cost anything.  With two
advisors, ``outer`` and ``inner``, a run is::

    outer.before → inner.before → model
    outer.on_event(inner.on_event(event))        for each event, as it comes
    inner.after → outer.after → saves → inner.on_close → outer.on_close → cleanups
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias

from attrs import field, frozen

from .chat import ChatRequest, ChatResponse
from .context import Outcome, RunContext
from .events import Event
from .observe import Observer

if TYPE_CHECKING:
    from .plugins.found import Plugin
    from .supports import SupportsHook

__all__ = [
    "Advisor",
    "AroundFunction",
    "EventHook",
    "EventStream",
    "Next",
    "Phase",
    "Placement",
    "place",
]


class Phase(IntEnum):
    """Named places in the chain; lower is further out.  Any ``int`` is an order."""

    OUTER = 0
    GUARD = 100
    MEMORY = 200
    TOOLS = 300
    CONTEXT = 400
    REASONING = 500
    INNER = 900


class EventStream(Protocol):
    """The stream that ``next(request)`` gives: iterate it, and close it if you like.

    The chain owns it, and closes it when it ends, when it is dropped, or when the
    ``around`` that asked for it ends.
    """

    def __aiter__(self) -> AsyncIterator[Event]: ...
    def __anext__(self) -> Awaitable[Event]: ...

    async def aclose(self) -> None:
        """Stop here: what is further in is closed when this returns."""


class Next(Protocol):
    """The rest of the chain, as an ``around`` gets it.

    Callable any number of times, one after the other or at once: each call is a new
    activation of everything further in.  Nothing runs before the first pull.
    """

    def __call__(self, request: ChatRequest, /) -> EventStream:
        """Ask what is further in."""
        ...


EventHook: TypeAlias = Callable[[Event, RunContext], Event | tuple[Event, ...]]
"""``on_event``: the event, another, or a tuple of any number; ``()`` drops it."""

AroundFunction: TypeAlias = Callable[[ChatRequest, Next, RunContext], AsyncIterator[Event]]
"""``around``: an ``async def`` with ``yield``."""


class Advisor:
    """The base of advisors.  Override what you need.

    One instance serves any number of runs at once: what belongs to one run goes into
    its :class:`~junto.core.RunContext`, or into what :meth:`open` returns.

    Attributes:
        name: For logs, errors, and replacing the advisor for one request.  Two advisors
            of one class share its name unless they set their own.
        order: Lower is further out; ties keep the order of registration.
        runs_before: Names of advisors that must stand further in than this one.
        runs_after: Names of advisors that must stand further out than this one.
        requires: Names of advisors that must be in the chain.
        buffered: The output is held until ``after`` has run, which may then change the
            text.
        isolated: A failure of this advisor is logged, and the advisor is left out for
            the rest of the run.  Not for advisors with an ``around``.
        terminal: It never asks for the rest of the chain, so nothing may stand inside.
        role: What it is to the others, for the lints of ``explain()``: ``"logging"``,
            ``"memory"``, ``"guard"``, ``"redactor"``, ``"tools"``, ``"retry"``,
            ``"reasoning"``, or any word of your own.
        holds: How many characters it may keep back while more are to come; 0 for none.
    """

    name: str = ""
    order: int = Phase.CONTEXT
    runs_before: ClassVar[Iterable[str]] = ()
    runs_after: ClassVar[Iterable[str]] = ()
    requires: ClassVar[Iterable[str]] = ()
    buffered: bool = False
    isolated: bool = False
    terminal: bool = False
    role: str = ""
    holds: int = 0

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest | ChatResponse:
        """See the request, once per activation, outermost advisor first.

        Returns:
            The request, or a changed one; or a response, which then goes out instead of
            anything further in being asked.

        Raising ends the run.  Cancellation passes through as ``CancelledError``.
        """
        return request

    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        """See one event, innermost advisor first.  Synchronous, and called for each.

        Returns:
            The same event, another, or a tuple of events; ``()`` drops it, and several
            go out one per pull.  ``None`` is an error.

        ``UsageUpdate`` and ``Finish`` are seen at the end, in front of ``after``: a hook
        that holds text releases it as ``(TextDelta(held), event)`` on ``Finish``.
        """
        return event

    def open(self, ctx: RunContext) -> EventHook:
        """Give the ``on_event`` of one activation, for advisors with state per run.

        ::

            def open(self, ctx):
                seen = 0

                def on_event(event, ctx): ...

                return on_event
        """
        return self.on_event

    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        """See the whole response of this level, once per activation that ended well.

        Returns:
            The response, or one with other metadata, usage or finish reason.  The text
            has been read already and cannot change, unless ``buffered`` is set.

        Raising ends the run.
        """
        return response

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        """Clean up: exactly once per activation whose ``before`` was reached.

        However it ended: see ``outcome.kind``.  A failure here is logged and kept in
        ``outcome.cleanup_errors``; it changes nothing else.  Bounded in time (5 seconds).
        """

    def around(self, request: ChatRequest, next: Next, ctx: RunContext) -> AsyncIterator[Event]:
        """Steer: ask the rest of the chain not at all, once, or several times.

        An ``async def`` with ``yield``::

            async def around(self, request, next, ctx):
                async for event in next(request):
                    yield event

        That is already right: the chain closes what it opened.  ``GeneratorExit`` at a
        ``yield`` means that the reader left, ``CancelledError`` that its task was
        cancelled; let both pass.
        """
        return next(request)

    def observer(self, ctx: RunContext) -> Observer | None:
        """Give an observer of the run, asked once a run; ``None`` if there is nothing to see.

        It sees all advisors, this one included; see :class:`~junto.core.Observation`.
        """
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} order={int(self.order)}>"


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@frozen
class Placement:
    """An advisor with a place of its own; see :func:`place`.

    ``plugin`` is where it came from, once a name has been looked up.
    """

    advisor: Advisor | SupportsHook | AroundFunction | str
    order: int | None = None
    before: tuple[str, ...] = field(default=(), converter=_names)
    after: tuple[str, ...] = field(default=(), converter=_names)
    requires: tuple[str, ...] = field(default=(), converter=_names)
    plugin: Plugin | None = field(default=None, kw_only=True, repr=False)


def place(
    advisor: Advisor | SupportsHook | AroundFunction | str,
    *,
    order: int | None = None,
    before: str | Iterable[str] = (),
    after: str | Iterable[str] = (),
    requires: str | Iterable[str] = (),
) -> Placement:
    """Put an advisor at another place than its class says.

    Args:
        advisor: The advisor, a function that steers, or the name of a plugin.
        order: Instead of its own ``order``.
        before: Names of advisors that must stand further in.
        after: Names of advisors that must stand further out.
        requires: Names of advisors that must be in the chain.
    """
    return Placement(advisor, order, before, after, requires)
