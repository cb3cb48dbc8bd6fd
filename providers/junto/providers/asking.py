"""The one loop that every streaming provider runs: ask, read, hand on, close."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import NoReturn, Protocol

from attrs import frozen

from junto.core import (
    ChatTimeoutError,
    Event,
    InterruptedStreamError,
    ModelWarning,
    ProtocolError,
    TransportError,
    clean_text,
)

from .assembly import AnswerReader
from .failures import Origin, parse_failure, retry_after, to_error
from .transport import Clock, Exchange, Timeouts, Transport, refusal_of

__all__ = [
    "Asking",
    "OneRequest",
    "next_events",
    "post_question",
    "request_id_of",
    "stream_answer",
]

_TAIL = 1.0  # seconds for usage or the mark of the end, behind a whole answer


class Asking(Protocol):
    """One request, ready to be sent."""

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


@frozen
class OneRequest:
    """A request that is sent once, and whose answer begins with its headers.

    Attributes:
        post: Sends it; closes what it opened if it fails.
        reader_of: Makes the reader of its answer.
        warnings: What of it has no effect.
    """

    post: Callable[[Clock], Awaitable[Exchange]]
    reader_of: Callable[[Exchange], AnswerReader]
    warnings: Sequence[ModelWarning] = ()

    async def begin(self, clock: Clock) -> tuple[Exchange, AnswerReader, list[Event]]:
        """Send it.

        Raises:
            ChatError: The answer is a refusal, or did not begin.
        """
        exchange = await self.post(clock)
        return exchange, self.reader_of(exchange), []


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
        events = reader.end(lost=True)
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


async def post_question(
    transport: Transport,
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    origin: Origin,
    clock: Clock,
) -> Exchange:
    """Post a question, and return when its answer has begun in order.

    Close the exchange in a ``finally``; on whatever this raises, it is closed already.

    Args:
        transport: The provider's.
        url: Where to.
        body: What to send.
        headers: Without ``Authorization``.
        origin: Holds the key to send, and says what an error means.
        clock: Measures this request.

    Raises:
        ChatError: No connection, a refusal of the service as an error of its kind, or an
            answer that is neither a stream nor JSON.
    """
    exchange = await transport.post(url, body, headers=headers, key=origin.key, clock=clock)
    try:
        refusal = refusal_of(exchange.status, exchange.headers, origin.scrub)
        if refusal is not None:
            raise refusal  # noqa: TRY301  the connection is closed just below
        if exchange.status >= 400:
            await _refuse(exchange, origin)
    except BaseException:
        exchange.close()
        raise
    return exchange


def request_id_of(exchange: Exchange, origin: Origin) -> str | None:
    """The id of the request, where the header ``X-Request-Id`` has it."""
    return clean_text(origin.scrub(exchange.headers.get("X-Request-Id", "")), 100) or None


async def _refuse(exchange: Exchange, origin: Origin) -> NoReturn:
    raise to_error(  # in one expression: a traceback that shows locals would show its parts
        parse_failure(
            await exchange.read_error_body(),
            exchange.status,
            request_id=request_id_of(exchange, origin),
            retry_after=retry_after(exchange.headers),
        ),
        origin,
    )
