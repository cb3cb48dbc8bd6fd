"""The answer as the reader gets it: a stream, read once."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable
from contextvars import copy_context
from types import AsyncGeneratorType, TracebackType
from typing import Self, TypeAlias, cast

from ._await import is_entered
from ._generators import is_running, registered
from .activation import Activation
from .attempt import OutcomeKind
from .chain import AdvisorChain
from .chat import ChatRequest, ChatResponse
from .context import Outcome, RunContext
from .driver import drive
from .errors import ConcurrentReadError, StreamClosedError, StreamConsumedError, StreamStateError
from .events import Event, ReasoningDelta, TextDelta
from .run import Run

__all__ = ["ChatStream"]

# Gives None where asyncio.get_running_loop() raises.
_running_loop = asyncio._get_running_loop  # noqa: SLF001  documented for such as us

_Generator: TypeAlias = "AsyncGeneratorType[Event, None]"


class ChatStream:
    """One run.  Nothing happens before the first pull.

    ::

        async with client.stream("Why is the sky blue?") as answer:
            async for piece in answer.text():
                print(piece, end="")
            response = await answer.response()

    Iterating it gives the events; :meth:`text` gives what to print.  There is one
    reading of it and one reader at a time.  Leaving ``async with`` closes the run: when
    the block is left, by whatever way, the provider's connection is closed and every
    ``on_close`` has run.
    """

    __slots__ = ("__weakref__", "_act", "_closed", "_generator", "_loop", "_run")

    def __init__(
        self, run: Run, chain: AdvisorChain, request: ChatRequest, ctx: RunContext
    ) -> None:
        self._run = run
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._act = act = Activation(run, chain.stage, ctx, run.waiting)
        self._generator = cast("_Generator", drive(lambda: act, request, None))

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    def __anext__(self) -> Awaitable[Event]:
        generator = self._generator
        if generator.ag_running or _running_loop() is not self._run.reading_on:
            return self._prepared()
        return generator.__anext__()

    def text(self) -> AsyncIterator[str]:
        """The pieces to print: the text, and reasoning where an advisor shows it."""
        return _Text(self, self._generator, self._run)

    async def response(self) -> ChatResponse:
        """Read what is left, and give the whole response; the same object each time.

        Raises:
            StreamClosedError: The stream was left early; ``error.response`` has what
                had come.
            ConcurrentReadError: Another task is reading.
            Exception: After a failure the run's own error, the same object.
        """
        self._raise_if_over()
        if self._run.ended is None:
            async for _ in self:
                pass
        if self._run.response is None:
            raise StreamConsumedError("this stream ended without a response")
        return self._run.response

    @property
    def context(self) -> RunContext:
        """The run's context: its ids, and what advisors left there."""
        return self._act.ctx

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended, once it has."""
        ended = self._run.ended
        return None if ended is None else self._act.outcome(*ended, 0)

    async def aclose(self, reason: str = "") -> None:
        """Stop here.  Calling it again does nothing.

        From another task it interrupts the pull in flight, which raises
        :class:`~junto.core.StreamClosedError` there; the reader's task is not cancelled.

        Args:
            reason: Why, for ``outcome.reason`` and for that error.
        """
        self._closed = True
        self._run.reason = self._run.reason or reason
        if is_running(self._generator):
            await self._interrupt()
        if not is_running(self._generator):
            await self._generator.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        ended = self._run.ended
        state = ended[0].value if ended else "open" if self._loop else "not started"
        return f"<ChatStream {state}, run {self._act.ctx.run_id}>"

    def __del__(self) -> None:
        loop = self._loop
        if loop is None or self._run.ended is not None or self._generator.ag_frame is None:
            return
        # First of all, because a warning may be an error.
        if not loop.is_closed():
            _close_later(loop, self._generator)
        warnings.warn(
            f"{self!r} was dropped before its end: use 'async with', or call aclose()",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )

    def _prepared(self) -> Awaitable[Event]:
        """The slow path of a pull: the first one, the last, or one that cannot be."""
        self._raise_if_over()
        generator, run, loop = self._generator, self._run, asyncio.get_running_loop()
        if generator.ag_frame is None:
            msg = "this stream has been read already; await response() for the whole answer"
            raise StreamConsumedError(msg)
        if self._loop is None:
            self._loop = run.reading_on = loop
            self._act.context = copy_context()
            return registered(generator.__anext__)  # type: ignore[no-any-return]  # as above
        return generator.__anext__()

    def _raise_if_over(self) -> None:
        if is_running(self._generator):
            msg = "another task is reading this stream; one reader at a time"
            raise ConcurrentReadError(msg)
        reading_on = self._run.reading_on
        if reading_on is not None and reading_on is not _running_loop():
            msg = "this stream is being read on another event loop: read and close it there"
            raise StreamStateError(msg)
        ended = self._run.ended
        if ended is None:
            if self._closed:
                msg = self._run.because("this stream was closed before it was read")
                raise StreamClosedError(msg)
            return
        kind, error = ended
        if kind is OutcomeKind.FAILED and error is not None:
            raise error
        # Somebody else's cancellation is not raised here: this task was not cancelled.
        if kind in {OutcomeKind.ABANDONED, OutcomeKind.CANCELLED}:
            msg = self._run.because("this stream was left before its end")
            raise StreamClosedError(msg, response=self._act.left_at(0))

    async def _interrupt(self) -> None:
        context = self._act.context
        if context is not None and is_entered(context):
            msg = "a stream cannot be closed by a hook of its own run: raise instead"
            raise ConcurrentReadError(msg)
        if not self._act.closed:
            self._run.waiting.interrupt()
        await self._run.waiting.over()


class _Text:
    """A view of the events: a pure function of them, with no state of its own."""

    __slots__ = ("_generator", "_run", "_stream")

    def __init__(self, stream: ChatStream, generator: _Generator, run: Run) -> None:
        self._stream = stream
        self._generator = generator
        self._run = run

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        generator, run = self._generator, self._run
        while True:
            # ChatStream.__anext__, without the call.
            if generator.ag_running or _running_loop() is not run.reading_on:
                event = await self._stream.__anext__()
            else:
                event = await generator.__anext__()
            kind = event.__class__
            if kind is TextDelta:
                return event.text  # type: ignore[union-attr]  # told apart by class
            if kind is ReasoningDelta and event.shown is not None:  # type: ignore[union-attr]
                return event.shown  # type: ignore[union-attr]


def _close_later(loop: asyncio.AbstractEventLoop, generator: _Generator) -> None:
    """Close a dropped stream in a task on its own loop."""
    if _running_loop() is not loop:
        loop.call_soon_threadsafe(_start_closing, loop, generator)
    elif loop.get_task_factory() is None:
        _start_closing(loop, generator)
    else:
        # An eager task would begin here, in the midst of a collection of garbage.
        loop.call_soon(_start_closing, loop, generator)


def _start_closing(loop: asyncio.AbstractEventLoop, generator: _Generator) -> None:
    task = loop.create_task(_close(generator))
    # It holds the generator also when it is cancelled before its first step.
    _closing[task] = generator
    task.add_done_callback(_closed)


async def _close(generator: _Generator) -> None:
    if not is_running(generator):
        await generator.aclose()


def _closed(task: asyncio.Task[None]) -> None:
    generator = _closing.pop(task)
    if task.cancelled():
        _again(task.get_loop(), generator, 10)


def _again(loop: asyncio.AbstractEventLoop, generator: _Generator, ticks: int) -> None:
    """Close it after all, unless a loop that shuts down, as loops do then, comes first."""
    if generator.ag_frame is None or is_running(generator):
        return
    if ticks:
        loop.call_soon(_again, loop, generator, ticks - 1)
    else:
        _close_later(loop, generator)


_closing: dict[asyncio.Task[None], _Generator] = {}
