"""What an ``around`` gets as ``next``, and the streams that it gives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextvars import copy_context
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ._await import Waiting, is_entered, unregistered
from .activation import Activation
from .chat import ChatRequest
from .children import Child, Children
from .context import OutcomeKind
from .errors import AdvisorContractError
from .events import Event

if TYPE_CHECKING:
    from .levels import Stage

__all__ = ["Following"]

_Drive: TypeAlias = Callable[[Activation, ChatRequest, Children], AsyncGenerator[Event, None]]


class Following:
    """The rest of the chain: a closure over it, and over where its streams are kept.

    It holds what an inner activation needs, and not the outer activation: that one holds
    the ``around``, which holds this.
    """

    __slots__ = ("_context", "_drive", "_run", "_stage", "_waiting", "children", "ctx")

    def __init__(self, act: Activation, stage: Stage, drive: _Drive) -> None:
        self._run = act.run
        self._stage = stage
        self._drive = drive
        self._context = act.context
        self._waiting = act.waiting
        self.ctx = act.ctx
        self.children = act.children

    def __call__(self, request: ChatRequest, /) -> _Stream:
        """Ask what is further in."""
        given: Any = request
        if not isinstance(given, ChatRequest):
            msg = f"next() takes a ChatRequest, not {type(given).__name__}"
            raise AdvisorContractError(msg)
        return _Stream(self, given)

    def begin(self, request: ChatRequest) -> Child:
        """Make an activation; whoever calls this is about to pull it."""
        context = self._context
        direct = context is None or is_entered(context)
        # Pulled first from a task of the author's own, it keeps a copy of that context.
        waiting = self._waiting if direct else Waiting()
        activation = Activation(self._run, self._stage, self.ctx.child(), waiting)
        activation.direct = direct
        activation.context = context if direct else copy_context()
        generator = self._drive(activation, request, self.children)
        child = Child(activation, cast("AsyncGeneratorType[Event, None]", generator))
        self.children.add(child)
        return child


class _Stream:
    """What ``next(request)`` gives: lazy, and noticed when it is dropped."""

    __slots__ = ("_child", "_closed", "_following", "_generator", "_request")

    def __init__(self, following: Following, request: ChatRequest) -> None:
        self._following = following
        self._request = request
        self._child: Child | None = None
        self._generator: AsyncGenerator[Event, None] | None = None
        self._closed = False

    def __aiter__(self) -> _Stream:
        return self

    def __anext__(self) -> Awaitable[Event]:
        generator = self._generator
        return _First(self) if generator is None else generator.__anext__()

    def begin(self) -> Awaitable[Event]:
        """The first pull."""
        if self._child is None:
            if self._closed:
                raise StopAsyncIteration
            self._child = self._following.begin(self._request)
            self._generator = self._child.generator
        return unregistered(self._child.generator.__anext__)

    async def aclose(self) -> None:
        """Close it now; its ``on_close`` hooks run."""
        self._closed = True
        if self._child is not None:
            await self._child.stop(OutcomeKind.ABANDONED, None)

    def __del__(self) -> None:
        if self._child is not None:
            self._following.children.drop(self._child)


class _First:
    """The first pull of a stream.

    It begins the activation when it is awaited, in the task that awaits it, and holds
    the stream: ``await anext(next(request))`` drops it otherwise.
    """

    __slots__ = ("_stream",)

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def __await__(self) -> Generator[Any, Any, Event]:
        return (yield from self._stream.begin().__await__())
