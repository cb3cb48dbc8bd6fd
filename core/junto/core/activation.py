"""One activation of a stage: its state, and the steps that the driver takes.

The essay on top of ``chain.py`` says what must hold.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import Context
from types import AsyncGeneratorType
from typing import Any

from ._await import Waiting
from .chat import ChatRequest, ChatResponse
from .children import Children
from .collect import Record
from .context import Outcome, OutcomeKind, RunContext
from .contract import check_after, check_before, check_open, content_of, isolated
from .events import Event, Finish, ModelWarning, UsageUpdate
from .levels import Level, Stage
from .run import Run
from .stage import Fused
from .usage import FinishReason, Usage

__all__ = ["Activation"]


_NOTHING = Fused((), (), (), RunContext())
"""What is fused before all ``before`` hooks have run."""


class Activation:
    """One ``next()`` call, or the run itself: its state, and its steps.

    Levels are named by their place in the stage, 0 being the outermost; what the reader
    or the next stage further out gets is that of level 0.
    """

    __slots__ = (
        "_absent",
        "_sent",
        "children",
        "closed",
        "complete",
        "context",
        "ctx",
        "direct",
        "end",
        "finish",
        "fused",
        "outermost",
        "reached",
        "response",
        "run",
        "source",
        "stage",
        "usage",
        "waiting",
    )

    def __init__(
        self, run: Run, stage: Stage, ctx: RunContext, waiting: Waiting, *, outermost: bool = False
    ) -> None:
        self.run = run
        self.stage = stage
        self.ctx = ctx
        self.waiting = waiting
        self.outermost = outermost
        # The context that it runs in, and whether who pulls it is inside already.
        self.context: Context | None = None
        self.direct = False
        self.reached = 0
        self.children = Children(run)
        self.fused = _NOTHING
        self.source: AsyncIterator[Any] | None = None
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.response: ChatResponse | None = None
        self.complete = False
        self.closed = False
        self.end: tuple[OutcomeKind, BaseException | None] | None = None
        self._sent = Record() if stage.buffered else None
        # Isolated advisors that failed before this activation began: they take no part.
        self._absent = tuple(run.left_out)

    async def before(self, request: ChatRequest) -> ChatRequest | ChatResponse:
        """Run every ``before``, until one answers; then know the hooks that follow."""
        result: ChatRequest | ChatResponse = request
        for i, level in self.stage.befores:
            self.reached = i + 1
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
        self.fused = Fused(hooks, levels, needed, self.ctx, hold=stage.buffered)

    def _opened(self, level: Level) -> Any:
        """The hook that an advisor wants for this activation."""
        try:
            hook = check_open(level, level.open(self.ctx)) if level.open else level.on_event
        except Exception as error:
            if not level.isolated:
                raise
            self.run.leave_out(level, "open", error)
            hook = None
        return isolated(self.run, level, hook) if level.isolated else hook

    async def _called(
        self, level: Level, name: str, value: Any, check: Callable[[Level, Any, Any], None]
    ) -> Any:
        """Call ``before`` or ``after``; an isolated advisor that fails changes nothing."""
        if level.isolated and level in self.run.left_out:
            return value
        try:
            result = getattr(level, name)(value, self.ctx)
            if inspect.isawaitable(result):
                result = await result
            if result is not value:
                check(level, result, value)
        except Exception as error:
            if not level.isolated:
                raise
            self.run.leave_out(level, name, error)
            return value
        return result

    def special(self, event: Event) -> Event | None:
        """Usage and finish are kept for the end; some events concern the run itself."""
        match event:
            case UsageUpdate():
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
                silent = self.outermost and self.fused.record_at(self._place(0)).empty
                out = self.fused.restart(event)
                return None if silent else out

    @property
    def ending(self) -> Finish:
        """The finish; made up if nobody gave one."""
        return self.finish or Finish(FinishReason.UNKNOWN)

    def show_end(self, hook: int) -> None:
        """Show usage and finish to one hook; what it held becomes pending."""
        self.usage, self.finish = self.fused.show_end(hook, self.usage, self.ending)

    async def after(self, i: int, level: Level) -> None:
        """Run one ``after`` on the response of its level."""
        response = self.response_at(i)
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

    def response_at(self, i: int) -> ChatResponse:
        """The response as it left one level; whole or partial."""
        if self.response is not None and i == 0:
            return self._response(self.response.messages, self.response.sources)
        record = self.fused.record_at(self._place(i))
        return self._response(record.messages(), tuple(record.sources))

    def left_at(self, i: int) -> ChatResponse:
        """The same, for somebody who may ask before the end: what is held has not left."""
        if i == 0 and self._sent is not None and not self.complete:
            return self._response(self._sent.messages(), tuple(self._sent.sources))
        return self.response_at(i)

    def _response(self, messages: Any, sources: Any) -> ChatResponse:
        finish = self.finish
        metadata = {} if finish is None else dict(finish.metadata)
        if self.ctx.short_circuited_by is not None:
            metadata["short_circuited_by"] = self.ctx.short_circuited_by
        return ChatResponse(
            messages=messages,
            finish_reason=None if finish is None else finish.reason,
            usage=self.usage or Usage(),
            sources=sources,
            metadata=metadata,
        )

    def _place(self, i: int) -> int:
        """How many hooks stand at or inside a level."""
        places = self.stage.places
        return places[i] - places[self.reached]

    async def settle(self) -> None:
        """The source has ended: free it, and take over what inner activations leave."""
        self.finish = self.ending
        if self.children:
            await self.children.settle(self.ctx)
        if isinstance(self.source, AsyncGeneratorType):
            self.source = None  # one that has ended is closed
        interruption = await self._close_source()
        if interruption is not None:
            raise interruption

    def released(self) -> Iterator[Event]:
        """What a buffered stage lets out at its end."""
        if self._sent is None:
            return
        held = self.fused.held or []
        if self.response is not None:
            warnings = [event for event in held if event.__class__ is ModelWarning]
            held = [*warnings, *self.response.content_events()]
        for event in held:
            self._sent.add(event)
            yield event

    async def save(self) -> None:
        """Run the saves, with what left the outermost level."""
        await self.run.save(self.response_at(0), tuple(self.ctx.saves.values()))

    async def close(self, kind: OutcomeKind, error: BaseException | None) -> None:
        """Close what is inside, then tell every ``on_close``, from the inside out."""
        if self.closed:
            return
        self.closed = True
        run = self.run
        interruptions = [
            await self.children.close(kind, error),
            await self._close_source(),
            # An ``around`` may have asked once more while it was closed.
            await self.children.close(kind, error),
        ]
        if kind is OutcomeKind.FINISHED and self.ctx.short_circuited_by is not None:
            kind = OutcomeKind.SHORT_CIRCUITED
        for i, level in self.stage.closers:
            if i < self.reached and level not in self._absent:
                told = self._told(level, self.outcome(kind, error, i))
                interruptions.append(await run.cleanly(f"on_close of {level.name}", told))
        if self.outermost:
            run.ended, run.reading = (kind, error), False
        for interruption in interruptions:
            if interruption is not None:
                raise interruption

    def outcome(self, kind: OutcomeKind, error: BaseException | None, i: int) -> Outcome:
        """What a level is told."""
        run = self.run
        left_out = tuple(level.name for level in run.left_out)
        usage = self.usage or Usage()
        return Outcome(kind, error, usage, run.cleanup_errors, left_out, lambda: self.left_at(i))

    async def _told(self, level: Level, outcome: Outcome) -> None:
        if level.on_close is not None:
            result = level.on_close(outcome, self.ctx)
            if inspect.isawaitable(result):
                await result

    async def _close_source(self) -> BaseException | None:
        close: Callable[[], Awaitable[None]] | None = getattr(self.source, "aclose", None)
        self.source = None
        return None if close is None else await self.run.cleanly("the source", close())
