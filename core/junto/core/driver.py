"""The one driver: pull the source, run the hooks, deliver, end, close.

The essay on top of ``chain.py`` says what must hold; this is where it does.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from types import AsyncGeneratorType
from typing import Any, Never, cast, get_args

from ._await import inside, is_cancelled, suspended
from ._generators import unregistered
from .activation import Activation
from .attempt import OutcomeKind
from .chat import ChatRequest, ChatResponse
from .children import Children
from .collect import NoEventError
from .contract import contract_error
from .errors import AdvisorContractError, ChatError, ProtocolError, StreamClosedError
from .events import Event, Finish, ModelWarning, ReasoningDelta, Restart, TextDelta, UsageUpdate
from .following import Following
from .levels import Level
from .observe import MODEL

__all__ = ["drive"]

_SPECIAL = frozenset({UsageUpdate, Finish, ModelWarning, Restart})

_PLAIN: frozenset[Any] = frozenset({TextDelta, ReasoningDelta})

_EVENTS = frozenset(get_args(Event))

_BATCHES: frozenset[Any] = frozenset({list, tuple})

_COMPACT_EVERY = 32


async def drive(  # noqa: C901  the order of these steps is the pipeline: apart, nobody would see it
    begin: Callable[[], Activation], request: ChatRequest, siblings: Children | None
) -> AsyncGenerator[Any, None]:
    """Run one activation; the outermost one is the run.

    Args:
        begin: Gives its state, in the task that pulls first.
        request: What it is asked.
        siblings: The other activations of the same ``around``, of which complete ones
            are closed first; ``None`` for the outermost.
    """
    if siblings is not None:
        # Nothing has happened yet: ``primed`` takes this one.
        yield None
    act = begin()
    kind, error = OutcomeKind.FINISHED, None
    try:
        source = await _in(act, _begun(act, request, siblings))
        # What holds this generator must not be held by it.
        del siblings, begin
        fused, dropped = act.fused, act.children.dropped
        pending, passing, note = fused.pending, fused.passing, fused.note
        step: Callable[..., Any] = fused.step
        special: Callable[..., Any] = act.special
        resume: Callable[..., Any] = fused.resume
        context = None if act.direct else act.context
        if context is not None and not passing:
            step = partial(context.run, step)
            special, resume = partial(context.run, special), partial(context.run, resume)
        later, is_plain = _pulls(source)
        pull: Callable[[None], Any] = partial(unregistered, later)
        turn = 0
        while True:
            try:
                if context is None:
                    got: Any = await pull(None)
                elif is_plain:
                    # What ``inside`` does, without a coroutine for each event.
                    pulling = pull(None)
                    try:
                        yielded = context.run(pulling.send, None)
                    except StopIteration as stop:
                        got = stop.value
                    else:
                        got = await suspended(context, act.waiting, pulling, yielded)
                else:
                    got = await inside(context, act.waiting, pull(None))
            except StopAsyncIteration:
                break
            if pull is not later:
                pull = later
                act.answered = True
            turn += 1
            if turn == _COMPACT_EVERY:
                fused.compact()
                turn = 0
            if passing and got.__class__ in _PLAIN and not dropped:
                # What the loop below comes to, for the commonest case.
                if note is not None:
                    note(got)
                yield got
                continue
            events: Any = got if got.__class__ in _BATCHES else _batch(got)
            for event in events:
                if event.__class__ in _SPECIAL:
                    out = special(event)
                elif event.__class__ not in _EVENTS:
                    out = _refused(event)
                elif passing:
                    out = event
                    if note is not None:
                        note(event)
                else:
                    out = step(event)
                if dropped:
                    await _in(act, act.children.close_dropped())
                if out is not None:
                    yield out
                while pending:
                    out = resume()
                    if out is not None:
                        yield out
        del source, pull, later
        await _in(act, act.settle())
        for hook, i, level in act.ends():
            if hook is not None:
                _run(act, act.show_end, hook)
                while pending:
                    out = resume()
                    if out is not None:
                        yield out
            if level.after is not None:
                await _in(act, act.after(i, level))
        for event in act.released():
            yield event
        if act.outermost:
            await _in(act, act.save())
        act.complete = True
        if act.outermost:
            await _in(act, act.close(kind, None))
        if act.usage is not None:
            act.sent = UsageUpdate(act.usage)
            yield act.sent
        yield act.ending
    except GeneratorExit:
        kind, error = act.end or (OutcomeKind.ABANDONED, None)
        raise
    except asyncio.CancelledError as raised:
        if isinstance(raised.__cause__, Exception):
            act.run.unclean("what was cancelled", raised.__cause__)
            raised.__cause__ = None
        # An interruption is the outermost activation's to accept, in the task that waits.
        interrupted = act.waiting.interrupted if act.direct else act.waiting.accept()
        if not interrupted or is_cancelled():
            kind, error = OutcomeKind.CANCELLED, raised
            raise
        kind, error = act.end or (OutcomeKind.ABANDONED, None)
        if not act.outermost:
            raise
        await _in(act, act.close(kind, error))
        msg = act.run.because("the stream was closed by another task while it was being read")
        raise StreamClosedError(msg, response=act.left_at(0)) from None
    except NoEventError as raised:
        kind, error = OutcomeKind.FAILED, _blamed(act, raised)
        raise error from None
    except BaseException as raised:
        kind, error = OutcomeKind.FAILED, raised
        if not (isinstance(raised, Exception) and act.waiting.is_cancelled()):
            raise
        # It failed while it was cancelled: further out the cancellation goes on, and no
        # ``except`` of an author takes it for a failed attempt.
        act.run.unclean("what was cancelled", raised)
        interrupted = act.waiting.interrupted if act.direct else act.waiting.accept()
        kind, error = _cancelled(interrupted, raised)
        raise asyncio.CancelledError from None
    finally:
        try:
            if not act.complete:
                await _in(act, act.close(kind, error))
        finally:
            if not act.direct:
                act.waiting.release()


def _cancelled(
    interrupted: bool,  # noqa: FBT001  as the waiting says
    failure: BaseException,
) -> tuple[OutcomeKind, BaseException | None]:
    if interrupted:
        return OutcomeKind.ABANDONED, None
    error: BaseException | None = failure
    while error is not None and not isinstance(error, asyncio.CancelledError):
        error = error.__context__
    return OutcomeKind.CANCELLED, error or failure


def _batch(got: object) -> Sequence[object]:
    """What a source gave, as a batch: an event alone, or a sequence of an unusual kind."""
    if isinstance(got, Sequence) and not isinstance(got, str | bytes):
        return cast("Sequence[object]", got)
    return (got,)


def _refused(given: object) -> Never:
    raise NoEventError(given)


def _blamed(act: Activation, error: NoEventError) -> ChatError:
    """What to raise when something in the stream is no event."""
    steering = act.stage.around
    if steering is None:
        return ProtocolError(f"{act.run.model!r} gave {error.given}, which is no event")
    msg = f"around of advisor {steering.name!r} gave {error.given}, which is no event"
    return AdvisorContractError(msg, advisor=steering.name)


async def _begun(
    act: Activation, request: ChatRequest, siblings: Children | None
) -> AsyncIterator[Any]:
    """Run every ``before``, and give the source, which has not been pulled then."""
    if siblings is not None:
        await siblings.make_way()
    result = await act.before(request)
    act.source = _source(act, result)
    return act.source


def _source(act: Activation, result: ChatRequest | ChatResponse) -> AsyncIterator[Any]:
    if isinstance(result, ChatResponse):
        return _replayed(result)
    stage, run = act.stage, act.run
    if stage.inner is None:
        act.ask(result.options.model)
        stream: Any = run.model.stream(result)
        if not hasattr(stream, "__aiter__"):
            _discard(stream)
            msg = f"stream() of {run.model!r} gave no stream, but {type(stream).__name__}"
            raise ProtocolError(msg)
        source: AsyncIterator[Any] = aiter(stream)
        if run.watch is None:
            return source
        return run.watch.steering(MODEL, act.path).source(source)
    following = Following(act, stage.inner, drive)
    level = stage.around
    if level is None:
        return aiter(following(result))
    if run.watch is None:
        return _steered(level, result, following)
    following.steering = run.watch.steering(level.name, act.path)
    return following.steering.source(_steered(level, result, following))


def _pulls(source: AsyncIterator[Any]) -> tuple[Callable[[None], Any], bool]:
    """How to pull a source, and whether what that gives has a ``send``."""
    if isinstance(source, AsyncGeneratorType):
        generator = cast("AsyncGenerator[Any, None]", source)
        return generator.asend, True  # A method, which is quicker to call than a slot.
    pull = source.__anext__
    return lambda _: pull(), False


def _steered(level: Level, request: ChatRequest, following: Following) -> AsyncIterator[Any]:
    stream: Any = level.around and level.around(request, following, following.ctx)
    if not hasattr(stream, "__anext__"):
        _discard(stream)
        wanted = "a stream: make it an async def with yield"
        raise contract_error(level, "around", stream, wanted)
    return stream  # type: ignore[no-any-return]  # told by its method


def _discard(stream: object) -> None:
    if inspect.iscoroutine(stream):
        stream.close()


async def _replayed(response: ChatResponse) -> AsyncGenerator[list[Event], None]:
    yield list(response.events())


def _in(act: Activation, coroutine: Awaitable[Any]) -> Awaitable[Any]:
    """Await inside the run's context: an inner activation is there already."""
    if act.direct or act.context is None:
        return coroutine
    return inside(act.context, act.waiting, coroutine)


def _run(act: Activation, function: Callable[[int], None], argument: int) -> None:
    if act.direct or act.context is None:
        function(argument)
    else:
        act.context.run(function, argument)
