"""The one driver: pull the source, run the hooks, deliver, end, close.

The essay on top of ``chain.py`` says what must hold; this is where it does.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextvars import copy_context
from typing import Any

from ._await import Inside, Waiting
from .activation import Activation, Inner, contract_error
from .chain import Stage
from .chat import ChatRequest, ChatResponse
from .context import OutcomeKind, RunContext
from .errors import AdvisorContractError, StreamClosedError
from .events import Event, Finish, ModelWarning, Restart, UsageUpdate
from .run import Run
from .usage import FinishReason

__all__ = ["drive"]

_SPECIAL = frozenset({UsageUpdate, Finish, ModelWarning, Restart})


async def drive(
    act: Activation, request: ChatRequest, siblings: list[Inner]
) -> AsyncGenerator[Event, None]:
    """Run one activation; the outermost one is the run.

    Args:
        act: Its state.
        request: What it is asked.
        siblings: The activations of the same ``around``; complete ones are closed first.
    """
    run, context = act.run, act.context
    call: Callable[..., Any] = _directly if context is None else context.run
    kind, error = OutcomeKind.FINISHED, None
    try:
        await _in(act, _begin(act, request, siblings))
        # A list that holds this generator must not be held by it.
        siblings = []
        fused = act.fused
        step, pending = fused.step, fused.pending
        assert act.source is not None  # _begin has opened it
        pull = act.source.__anext__
        while True:
            try:
                got = await (pull() if context is None else Inside(context, act.waiting, pull()))
            except StopAsyncIteration:
                break
            for event in got if isinstance(got, list | tuple) else (got,):
                out = call(act.special if event.__class__ in _SPECIAL else step, event)
                if run.dropped:
                    await _in(act, _close_dropped(run))
                if out is not None:
                    yield out
                while pending:
                    out = call(fused.resume)
                    if out is not None:
                        yield out
            fused.compact()
        await _in(act, act.drain())
        for level, hook in act.ends():
            if hook is not None:
                call(act.show_end, hook)
                while pending:
                    out = call(fused.resume)
                    if out is not None:
                        yield out
            await _in(act, act.after(level))
        for event in act.released():
            yield event
        if act.outermost:
            await _in(act, act.save())
        act.complete = True
        if act.outermost:
            await _in(act, act.close(kind, None))
        if act.usage is not None:
            yield UsageUpdate(act.usage)
        yield act.finish or Finish(FinishReason.UNKNOWN)
    except GeneratorExit:
        kind, error = act.end or (OutcomeKind.ABANDONED, None)
        raise
    except asyncio.CancelledError as raised:
        if not run.waiting.interrupted:
            kind, error = OutcomeKind.CANCELLED, raised
            raise
        kind = OutcomeKind.ABANDONED
        if not act.outermost:
            raise
        await _in(act, act.close(kind, None))
        msg = "the stream was closed by another task while it was being read"
        raise StreamClosedError(msg, response=act.response_at(None)) from None
    except BaseException as raised:
        kind, error = OutcomeKind.FAILED, raised
        raise
    finally:
        if not act.complete:
            await _in(act, act.close(kind, error))
        if act.outermost:
            act.waiting.release()


async def _begin(act: Activation, request: ChatRequest, siblings: list[Inner]) -> None:
    """Run every ``before``, and open the source, which has not been pulled then."""
    for sibling in siblings:
        if sibling.activation is not None and sibling.activation.complete:
            await sibling.finish(OutcomeKind.FINISHED, None)
    await _close_dropped(act.run)
    result = await act.before(request)
    stage, inner = act.stage, act.stage.inner
    if isinstance(result, ChatResponse):
        act.source = _replayed(result)
        return
    if inner is None:
        act.source = aiter(act.run.model.stream(result))
        return
    following = _Next(act.run, inner, act.ctx, act.waiting, act.children)
    steering = stage.around
    if steering is None or steering.around is None:
        act.source = following(result)
        return
    stream: Any = steering.around(result, following, act.ctx)
    if inspect.iscoroutine(stream):
        stream.close()
    if not hasattr(stream, "__anext__"):
        wanted = "a stream: make it an async def with yield"
        raise contract_error(steering, "around", stream, wanted)
    act.source = stream


async def _in(act: Activation, coroutine: Awaitable[None]) -> None:
    """Await inside the run's context: an inner activation is there already."""
    context = act.context
    await (coroutine if context is None else Inside(context, act.waiting, coroutine))


def _directly(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


async def _replayed(response: ChatResponse) -> AsyncGenerator[list[Event], None]:
    yield list(response.events())


async def _close_dropped(run: Run) -> None:
    """Close the inner activations that their ``around`` no longer holds."""
    while run.dropped:
        await run.dropped.pop().finish(OutcomeKind.ABANDONED, None)


class _Next:
    """The rest of the chain: a closure over it, and over where its streams are kept."""

    __slots__ = ("children", "ctx", "run", "stage", "waiting")

    def __init__(
        self, run: Run, stage: Stage, ctx: RunContext, waiting: Waiting, children: list[Inner]
    ) -> None:
        self.run = run
        self.stage = stage
        self.ctx = ctx
        self.waiting = waiting
        self.children = children

    def __call__(self, request: ChatRequest, /) -> AsyncIterator[Event]:
        if not isinstance(request, ChatRequest):
            msg = f"next() takes a ChatRequest, not {type(request).__name__}"
            raise AdvisorContractError(msg)
        return _Stream(self, request)


class _Stream:
    """What ``next(request)`` gives: lazy, and noticed when it is dropped."""

    __slots__ = ("_inner", "_next", "_request")

    def __init__(self, following: _Next, request: ChatRequest) -> None:
        self._next = following
        self._request = request
        self._inner = Inner()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    def __anext__(self) -> Awaitable[Event]:
        generator = self._inner.generator
        if generator is None:
            generator = self._start()
        return generator.__anext__()

    def _start(self) -> AsyncGenerator[Event, None]:
        following, inner = self._next, self._inner
        waiting, context = following.waiting, None
        # Pulled first from a task of the author's own, it keeps that task's context.
        if asyncio.current_task() is not waiting.task:
            waiting, context = Waiting(), copy_context()
        ctx = following.ctx.child()
        activation = Activation(following.run, following.stage, ctx, waiting, context)
        inner.activation = activation
        inner.generator = drive(activation, self._request, following.children)
        following.children.append(inner)
        return inner.generator

    async def aclose(self) -> None:
        """Close it now; its ``on_close`` hooks run."""
        await self._inner.finish(OutcomeKind.ABANDONED, None, only_open=True)

    def __del__(self) -> None:
        activation = self._inner.activation
        if activation is not None and not (activation.complete or activation.closed):
            self._next.run.dropped.append(self._inner)
