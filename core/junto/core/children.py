"""The activations inside an ``around``: who is open, and who closes them.

An inner activation is *open* until its whole answer is there, then *complete* until its
``on_close`` hooks have run.  The chain owns all of them.
"""

from __future__ import annotations

from types import AsyncGeneratorType
from typing import TYPE_CHECKING

from ._await import Inside, bounded
from .context import OutcomeKind, RunContext
from .events import Event
from .run import CLOSE_SECONDS, Run

if TYPE_CHECKING:
    from .activation import Activation

__all__ = ["Child", "Children"]


class Child:
    """One inner activation, and the generator that drives it."""

    __slots__ = ("activation", "generator")

    def __init__(self, activation: Activation, generator: AsyncGeneratorType[Event, None]) -> None:
        self.activation = activation
        self.generator = generator

    async def finish(self, kind: OutcomeKind, error: BaseException | None) -> None:
        """Close it, wherever it stands; calling it again does nothing."""
        activation = self.activation
        if activation.closed:
            return
        if activation.complete:
            closing = activation.close(kind, error)
            context = activation.context
            if context is None or activation.direct:
                await closing
            else:
                await Inside(context, activation.waiting, closing)
        await self.stop(kind, error)

    async def stop(self, kind: OutcomeKind, error: BaseException | None) -> None:
        """Close it if it is open; one that is complete keeps its ``on_close`` for later."""
        activation = self.activation
        if kind is not OutcomeKind.FINISHED:
            activation.end = (kind, error)
        if self.generator.ag_running and not activation.direct:
            # A task of the author's own is pulling it at this moment.
            if not activation.closed:
                activation.waiting.interrupt()
            await bounded(activation.waiting.over(), CLOSE_SECONDS)
        await self.generator.aclose()


class Children:
    """All inner activations of one ``around``."""

    __slots__ = ("_all", "_dropped", "_run")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._all: list[Child] = []
        self._dropped: list[Child] = []

    def __bool__(self) -> bool:
        """Whether some were dropped and wait to be closed."""
        return bool(self._dropped)

    def add(self, child: Child) -> None:
        """One more, about to be pulled."""
        self._all.append(child)

    def drop(self, child: Child) -> None:
        """The author no longer holds its stream."""
        if not (child.activation.complete or child.activation.closed):
            self._dropped.append(child)

    async def close_dropped(self) -> None:
        """Close what was dropped."""
        dropped, self._dropped[:] = list(self._dropped), []
        await self._finish(dropped, OutcomeKind.ABANDONED, None)

    async def make_way(self) -> None:
        """Another activation begins: close those that were dropped or are complete."""
        await self.close_dropped()
        complete = [child for child in self._all if child.activation.complete]
        await self._finish(complete, OutcomeKind.FINISHED, None)

    async def settle(self, ctx: RunContext) -> None:
        """The ``around`` has ended: stop what is open, take over what the rest leaves."""
        for child in list(self._all):
            if child.activation.complete:
                ctx.inherit(child.activation.ctx)
            else:
                await self._finish([child], OutcomeKind.ABANDONED, None)

    async def close(self, kind: OutcomeKind, error: BaseException | None) -> None:
        """Close all, the last one first."""
        while self._all:
            await self._finish([self._all.pop()], kind, error)

    async def _finish(
        self, children: list[Child], kind: OutcomeKind, error: BaseException | None
    ) -> None:
        interruption: BaseException | None = None
        for child in children:
            step = self._run.cleanly("an inner stream", child.finish(kind, error), bound=False)
            interruption = await step or interruption
        if interruption is not None:
            raise interruption
