"""What an ``around`` gets as ``next``, and the streams that it gives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from ._await import Waiting, is_entered
from ._generators import primed
from .activation import Activation
from .attempt import OutcomeKind
from .chat import ChatRequest
from .children import Child, Children
from .errors import AdvisorContractError
from .events import Event
from .hooks import EventStream
from .watch import Steering

if TYPE_CHECKING:
    from .context import RunContext
    from .levels import Stage

__all__ = ["Following"]

_Drive: TypeAlias = Callable[
    [Callable[[], Activation], ChatRequest, Children], AsyncGenerator[Event, None]
]


class Following:
    """The rest of the chain: a closure over it, and over where its streams are kept.

    It holds what an inner activation needs, and not the outer activation: that one holds
    the ``around``, which holds this.
    """

    __slots__ = (
        "_asked_by",
        "_context",
        "_drive",
        "_ledger",
        "_path",
        "_run",
        "_stage",
        "_waiting",
        "children",
        "ctx",
        "steering",
    )

    def __init__(self, act: Activation, stage: Stage, drive: _Drive) -> None:
        self._asked_by = act.stage.levels[-1].name
        self._ledger = act.ledger
        self._run = act.run
        self._stage = stage
        self._drive = drive
        self._context = act.context
        self._waiting = act.waiting
        self.ctx: RunContext = act.ctx
        self.children: Children = act.children
        self._path = act.path
        # How the ``around`` is looked at, if it is.
        self.steering: Steering | None = None

    def __call__(self, request: ChatRequest, /) -> EventStream:
        """Ask what is further in."""
        given: Any = request
        if not isinstance(given, ChatRequest):
            msg = f"next() takes a ChatRequest, not {type(given).__name__}"
            raise AdvisorContractError(msg)
        child = Child()
        generator = self._drive(partial(self._begin, child), given, self.children)
        primed(generator, self.children.finalizer(child))
        child.holds(generator)
        stream = _Stream(child, generator)
        return stream if self.steering is None else self.steering.pulled(stream)

    def _begin(self, child: Child) -> Activation:
        """Make an activation, at its first pull and in the task that pulls."""
        context = self._context
        direct = context is None or is_entered(context)
        # Pulled first from a task of the author's own, it keeps a copy of that context.
        waiting = self._waiting if direct else Waiting()
        ledger = self._ledger.inside(self._asked_by)
        activation = Activation(self._run, self._stage, self.ctx.child(), waiting, ledger)
        activation.direct = direct
        activation.context = context if direct else copy_context()
        number = self.children.add(child, activation)
        if self._run.watch is not None:
            activation.path = f"{self._path}.{number}"
        return activation


class _Stream:
    """What ``next(request)`` gives: lazy, and noticed when it is dropped.

    ``async for`` pulls the generator itself, which costs nothing in between.  The
    generator's finalizer tells the chain that its author let it go.
    """

    __slots__ = ("_child", "_generator")

    def __init__(self, child: Child, generator: AsyncGenerator[Event, None]) -> None:
        self._child = child
        self._generator = generator

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._generator

    def __anext__(self) -> Awaitable[Event]:
        return self._generator.__anext__()

    async def aclose(self) -> None:
        """Close it now; its ``on_close`` hooks run."""
        if self._child.activation is None:
            await self._generator.aclose()
        else:
            await self._child.stop(OutcomeKind.ABANDONED, None)
