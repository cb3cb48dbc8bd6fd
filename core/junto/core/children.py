"""The activations inside an ``around``: who is open, and who closes them.

An inner activation is *open* until its whole answer is there, then *complete* until its
``on_close`` hooks have run.  The chain owns all of them.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from functools import partial
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any

from ._await import bounded, inside
from ._generators import is_running
from .attempt import OutcomeKind
from .context import RunContext
from .events import Event, UsageUpdate
from .run import CLOSE_SECONDS, Run
from .usage import Usage

if TYPE_CHECKING:
    from .activation import Activation

__all__ = ["Child", "Children"]


class Child:
    """One inner activation, and the generator that drives it.

    The generator belongs to the author of the ``around`` until it is dropped; what is
    dropped is kept here until it has been closed.
    """

    __slots__ = ("_dropped", "_generator", "activation")

    def __init__(self) -> None:
        # None until the first pull.
        self.activation: Activation | None = None
        self._generator: Callable[[], AsyncGeneratorType[Event, None] | None] = _nothing
        self._dropped: AsyncGeneratorType[Event, None] | None = None

    def holds(self, generator: Any) -> None:
        """Say which generator drives it."""
        self._generator = weakref.ref(generator)

    def drop(self, generator: AsyncGeneratorType[Event, None]) -> bool:
        """Its author has let go of the generator; whether it has to be closed."""
        activation = self.activation
        if activation is None or activation.complete or activation.closed:
            return False
        self._dropped = generator
        return True

    async def finish(self, kind: OutcomeKind, error: BaseException | None) -> None:
        """Close it, wherever it stands; calling it again does nothing."""
        activation = self.activation
        if activation is None or activation.closed:
            return
        if activation.complete:
            closing = activation.close(kind, error)
            context = activation.context
            if context is None or activation.direct:
                await closing
            else:
                await inside(context, activation.waiting, closing)
        await self.stop(kind, error)

    async def stop(self, kind: OutcomeKind, error: BaseException | None) -> None:
        """Close it if it is open; one that is complete keeps its ``on_close`` for later."""
        activation = self.activation
        generator = self._dropped or self._generator()
        self._dropped = None
        if activation is None or generator is None:
            return
        if kind is not OutcomeKind.FINISHED:
            activation.end = (kind, error)
        if is_running(generator) and not activation.direct:
            # A task of the author's own is pulling it at this moment.
            if not activation.closed:
                activation.waiting.interrupt()
            await bounded(activation.waiting.over(), CLOSE_SECONDS)
        await generator.aclose()


def _nothing() -> None:
    return None


class Children:
    """All inner activations of one ``around``.

    Attributes:
        dropped: Those that their author no longer holds and that wait to be closed.
    """

    __slots__ = ("_activations", "_all", "_run", "dropped")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._all: list[Child] = []
        self._activations: list[Activation] = []
        self.dropped: list[Child] = []

    def __bool__(self) -> bool:
        """Whether there have been any."""
        return bool(self._all)

    @property
    def spent(self) -> list[Usage | None]:
        """What each of them has spent so far."""
        return [activation.spent for activation in self._activations]

    def sent(self, event: UsageUpdate) -> bool:
        """Whether one of them gave just this, so that the ``around`` only passes it on."""
        return any(activation.sent is event for activation in self._activations)

    def add(self, child: Child, activation: Activation) -> int:
        """One more, about to be pulled; gives its number, from 1."""
        child.activation = activation
        self._all.append(child)
        self._activations.append(activation)
        return len(self._all)

    def finalizer(self, child: Child) -> Callable[[Any], None]:
        """What to call when the author no longer holds a child's generator."""
        return partial(_drop, asyncio._get_running_loop(), self, child)  # noqa: SLF001  None outside

    async def close_dropped(self) -> None:
        """Close what was dropped."""
        _raise(await self._finish(self._taken(), OutcomeKind.ABANDONED, None))

    def _taken(self) -> list[Child]:
        dropped, self.dropped[:] = list(self.dropped), []
        return dropped

    async def make_way(self) -> None:
        """Another activation begins: close those that were dropped or are complete."""
        await self.close_dropped()
        complete = [c for c, act in zip(self._all, self._activations, strict=True) if act.complete]
        _raise(await self._finish(complete, OutcomeKind.FINISHED, None))

    async def settle(self, ctx: RunContext) -> None:
        """The ``around`` has ended: stop what is open, take over what the rest leaves."""
        for child, activation in zip(list(self._all), list(self._activations), strict=True):
            if not activation.complete:
                _raise(await self._finish([child], OutcomeKind.ABANDONED, None))
        self.bequeath(ctx)

    def bequeath(self, ctx: RunContext) -> None:
        """Leave the saves of the complete ones to their run.

        An ``around`` that completed none and stopped one has made its answer of that.
        """
        complete = [activation for activation in self._activations if activation.complete]
        stopped = [activation for activation in self._activations if activation.abandoned]
        for activation in complete or stopped[-1:]:
            if not activation.complete:
                activation.children.bequeath(activation.ctx)
            ctx.inherit(activation.ctx)

    async def close(self, kind: OutcomeKind, error: BaseException | None) -> BaseException | None:
        """Close all, the last one first; an interruption is given back."""
        return await self._finish(self._all[::-1], kind, error)

    async def _finish(
        self, children: list[Child], kind: OutcomeKind, error: BaseException | None
    ) -> BaseException | None:
        interruption: BaseException | None = None
        for child in children:
            step = self._run.cleanly("an inner stream", child.finish(kind, error), bound=False)
            interruption = await step or interruption
        return interruption


def _drop(
    loop: asyncio.AbstractEventLoop | None,
    children: Children,
    child: Child,
    generator: AsyncGeneratorType[Event, None],
) -> None:
    # On a loop that is gone nobody would close it: let it die.
    if loop is not None and not loop.is_closed() and child.drop(generator):
        children.dropped.append(child)


def _raise(interruption: BaseException | None) -> None:
    if interruption is not None:
        raise interruption
