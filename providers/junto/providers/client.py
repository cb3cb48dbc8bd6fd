"""What a model over HTTP has beside the protocol that it speaks: posting, and closing."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import NoReturn, Self

from junto.core import clean_text

from .failures import Origin, parse_failure, retry_after, to_error
from .transport import Clock, Exchange, Timeouts, Transport, refusal_of

__all__ = ["HTTPClient", "json_headers", "post", "request_id_of"]


class HTTPClient:
    """The outside of a model that is asked over HTTP: it is closed, once, by its owner.

    Args:
        transport: Sends its requests.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def timeouts(self) -> Timeouts:
        """The four clocks."""
        return self._transport.timeouts

    async def aclose(self) -> None:
        """Close the connections.  What still runs is interrupted."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def json_headers(*, streamed: bool) -> dict[str, str]:
    """The headers of a request with a JSON body, but for the key's."""
    return {
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if streamed else "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "junto",
    }


async def post(
    transport: Transport,
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    origin: Origin,
    clock: Clock,
) -> Exchange:
    """Send ``body``; return with the answer's headers read and found in order.

    Raises:
        ChatError: No connection, a refusal of the service, or an answer that is not to be
            read.  The connection is closed then.
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
    """The id of the request, as the headers have it."""
    return clean_text(origin.scrub(exchange.headers.get("x-request-id", "")), 100) or None


async def _refuse(exchange: Exchange, origin: Origin) -> NoReturn:
    raise to_error(
        parse_failure(
            await exchange.read_error_body(),
            exchange.status,
            request_id=request_id_of(exchange, origin),
            retry_after=retry_after(exchange.headers),
        ),
        origin,
    )
