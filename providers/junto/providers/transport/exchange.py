"""The bytes of one answer, measured by its clock, and the connection freed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp

from junto.core import ChatError, ChatTimeoutError, InterruptedStreamError, ProtocolError

from .clock import Clock

__all__ = ["Exchange", "harmless", "refusal_of"]

_ERROR_LIMIT = 64 * 1024
_TYPES = {"", "text/event-stream", "text/plain", "application/json"}
_ENCODINGS = {"", "identity", "gzip", "deflate"}
_DRAIN = 0.1  # seconds for the end of the body, behind the last event
_REASON = 10.0  # seconds for the body of an answer whose status is an error


class Exchange:
    """One request and the bytes of its answer.

    :meth:`close` is synchronous and frees the connection at once; it belongs into a
    ``finally``.  A connection whose answer was read to its end goes back to the pool.
    It is one of ``running`` until then.
    """

    __slots__ = (
        "_at_once",
        "_clock",
        "_content",
        "_failure",
        "_interrupt",
        "_loop",
        "_response",
        "_running",
        "headers",
        "status",
    )

    def __init__(
        self, response: aiohttp.ClientResponse, clock: Clock, running: set[Exchange]
    ) -> None:
        self._response = response
        self._loop = asyncio.get_running_loop()
        self._running = running
        running.add(self)
        self._content = response.content
        self._interrupt = response.content.set_exception
        self._clock = clock
        self._failure: ChatError | None = None
        self._at_once = False  # the last read found its data waiting
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

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
                if content.at_eof():
                    return b""
                if not clock.is_late_again() and (data := content.read_nowait()):
                    return data
                raise
            data = content.read_nowait()
            if not data:
                self._at_once = False
                data = await content.readany()
            elif self._at_once:
                # A body that unpacks to a thousand times its size never has to be waited
                # for: the loop and its other tasks get their turn here.
                await asyncio.sleep(0)
            else:
                self._at_once = True
            clock.end()
            return data
        except ChatError:
            raise
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            failure = _body_error(error)
            failure.__cause__ = harmless(error)
        clock.end()
        # What had arrived is still in the buffer, behind the exception: it counts.
        if data := _rest_of(content):
            self._failure = failure
            return data
        raise failure

    async def read_error_body(self) -> bytes:
        """The body of an answer that is an error: at most 64 KiB, and what came of it.

        The status says enough, so that the rest is waited for 10 s and no longer.
        """
        self._clock.ending(_REASON)
        pieces: list[bytes] = []
        room = _ERROR_LIMIT
        try:
            while room > 0 and (data := await self.read()):
                pieces.append(data)
                room -= len(data)
        except (ChatTimeoutError, InterruptedStreamError, ProtocolError):
            pass
        return b"".join(pieces)[:_ERROR_LIMIT]

    async def drain(self) -> None:
        """After the last event: let the end of the body come, so that the connection lives.

        It comes with the last event or right after it; 0.1 s is all that it gets.
        """
        content, room = self._content, _ERROR_LIMIT
        if content.at_eof():
            return
        try:
            async with asyncio.timeout(_DRAIN):
                while room > 0 and not content.at_eof():
                    room -= len(content.read_nowait() or await content.readany())
        except (aiohttp.ClientError, OSError, RuntimeError):
            pass  # the answer is whole: how the connection ends is nobody's business

    def break_off(self) -> None:
        """End the read that waits, and any later one, as the model is closed.

        A session that is closed closes the connection, but tells nobody who reads from it
        (aiohttp 3.14).
        """
        error = InterruptedStreamError("the model was closed before the answer was whole")
        if self._loop is asyncio.get_running_loop():
            self._interrupt(error)
        elif self._loop.is_running():
            self._loop.call_soon_threadsafe(self._interrupt, error)

    def close(self) -> None:
        """Free the connection: back to the pool if the body is at its end, else closed."""
        self._running.discard(self)
        self._clock.stop()
        self._response.close()


def refusal_of(
    status: int, headers: Mapping[str, str], scrub: Callable[[str], str]
) -> ProtocolError | None:
    """What makes an answer one that cannot be ours, told before its body is read.

    That is a redirect that was not followed, or a content type or encoding that nobody
    agreed on.  It is returned and not raised, as a traceback from
    here would hold the headers; ``scrub`` takes the key out of what they say.
    """
    if 300 <= status < 400 and (location := headers.get("Location")):
        target = scrub(_host_of(location))
        return ProtocolError(
            f"the service redirects to {target} ({status}), which is not followed: set base_url=,"
            " or redirects= if it is to be trusted"
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


def _body_error(error: Exception) -> ChatError:
    """What a failing body means.  Its text may quote the body, so it is not shown."""
    text = str(error)
    if isinstance(error, aiohttp.ClientPayloadError) and not any(
        sign in text for sign in ("not completed", "TransferEncodingError", "ContentLengthError")
    ):
        return ProtocolError("the body of the answer is broken: wrong compression or framing")
    kind = type(error).__name__
    return InterruptedStreamError(f"the connection was lost before the answer was whole ({kind})")


def harmless(error: Exception) -> Exception | None:
    """The cause to show: the system's own error, with neither headers nor body about it."""
    for name in ("certificate_error", "os_error"):
        error = getattr(error, name, error)
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError) or error.errno is None:
        return error.with_traceback(None) if isinstance(error, ssl.SSLError) else None
    return OSError(error.errno, error.strerror)


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
