"""One activation of a stage: its state, and the steps that the driver takes.

The essay on top of ``chain.py`` says what must hold.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextvars import Context
from typing import Any

from ._await import Waiting, bounded
from ._logging import get_logger
from .chain import Level, Stage
from .chat import ChatRequest, ChatResponse
from .context import Outcome, OutcomeKind, RunContext
from .errors import AdvisorContractError, SaveError
from .events import Event, Finish, ModelWarning, UsageUpdate
from .run import Run
from .stage import Fused, checked
from .usage import FinishReason, Usage

__all__ = ["Activation", "Inner", "contract_error"]

log = get_logger("junto.core")

CLOSE_SECONDS = 5.0


class Activation:
    """One ``next()`` call, or the run itself: its state, and its steps."""

    def __init__(
        self,
        run: Run,
        stage: Stage,
        ctx: RunContext,
        waiting: Waiting,
        context: Context | None,
    ) -> None:
        self.run = run
        self.stage = stage
        self.ctx = ctx
        self.context = context
        self.waiting = waiting
        self.outermost = waiting is run.waiting and context is not None
        self.reached: list[Level] = []
        self.off: set[Level] = set()
        self.children: list[Inner] = []
        self.fused = Fused((), (), ctx)
        self.hook_of: dict[Level, int] = {}
        self.source: AsyncIterator[Any] | None = None
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.response: ChatResponse | None = None
        self.complete = False
        self.closed = False
        self.end: tuple[OutcomeKind, BaseException | None] | None = None

    async def before(self, request: ChatRequest) -> ChatRequest | ChatResponse:
        """Run every ``before``, until one answers; then know the hooks that follow."""
        ctx = self.ctx
        for level in self.stage.levels:
            self.reached.append(level)
            if level.before is None:
                continue
            result = await self._guarded(level, level.before, request, request, ctx)
            if isinstance(result, ChatResponse):
                ctx.short_circuited_by = level.name
                self._fuse()
                return result
            if not isinstance(result, ChatRequest):
                raise contract_error(level, "before", result, "the request, or a response")
            request = result
        self._fuse()
        return request

    def _fuse(self) -> None:
        hooks: list[tuple[Callable[..., Any], str]] = []
        needed: set[int] = set()
        for level in reversed(self.reached):
            hook = level.on_event
            if level.open is not None:
                hook = level.open(self.ctx)
                if not callable(hook):
                    raise contract_error(level, "open", hook, "a function like on_event")
            if hook is not None:
                self.hook_of[level] = len(hooks)
                hooks.append((self._isolated(level, hook) if level.isolated else hook, level.name))
            if level.needs_record:
                needed.add(len(hooks))
        if self.outermost or self.stage.buffered:
            needed.add(len(hooks))
        self.fused = Fused(hooks, needed, self.ctx, hold=self.stage.buffered)

    def _isolated(self, level: Level, hook: Callable[..., Any]) -> Callable[..., Any]:
        off = self.off

        def guarded(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            if level in off:
                return event
            try:
                out = hook(event, ctx)
                return event if out is event else checked(out, level.name)
            except Exception as error:  # noqa: BLE001  what isolation means
                _leave_out(level, "on_event", error, off)
                return event

        return guarded

    async def _guarded(
        self, level: Level, hook: Callable[..., Any], unchanged: Any, *args: Any
    ) -> Any:
        """Call a hook; one of an isolated advisor gives ``unchanged`` when it fails."""
        if level in self.off:
            return unchanged
        try:
            result = hook(*args)
            return await result if inspect.isawaitable(result) else result
        except Exception as error:
            if not level.isolated:
                raise
            _leave_out(level, hook.__name__, error, self.off)
            return unchanged

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
                return self.fused.step(event) if self.run.is_new(event) else None
            case _:
                self.usage, self.finish = None, None
                silent = self.outermost and self.fused.record_at(self._position(None)).empty
                out = self.fused.step(event)
                return None if silent else out

    def ends(self) -> Iterator[tuple[Level, int | None]]:
        """The levels from the inside out, each with its hook's place."""
        for level in reversed(self.reached):
            yield level, self.hook_of.get(level)

    def show_end(self, hook: int) -> None:
        """Show usage and finish to one hook; what it held becomes pending."""
        given: list[Event | None] = [*self.fused.early(hook)]
        if self.usage is not None:
            given.append(self.fused.terminal(hook, UsageUpdate(self.usage)))
        given.append(self.fused.terminal(hook, self.finish or Finish(FinishReason.UNKNOWN)))
        self.usage = None
        for event in given:
            if isinstance(event, UsageUpdate):
                self.usage = event.usage
            elif isinstance(event, Finish):
                self.finish = event

    async def after(self, level: Level) -> None:
        """Run one ``after`` on the response of its level."""
        if level.after is None:
            return
        response = self.response_at(level)
        result = await self._guarded(level, level.after, response, response, self.ctx)
        if not isinstance(result, ChatResponse):
            raise contract_error(level, "after", result, "the response")
        if result is response:
            return
        if (result.messages, result.sources) != (response.messages, response.sources):
            if not level.buffered:
                msg = (
                    f"after of advisor {level.name!r} changed the answer, which has been "
                    "delivered already: declare buffered = True to change it"
                )
                raise AdvisorContractError(msg, advisor=level.name)
            self.response = result
        self.usage = result.usage if result.usage != Usage() else None
        self.finish = Finish(result.finish_reason or FinishReason.UNKNOWN, result.metadata)

    def response_at(self, level: Level | None) -> ChatResponse:
        """The response as it left one level, or the whole stage; whole or partial."""
        if self.response is not None and level in {None, self.reached[0]}:
            messages, sources = self.response.messages, self.response.sources
        else:
            record = self.fused.record_at(self._position(level))
            messages, sources = record.messages(), tuple(record.sources)
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

    def _position(self, level: Level | None) -> int:
        """How many hooks stand at or inside a level."""
        reached = self.reached if level is None else self.reached[self.reached.index(level) :]
        return sum(inner in self.hook_of for inner in reached)

    async def drain(self) -> None:
        """The source has ended: free it, and take over what inner activations leave."""
        for child in self.children:
            await child.finish(OutcomeKind.ABANDONED, None, only_open=True)
            inner = child.activation
            if inner is not None and inner.complete:
                self.ctx.inherit(inner.ctx)
        await self._close_source()

    async def save(self) -> None:
        """Run the saves, with what left the outermost level."""
        response = self.run.response = self.response_at(None)
        for save in tuple(self.ctx.saves.values()):
            try:
                await save(response)
            except Exception as error:
                msg = f"the answer is complete, but it was not saved: {error}"
                raise SaveError(msg, response=response) from error

    def released(self) -> Iterator[Event]:
        """What a buffered stage lets out at its end."""
        held = self.fused.held or []
        if self.response is None:
            yield from held
        else:
            yield from (event for event in held if event.__class__ is ModelWarning)
            yield from self.response.content_events()

    async def close(self, kind: OutcomeKind, error: BaseException | None) -> None:
        """Close what is inside, then tell every ``on_close``, from the inside out."""
        if self.closed:
            return
        self.closed = True
        interruption: BaseException | None = None
        for step in (self._close_children(kind, error), self._close_source()):
            interruption = await self._cleanly("the source", step) or interruption
        if kind is OutcomeKind.FINISHED and self.ctx.short_circuited_by is not None:
            kind = OutcomeKind.SHORT_CIRCUITED
        for level in reversed(self.reached):
            if level.on_close is None:
                continue
            step = self._told(level.on_close, self.outcome(kind, error, level))
            interruption = await self._cleanly(f"on_close of {level.name}", step) or interruption
        if self.outermost:
            self.run.ended = (kind, error)
        if interruption is not None:
            raise interruption

    def outcome(
        self, kind: OutcomeKind, error: BaseException | None, level: Level | None
    ) -> Outcome:
        """What a level is told, or the reader's side for ``None``."""
        return Outcome(
            kind,
            error,
            self.usage or Usage(),
            self.run.cleanup_errors,
            lambda: self.response_at(level),
        )

    async def _told(self, hook: Callable[..., Any], outcome: Outcome) -> None:
        result = hook(outcome, self.ctx)
        if inspect.isawaitable(result):
            await result

    async def _cleanly(self, where: str, step: Awaitable[None]) -> BaseException | None:
        """One step of closing; only an interruption is given back, to go on later."""
        try:
            await bounded(step, CLOSE_SECONDS)
        except Exception as error:  # noqa: BLE001  closing goes on, and the error is kept
            self.run.failed_cleanup(where, error)
        except BaseException as error:  # noqa: BLE001  raised again when all is closed
            return error
        return None

    async def _close_children(self, kind: OutcomeKind, error: BaseException | None) -> None:
        for child in reversed(self.children):
            await child.finish(kind, error)
        self.children.clear()

    async def _close_source(self) -> None:
        close = getattr(self.source, "aclose", None)
        self.source = None
        if close is not None:
            await close()


