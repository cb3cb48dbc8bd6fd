"""The one place that talks to the network: a request out, bytes in, the connection freed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp

from junto.core import (
    ChatConnectionError,
    ChatError,
    ChatTimeoutError,
    InterruptedStreamError,
    ProtocolError,
    Secret,
    clean_text,
)

from ._clock import Clock

__all__ = ["Exchange", "refusal_of"]

_ERROR_LIMIT = 64 * 1024
_TYPES = {"", "text/event-stream", "text/plain", "application/json"}
_ENCODINGS = {"", "identity", "gzip", "x-gzip", "deflate"}
_DRAIN = 0.1


class _Masked(str):
    """A header's value that shows itself to the socket and not to a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


class Exchange:
    """One request and the bytes of its answer.

    :meth:`close` is synchronous and frees the connection at once; it belongs into a
    ``finally``.  A connection whose answer was read to its end goes back to the pool.
    """

    __slots__ = ("_clock", "_content", "_failure", "_interrupt", "_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, clock: Clock) -> None:
        self._response = response
        self._content = response.content
        self._interrupt = response.content.set_exception
        self._clock = clock
        self._failure: ChatError | None = None
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    @classmethod
    async def open(
        cls,
        session: aiohttp.ClientSession,
        url: str,
        *,
        headers: Mapping[str, str],
        key: Secret,
        body: bytes,
        limits: aiohttp.ClientTimeout,
        clock: Clock,
    ) -> Exchange:
        """Send the request, and return when the headers of the answer are there.

        Raises:
            ChatConnectionError: No connection, or it was lost.
            ChatTimeoutError: Of clock ``connect``, ``first_event`` or ``total``.
            ProtocolError: What came is not HTTP.
        """
        secret = {**headers, "Authorization": _Masked(f"Bearer {key.reveal()}")}
        until = asyncio.timeout_at(clock.deadline)
        try:
            async with until:
                response = await session.post(
                    url, data=body, headers=secret, allow_redirects=False, timeout=limits
                )
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            if until.expired():
                raise clock.error() from None
            raise _connection_error(error, url, limits) from _harmless(error)
        return cls(response, clock)

    async def read(self) -> bytes:
        """The next bytes, all that are there; empty at the end.

        Raises:
            ChatTimeoutError: Of clock ``first_event``, ``progress`` or ``total``.
            InterruptedStreamError: The connection was lost.
            ProtocolError: The body is broken: chunks, compression.
        """
        if self._failure is not None:
            raise self._failure
        content, clock = self._content, self._clock
        try:
            try:
                clock.begin(self._interrupt)
            except ChatTimeoutError:
                # What has come in time counts, however late it is asked for.
                if (data := content.read_nowait()) or content.at_eof():
                    return data
                raise
            data = await content.readany()
        except ChatError:
            raise
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            clock.end()
            failure = _body_error(error)
            failure.__cause__ = _harmless(error)
            # What had arrived is still in the buffer, behind the exception: it counts.
            if data := _rest_of(content):
                self._failure = failure
                return data
            raise failure from _harmless(error)
        clock.end()
        return data

    async def read_error_body(self) -> bytes:
        """The body of an answer that is an error: at most 64 KiB, and what came of it."""
        body = b""
        try:
            while len(body) < _ERROR_LIMIT and (data := await self.read()):
                body += data
        except (ChatTimeoutError, InterruptedStreamError, ProtocolError):
            pass  # the status alone says enough
        return body[:_ERROR_LIMIT]

    async def drain(self) -> None:
        """After the last event: let the end of the body come, so that the connection lives.

        It comes with the last event or right after it; 0.1 s is all that it gets.
        """
        content = self._content
        if content.at_eof():
            return
        try:
            async with asyncio.timeout(_DRAIN):
                while not content.at_eof():
                    if (content.read_nowait() or await content.readany()).strip():
                        return
        except (aiohttp.ClientError, OSError, RuntimeError):
            pass  # the answer is whole: how the connection ends is nobody's business

    def close(self) -> None:
        """Free the connection: back to the pool if the body is at its end, else closed."""
        self._clock.stop()
        self._response.close()


def refusal_of(
    status: int, headers: Mapping[str, str], scrub: Callable[[str], str]
) -> ProtocolError | None:
    """What makes an answer one that cannot be ours, told before its body is read.

    That is a redirect (never followed: the key would go along), or a content type or
    encoding that nobody agreed on.  It is returned and not raised, as a traceback from
    here would hold the headers; ``scrub`` takes the key out of what they say.
    """
    if 300 <= status < 400:
        target = scrub(_host_of(headers.get("Location", "")))
        return ProtocolError(
            f"the service redirects to {target} ({status}), which is not followed: set base_url="
        )
    if status >= 400:
        return None
    if status != 200:
        return ProtocolError(f"the service answered with status {status}")
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in _TYPES:
        return ProtocolError(f"the service answered with {scrub(kind)}, not with a stream or JSON")
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        return ProtocolError(f"the service answered in encoding {scrub(encoding)}, unasked")
    return None


def _connection_error(error: Exception, url: str, limits: aiohttp.ClientTimeout) -> ChatError:
    host = urlsplit(url).netloc
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ChatTimeoutError(
            f"no connection to {host} within {limits.connect:g} s", clock="connect"
        )
    if isinstance(error, aiohttp.ClientResponseError):
        return ProtocolError(f"{host} did not answer in HTTP")
    reason = clean_text(str(error), 300) or type(error).__name__
    return ChatConnectionError(f"no connection to {host}: {reason}")


def _body_error(error: Exception) -> ChatError:
    """What a failing body means.  Its text may quote the body, so it is not shown."""
    text = str(error)
    if isinstance(error, aiohttp.ClientPayloadError) and not any(
        sign in text for sign in ("not completed", "TransferEncodingError", "ContentLengthError")
    ):
        return ProtocolError("the body of the answer is broken: wrong compression or framing")
    kind = type(error).__name__
    return InterruptedStreamError(f"the connection was lost before the answer was whole ({kind})")


def _harmless(error: Exception) -> Exception | None:
    """The cause to show: one of the system's, which quotes neither headers nor body."""
    return error if isinstance(error, OSError) else None


def _host_of(location: str) -> str:
    try:
        return urlsplit(location).hostname or "elsewhere"
    except ValueError:
        return "elsewhere"


def _rest_of(content: aiohttp.StreamReader) -> bytes:
    """What a reader that failed had received, and gives nobody any more (aiohttp 3.14)."""
    reader = cast("Any", content)
    pieces = getattr(reader, "_buffer", None)
    if not pieces:
        return b""
    rest = b"".join(pieces)[getattr(reader, "_buffer_offset", 0) :]
    pieces.clear()
    return rest
