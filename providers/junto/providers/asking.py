"""The one loop that every streaming provider runs: ask, read, hand on, close."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from junto.core import (
    ChatTimeoutError,
    Event,
    InterruptedStreamError,
    ModelWarning,
    ProtocolError,
    TransportError,
)

from .assembly import AnswerReader
from .transport import Clock, Exchange, Timeouts

__all__ = ["Asking", "next_events", "stream_answer"]

_TAIL = 1.0  # seconds for usage or the mark of the end, behind a whole answer


class Asking(Protocol):
    """One request, ready to be sent.

    Attributes:
        warnings: What of it has no effect; they are the first events.
    """

    @property
    def warnings(self) -> Sequence[ModelWarning]:
        """What of the request has no effect; they are the first events."""
        ...

    async def begin(self, clock: Clock) -> tuple[Exchange, AnswerReader, list[Event]]:
        """Send it; return when the answer has begun, with the events read so far.

        Whatever it raises, it has closed its exchange.

        Raises:
            ChatError: The answer is a refusal, or did not begin.
        """
        ...


async def stream_answer(
    prepare: Callable[[], Asking], timeouts: Timeouts
) -> AsyncIterator[list[Event]]:
    """Ask, and yield a list of events for each read that brought some.

    The connection is freed before this ends, fails, is cancelled or is closed.

    Args:
        prepare: Makes the request, at the first pull.
        timeouts: The clocks.

    Raises:
        ChatError: Whatever ended the answer early; it carries the text so far.
    """
    asking = prepare()
    if asking.warnings:
        yield list(asking.warnings)
    clock = Clock(timeouts)
    try:
        exchange, reader, events = await asking.begin(clock)
    finally:
        # The question has been sent: an answer may take minutes, and there may be thousands.
        del asking, prepare
    try:
        while True:
            if events:
                yield events
                if not reader.ending:
                    clock.progressed()
            if reader.failure is not None:
                raise reader.failure
            if reader.finished:
                break
            if reader.ending:
                clock.ending(_TAIL)
            events = await next_events(exchange, reader)
        await exchange.drain()
    finally:
        exchange.close()


async def next_events(exchange: Exchange, reader: AnswerReader) -> list[Event]:
    """What the next read brings; a failure may stand in ``reader.failure`` beside it.

    Raises:
        ChatTimeoutError: A clock ran out.
        ProtocolError: The body is broken.
    """
    try:
        data = await exchange.read()
        return reader.feed(data) if data else reader.end()
    except InterruptedStreamError as lost:
        events = reader.end()
        if not reader.finished:
            reader.failure = lost
            reader.complete(lost)
        return events
    except ChatTimeoutError as late:
        if reader.is_whole():
            return reader.end()
        reader.complete(late)
        raise
    except (TransportError, ProtocolError) as error:
        if reader.ending:
            return reader.end()
        reader.complete(error)
        raise
    finally:
        data = b""  # a traceback that shows locals would show it