def contract_error(level: Level, hook: str, got: object, wanted: str) -> AdvisorContractError:
    """A hook returned what it may not."""
    msg = f"{hook} of advisor {level.name!r} returned {type(got).__name__}; it returns {wanted}"
    return AdvisorContractError(msg, advisor=level.name)


def _leave_out(level: Level, hook: str, error: Exception, off: set[Level]) -> None:
    off.add(level)
    log.warning(
        "advisor.left_out",
        advisor=level.name,
        hook=hook,
        error=type(error).__name__,
        exc_info=error,
    )


class Inner:
    """An inner activation in its parent's list: not started, open, complete or closed."""

    __slots__ = ("activation", "generator")

    def __init__(self) -> None:
        self.activation: Activation | None = None
        self.generator: AsyncGenerator[Event, None] | None = None

    async def finish(
        self, kind: OutcomeKind, error: BaseException | None, *, only_open: bool = False
    ) -> None:
        """Close it, wherever it stands.

        Args:
            kind: How its run or its own use ended.
            error: The error, if one ended it.
            only_open: Leave one alone that has its whole answer: its ``on_close`` waits
                for the end of the run.
        """
        activation, generator = self.activation, self.generator
        if activation is None or generator is None or activation.closed:
            return
        if not activation.complete:
            if kind is not OutcomeKind.FINISHED:
                activation.end = (kind, error)
            await generator.aclose()
        elif not only_open:
            await generator.aclose()
            await activation.close(kind, error)
