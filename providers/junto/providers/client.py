"""What a model over HTTP has beside the protocol that it speaks."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from .transport import Timeouts, Transport

__all__ = ["HTTPClient", "json_headers"]


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
