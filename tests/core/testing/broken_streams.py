"""Providers whose streams or whose closing are wrong, and the checks that find it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from junto.core import (
    ChatRequest,
    Event,
    ProtocolError,
    TransportError,
)

from .broken_providers import found_by
from .tiny_provider import Tiny
from .tiny_reader import TinyReader
from .tiny_wire import Connection


@found_by(
    "nothing_is_asked_again_behind_the_first_event",
    "a_good_answer_follows_a_broken_one",
    "a_connection_lost_in_the_stream_is_told",
    "a_stream_that_ends_in_a_record_is_an_error",
    "a_stream_without_a_finish_is_an_error",
    says="the request was sent 1 times again",
)
class GoesOnWithAnotherAnswer(Tiny):
    async def stream(self, request: ChatRequest) -> AsyncIterator[list[Event]]:
        shown = False
        try:
            async for events in super().stream(request):
                shown = True
                yield events
        except TransportError:
            if not shown or getattr(self, "again", False):
                raise
        else:
            return
        self.again = True
        async for events in super().stream(request):
            yield events


PARTIAL = (
    "a_stream_without_a_finish_is_an_error",
    "a_stream_that_ends_in_a_record_is_an_error",
    "a_connection_lost_in_the_stream_is_told",
    "an_error_in_the_stream_is_told",
    "an_error_in_one_read_with_text_hides_none",
    "malformed_records_are_protocol_errors",
)


@found_by(*PARTIAL, says="partial_text is ''")
class LosesThePartialText(Tiny):
    def complete(self, error: Any, reader: TinyReader | None) -> None:
        return


# Streams that are left.


@found_by(
    "aclose_frees_the_connection",
    "cancellation_frees_the_connection",
    "cancellation_before_the_headers_frees_the_connection",
    "cancellation_before_the_first_byte_frees_the_connection",
    "a_client_that_leaves_frees_the_connection",
    "an_error_frees_the_connection",
    "the_end_of_the_answer_does_not_wait_for_that_of_the_body",
    says="leaves the connection open",
)
class ClosesLater(Tiny):
    async def free(self, connection: Connection) -> None:
        self.running.discard(connection)
        self._close_in(8, connection)

    def _close_in(self, rounds: int, connection: Connection) -> None:
        if rounds:
            asyncio.get_running_loop().call_soon(self._close_in, rounds - 1, connection)
        else:
            connection.close()


@found_by(
    "cancellation_frees_the_connection",
    "cancellation_before_the_headers_frees_the_connection",
    "cancellation_before_the_first_byte_frees_the_connection",
    "cancellation_passes_wherever_it_comes",
    "a_reader_can_be_cancelled",
    says="was swallowed",
)
class SwallowsCancellation(Tiny):
    async def stream(self, request: ChatRequest) -> AsyncIterator[list[Event]]:
        try:
            async for events in super().stream(request):
                yield events
        except asyncio.CancelledError:
            return


@found_by("cancellation_before_the_headers_frees_the_connection", says="leaves the connection open")
class ShieldsItsOpening(Tiny):
    async def open(self, request: ChatRequest) -> Connection:
        return await asyncio.shield(asyncio.ensure_future(super().open(request)))


@found_by("nothing_is_sent_before_the_first_pull", says="there is a connection before anybody")
class ConnectsAtOnce(Tiny):
    def stream(self, request: ChatRequest) -> Any:
        if not hasattr(self, "warming"):
            self.warming = asyncio.ensure_future(self._warm_up())
        return super().stream(request)

    async def _warm_up(self) -> None:
        (await Connection.to(self.url)).close()


@found_by("each_pull_may_come_from_another_task", says="left by another task")
class SpansTheYield(Tiny):
    """Holds a scope that belongs to a task, as those of anyio do."""

    async def stream(self, request: ChatRequest) -> AsyncIterator[list[Event]]:
        task = asyncio.current_task()
        try:
            async for events in super().stream(request):
                yield events
        finally:
            if asyncio.current_task() is not task:
                raise RuntimeError("the scope is left by another task")


CURRENT: ContextVar[str] = ContextVar("tiny_current")


@found_by("context_variables_stay_as_they_were", says="has set tiny_current for its reader")
class SetsAContextVariable(Tiny):
    def body(self, request: ChatRequest) -> dict[str, Any]:
        CURRENT.set(self.model)
        return super().body(request)


@found_by("it_serves_one_loop_after_another", says="on the second loop failed with RuntimeError")
class BelongsToOneLoop(Tiny):
    async def open(self, request: ChatRequest) -> Connection:
        self.loop = getattr(self, "loop", None) or asyncio.get_running_loop()
        if self.loop is not asyncio.get_running_loop():
            raise RuntimeError("attached to a different loop")
        return await super().open(request)


@found_by("many_streams_run_at_once", says="of 101 streams 100 could begin at once", limit=1.0)
class HasAPool(Tiny):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.places = asyncio.Semaphore(100)

    async def open(self, request: ChatRequest) -> Connection:
        await self.places.acquire()
        return await super().open(request)

    async def free(self, connection: Connection) -> None:
        self.places.release()
        await super().free(connection)


@found_by(
    "streams_at_once_keep_apart",
    "one_stream_that_fails_harms_no_other",
    says="of three streams at once",
)
class RemembersTheLatestRequest(Tiny):
    async def open(self, request: ChatRequest) -> Connection:
        self.latest = request
        await asyncio.sleep(0)
        return await super().open(self.latest)


@found_by("it_does_not_block_the_loop", says="blocked by time.sleep")
class Sleeps(Tiny):
    def body(self, request: ChatRequest) -> dict[str, Any]:
        time.sleep(0.001)
        return super().body(request)


# The model itself.


@found_by("closing_the_model_again_does_nothing", says="already closed")
class ClosesOnce(Tiny):
    async def aclose(self) -> None:
        if self.closed and not self.running:
            raise RuntimeError("already closed")
        await super().aclose()


@found_by("a_closed_model_says_so", says="a closed model answers")
class AnswersWhenClosed(Tiny):
    async def aclose(self) -> None:
        await super().aclose()
        self.closed = False


@found_by("a_closed_model_says_so", says="raised RuntimeError")
class RaisesItsOwnWhenClosed(Tiny):
    async def aclose(self) -> None:
        await super().aclose()
        self.dead, self.closed = True, False

    async def open(self, request: ChatRequest) -> Connection:
        if getattr(self, "dead", False):
            raise RuntimeError("session is closed")
        return await super().open(request)


@found_by(
    "closing_the_model_interrupts_what_runs", says="goes on when the model is closed", limit=1.0
)
class LeavesItsStreamsAlone(Tiny):
    async def aclose(self) -> None:
        self.closed = True


@found_by(
    "closing_the_model_closes_its_connections",
    "cancellation_passes_wherever_it_comes",
    "nobody_listening_is_a_connection_error",
    says="leaves 1 connections open",
    limit=1.0,
)
class KeepsAConnection(Tiny):
    async def open(self, request: ChatRequest) -> Connection:
        if not hasattr(self, "spare"):
            port = urlsplit(self.url).port or 0
            loop = asyncio.get_running_loop()
            self.spare = await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
        return await super().open(request)


@found_by("it_is_a_chat_model", says="provider is None")
class HasNoName(Tiny):
    provider: Any = None


@found_by(
    "stream_returns_at_once",
    "a_client_that_leaves_frees_the_connection",
    "a_dropped_stream_frees_the_connection",
    "a_stream_can_be_closed_at_any_event",
    "aclose_frees_the_connection",
    "each_pull_may_come_from_another_task",
    "nothing_is_sent_before_the_first_pull",
    "one_reader_that_leaves_harms_no_other",
    says="has no aclose",
)
class GivesNoGenerator(Tiny):
    def stream(self, request: ChatRequest) -> Any:
        return _Pulled(super().stream(request))


class _Pulled:
    """An iterator that cannot be closed."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __aiter__(self) -> Any:
        return self

    def __anext__(self) -> Any:
        return self._inner.__anext__()


@found_by("a_stream_may_have_another_content_type", says="this is no stream")
class TrustsTheContentType(Tiny):
    def made_reader(self, connection: Connection) -> TinyReader:
        if connection.headers.get("content-type") not in {"text/event-stream", "application/json"}:
            raise ProtocolError("this is no stream")
        return super().made_reader(connection)
