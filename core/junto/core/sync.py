"""A synchronous face, for scripts and notebooks.

Thin: the run itself is the asynchronous one, in a thread of its own with an event loop.
Each event costs a hop to that thread and back, and the caller's thread waits: a server
uses :class:`~junto.core.ChatClient`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from ._worker import CLOSED, Worker
from .chat import ChatResponse
from .client import ChatClient
from .context import Outcome, RunContext
from .errors import StreamClosedError
from .events import Event
from .messages import Message
from .model import ModelLike
from .prompt import Ask
from .stream import ChatStream

__all__ = ["SyncChatClient", "SyncChatStream"]

T = TypeVar("T")


class SyncChatClient:
    """Asks a model through advisors, and waits for the answer.

    ::

        with SyncChatClient("dashscope:qwen-plus") as client:
            print(client.call("Why is the sky blue?").text)
            with client.stream("And the sunset?") as answer:
                for piece in answer.text():
                    print(piece, end="", flush=True)

    It works inside a running event loop as well, as in a notebook; that loop stands
    still while it waits.  Any number of threads may share a client.  Its thread begins
    with the first question, and ends with :meth:`close` or with the process.

    Args:
        client: A client, which remains the caller's; or the model of a new one.
        **defaults: For a new client: what :class:`~junto.core.ChatClient` takes.

    Raises:
        TypeError: Defaults for a client that is there already.
    """

    def __init__(self, client: ChatClient | ModelLike, **defaults: Any) -> None:
        if isinstance(client, ChatClient) and defaults:
            msg = f"{min(defaults)!r} goes to the ChatClient: client.mutate({min(defaults)}=…)"
            raise TypeError(msg)
        self._owns = not isinstance(client, ChatClient)
        self._client = client if isinstance(client, ChatClient) else ChatClient(client, **defaults)
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._streams = weakref.WeakSet[ChatStream]()
        self._closed = False

    def call(self, prompt: str | Message | None = None, **ask: Unpack[Ask]) -> ChatResponse:
        """Ask, and wait for the whole answer.

        Raises:
            StreamClosedError: This client is closed, or was while it waited.
            ChatError: As :meth:`ChatClient.call() <junto.core.ChatClient.call>`.
        """
        return self._run(partial(self._client.call, prompt, **ask))

    def stream(self, prompt: str | Message | None = None, **ask: Unpack[Ask]) -> SyncChatStream:
        """Ask, and read the answer as it comes.  Nothing happens before the first pull."""
        stream = self._client.stream(prompt, **ask)
        with self._lock:
            self._streams.add(stream)
        return SyncChatStream(self._run, stream)

    def close(self) -> None:
        """Close the open streams, the model if it was made here, and the thread.

        Calling it again does nothing.

        Raises:
            StreamStateError: A hook calls it, in the thread that it would wait for.
        """
        with self._lock:
            if self._worker is not None:
                self._worker.check_caller()
            worker, self._worker = self._worker, None
            streams, self._closed = list(self._streams), True
        if worker is not None:
            for stream in streams:
                worker.run(stream.aclose)
            if self._owns:
                worker.run(self._client.aclose)
            worker.stop()

    def _run(self, ask: Callable[[], Awaitable[T]]) -> T:
        with self._lock:
            if self._closed:
                raise StreamClosedError(CLOSED)
            if self._worker is None:
                self._worker = Worker()
                # At the end of the process, or of this object, if nobody closes it.
                weakref.finalize(self, self._worker.stop)
            worker = self._worker
        return worker.run(ask)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Sync{self._client!r}"


class SyncChatStream:
    """One run; iterating it gives the events.  See :class:`~junto.core.ChatStream`.

    Leaving ``with`` returns when the provider's connection is closed and every
    ``on_close`` has run.  One thread reads at a time: another one gets
    :class:`~junto.core.ConcurrentReadError`.
    """

    def __init__(
        self, run: Callable[[Callable[[], Awaitable[Any]]], Any], stream: ChatStream
    ) -> None:
        self._run = run
        self._stream = stream

    def __iter__(self) -> Iterator[Event]:
        while (event := self._run(partial(anext, self._stream, None))) is not None:
            yield event

    def text(self) -> Iterator[str]:
        """The pieces to print: the text, and reasoning where an advisor shows it."""
        pieces = self._stream.text()
        while (piece := self._run(partial(anext, pieces, None))) is not None:
            yield piece

    def response(self) -> ChatResponse:
        """Read what is left, and give the whole response; the same object each time."""
        response: ChatResponse = self._run(self._stream.response)
        return response

    @property
    def context(self) -> RunContext:
        """The run's context."""
        return self._stream.context

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended, once it has."""
        return self._stream.outcome

    def close(self) -> None:
        """Stop here.  Calling it again does nothing; from another thread it interrupts."""
        with suppress(StreamClosedError):  # a closed client has closed its streams
            self._run(self._stream.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Sync{self._stream!r}"
