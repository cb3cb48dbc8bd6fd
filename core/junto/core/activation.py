"""One activation of a stage: its state, and the steps that the driver takes.

The essay on top of ``chain.py`` says what must hold.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import Context
from types import AsyncGeneratorType
from typing import Any

from ._await import Waiting
from .answer import Answer
from .attempt import Ledger, OutcomeKind
from .chat import ChatRequest, ChatResponse
from .context import Outcome, RunContext
from .contract import check_after, check_before, check_open, content_of, isolated
from .events import Event, Finish, ModelWarning, UsageUpdate
from .levels import Level, Stage
from .run import Run
from .stage import Fused
from .usage import FinishReason, Usage

__all__ = ["Activation"]


class Activation(Answer):
    """One ``next()`` call, or the run itself: its state, and its steps."""

    __slots__ = (
        "__weakref__",
        "_absent",
        "context",
        "direct",
        "end",
        "outermost",
        "path",
        "source",
        "waiting",
    )

    def __init__(
        self,
        run: Run,
        stage: Stage,
        ctx: RunContext,
        waiting: Waiting,
        ledger: Ledger | None = None,
    ) -> None:
        super().__init__(run, stage, ctx, ledger or Ledger())
        self.waiting: Waiting = waiting
        self.outermost: bool = ledger is None
        if self.outermost:
            ctx.showing.outermost = weakref.ref(self)
        # The context that it runs in, and whether who pulls it is inside already.
        self.context: Context | None = None
        self.direct: bool = False
        self.source: AsyncIterator[Any] | None = None
        # For observers: which activation of the run it is.
        self.path: str = "0"
        self.end: tuple[OutcomeKind, BaseException | None] | None = None
        # Isolated advisors that failed before this activation began: they take no part.
        self._absent = tuple(run.left_out)

    async def before(self, request: ChatRequest) -> ChatRequest | ChatResponse:
        """Run every ``before``, until one answers; then know the hooks that follow."""
        if self.outermost:
            self.run.begin(self.stage, request, self.ctx)
        result: ChatRequest | ChatResponse = request
        for i, level in self.stage.befores:
            self.reached: int = i + 1
            result = await self._called(level, "before", result, check_before)
            if isinstance(result, ChatResponse):
                self.ctx.short_circuited_by = level.name
                break
        else:
            self.reached = len(self.stage.levels)
        self._fuse()
        return result

    def _fuse(self) -> None:
        hooks: list[Callable[..., Any]] = []
        levels: list[Level] = []
        for i, level in self.stage.seers:
            if i < self.reached:
                hooks.append(self._opened(level))
                levels.append(level)
        stage, inside = self.stage, self.stage.places[self.reached]
        needed = {stage.places[i] - inside for i, _ in stage.recorders if i < self.reached}
        if self.outermost or stage.buffered:
            needed.add(stage.places[0] - inside)
        self.fused: Fused = Fused(hooks, levels, needed, self.ctx, hold=stage.buffered)

    def _opened(self, level: Level) -> Any:
        """The hook that an advisor wants for this activation."""
        try:
            hook = check_open(level, level.open(self.ctx)) if level.open else level.on_event
        except Exception as error:
            if not level.isolated:
                raise
            self.run.leave_out(level, "open", error)
            hook = None
        if level.isolated:
            hook = isolated(self.run, level, hook)
        watch = self.run.watch
        if watch is None or hook is None:
            return hook
        return watch.hook(level.name, self.path, hook)

    async def _called(
        self, level: Level, name: str, value: Any, check: Callable[[Level, Any, Any], None]
    ) -> Any:
        """Call ``before`` or ``after``; an isolated advisor that fails changes nothing."""
        if level.isolated and level in self.run.left_out:
            return value
        watch = self.run.watch
        begun = 0.0 if watch is None else watch.now()
        result: Any = None
        try:
            called = getattr(level, name)(value, self.ctx)
            result = await called if inspect.isawaitable(called) else called
            if result is not value:
                check(level, result, value)
        except Exception as error:
            if not level.isolated:
                raise
            self.run.leave_out(level, name, error)
            return value
        finally:
            if watch is not None:
                watch.called(name, level.name, self.path, begun=begun, given=value, gave=result)
        return result

    def special(self, event: Event) -> Event | None:
        """Usage and finish are kept for the end; some events concern the run itself."""
        match event:
            case UsageUpdate():
                if not self.children.sent(event):
                    self.usage = event.usage
                return None
            case Finish():
                self.finish = event
                return None
            case ModelWarning():
                # Only the activation that asks the model can meet a warning anew.
                known = self.stage.inner is None and not self.run.is_new(event)
                return None if known else self.fused.step(event)
            case _:
                self.usage, self.finish = None, None
                silent = False
                if self.outermost:
                    self.ctx.showing.note()
                    silent = self.left().empty
                out = self.fused.restart(event)
                return None if silent else out

    async def after(self, i: int, level: Level) -> None:
        """Run one ``after`` on the response of its level."""
        response = self.whole_at(i)
        result = await self._called(level, "after", response, check_after)
        if result is response:
            return
        if content_of(result) != content_of(response):
            self.response = result
        self.usage = result.usage if result.usage != Usage() else None
        self.finish = Finish(result.finish_reason or FinishReason.UNKNOWN, result.metadata)

    def ends(self) -> Iterator[tuple[int | None, int, Level]]:
        """The levels with something to do at the end, from the inside out.

        Gives for each: its hook's place among the hooks, its own place, and itself.
        """
        places = self.stage.places
        inside = places[self.reached]
        for i, level in self.stage.enders:
            if i < self.reached:
                yield (places[i] - inside - 1 if level.sees_events else None), i, level

    async def settle(self) -> None:
        """The source has ended: free it, and take over what inner activations leave."""
        self.finish = self.ending
        self.asked_and_over(OutcomeKind.FINISHED)
        if self.children:
            await self.children.settle(self.ctx)
            self.usage = self.spent
        if isinstance(self.source, AsyncGeneratorType):
            self.source = None  # one that has ended is closed
        if self.source is not None:
            interruption = await self._close_source()
            if interruption is not None:
                raise interruption

    @property
    def abandoned(self) -> bool:
        """Whether an ``around`` has stopped it."""
        return self.end is not None and self.end[0] is OutcomeKind.ABANDONED

    async def save(self) -> None:
        """Run the saves, with what left the outermost level."""
        await self.run.save(self.whole_at(0), tuple(self.ctx.saves.values()))

    async def close(self, kind: OutcomeKind, error: BaseException | None) -> None:
        """Close what is inside, then tell every ``on_close``, from the inside out."""
        if self.closed:
            return
        self.closed = True
        run = self.run
        children = self.children
        interruptions = [
            await children.close(kind, error) if children else None,
            await self._close_source() if self.source is not None else None,
            # An ``around`` may have asked once more while it was closed.
            await children.close(kind, error) if children else None,
        ]
        self.asked_and_over(kind)
        if kind is OutcomeKind.FINISHED and self.ctx.short_circuited_by is not None:
            kind = OutcomeKind.SHORT_CIRCUITED
        for i, level in self.stage.closers:
            if i < self.reached and level not in self._absent:
                told = self._told(level, self.outcome(kind, error, i))
                interruptions.append(await run.cleanly(f"on_close of {level.name}", told))
        if self.outermost:
            for cleanup in tuple(self.ctx.cleanups.values()):
                step = cleanup(self.outcome(kind, error, 0))
                interruptions.append(await run.cleanly("a cleanup", step))
            self.ctx.showing.note()
            run.ended, run.reading_on = (kind, error), None
            if run.watch is not None:
                run.watch.ended(self.outcome(kind, error, 0))
            # Who waits to close the run need not wait until the reader has seen its end.
            self.waiting.release()
        for interruption in interruptions:
            if interruption is not None:
                raise interruption

    def outcome(self, kind: OutcomeKind, error: BaseException | None, i: int) -> Outcome:
        """What a level is told."""
        run = self.run
        left_out = tuple(level.name for level in run.left_out)
        usage, reason = self.spent or Usage(), run.reason if kind is OutcomeKind.ABANDONED else ""
        errors = run.cleanup_errors
        return Outcome(kind, error, usage, errors, left_out, lambda: self.left_at(i), reason)

    async def _told(self, level: Level, outcome: Outcome) -> None:
        if level.on_close is None:
            return
        watch = self.run.watch
        begun = 0.0 if watch is None else watch.now()
        try:
            result = level.on_close(outcome, self.ctx)
            if inspect.isawaitable(result):
                await result
        finally:
            if watch is not None:
                watch.called(
                    "on_close", level.name, self.path, begun=begun, given=outcome, gave=outcome
                )

    async def _close_source(self) -> BaseException | None:
        close: Callable[[], Awaitable[None]] | None = getattr(self.source, "aclose", None)
        self.source = None
        return None if close is None else await self.run.cleanly("the source", close())
