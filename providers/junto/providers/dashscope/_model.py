"""The model: what a chain calls."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from types import TracebackType
from typing import NoReturn, Self
from urllib.parse import urlsplit

import aiohttp

from junto.core import (
    ChatRequest,
    Event,
    InterruptedStreamError,
    ProtocolError,
    Secret,
    TransportError,
    clean_text,
)

from ._clock import Clock, Timeouts
from ._errors import Origin, parse_failure, retry_after, to_error
from ._hosts import base_url_of, check_base_url, check_workspace
from ._http import Exchange, refusal_of
from ._key import find_key, read_key_file
from ._models import Capabilities, capabilities_of
from ._request import Call, prepare
from ._sessions import Sessions
from ._stream import AnswerReader

__all__ = ["DashScopeModel"]

_BASE_URL = "DASHSCOPE_HTTP_BASE_URL"


class DashScopeModel:
    """A model of Alibaba Cloud Model Studio (百炼), over its native protocol.

    Making one needs no key and no network; the key is looked for at the first request, in
    ``api_key``, ``DASHSCOPE_API_KEY``, ``AI_DASHSCOPE_API_KEY`` and the vendor's key file,
    in this order.  One instance serves any number of requests at once, on any number of
    event loops.  Close it with ``async with`` or :meth:`aclose`.

    Models that only stream, or may be thinking, are streamed also for ``call()``; others
    get a plain call then.

    Args:
        model: Its name on DashScope.  Unknown names are sent as they are.
        api_key: The key; better left to the environment.
        region: ``"cn"``, ``"intl"``, ``"us"``, ``"hk"``, ``"eu"``, ``"jp"``, ``"finance"``, or a
            full id such as ``"cn-beijing"``.  A key belongs to one region.
        base_url: Instead of a region: up to and including ``/api/v1``.  With neither,
            ``DASHSCOPE_HTTP_BASE_URL`` counts, then Beijing.
        workspace: The id of a workspace.
        timeouts: The four clocks.
        capabilities: What the model can do, where the table is wrong or does not know it.
        session: An aiohttp session to use; the caller closes it.  Without one, each loop
            gets one without cookies, proxies and redirects.
        connections: The most connections at once, per loop.
        ssl_context: Instead of the default one.
        allow_http: Let ``base_url`` be plain http to another machine.

    Raises:
        ValueError: For a region, workspace or URL that cannot be right.
    """

    provider: str = "dashscope"

    def __init__(
        self,
        model: str = "qwq-plus",
        *,
        api_key: str | Secret | None = None,
        region: str | None = None,
        base_url: str | None = None,
        workspace: str | None = None,
        timeouts: Timeouts | None = None,
        capabilities: Capabilities | None = None,
        session: aiohttp.ClientSession | None = None,
        connections: int = 1000,
        ssl_context: ssl.SSLContext | None = None,
        allow_http: bool = False,
    ) -> None:
        if not model:
            raise ValueError("a model needs a name, such as 'qwq-plus'")
        self.model = model
        self.workspace = check_workspace(workspace)
        if base_url is None and region is None:
            base_url = os.environ.get(_BASE_URL) or None
        url = base_url_of(region or "cn", workspace) if base_url is None else base_url
        self.base_url = check_base_url(url, allow_http=allow_http)
        self.timeouts = timeouts or Timeouts()
        self._given = Secret(api_key) if isinstance(api_key, str) else api_key
        self._key: tuple[Secret, str] | None = None
        self._capabilities = capabilities
        self._connect = aiohttp.ClientTimeout(total=None, connect=self.timeouts.connect)
        self._sessions = Sessions(session, connections=connections, ssl_context=ssl_context)

    def __repr__(self) -> str:
        return f"DashScopeModel({self.model!r}, host={urlsplit(self.base_url).netloc!r})"

    @property
    def capabilities(self) -> Capabilities:
        """What is known of the model: what was given, else its row of the table."""
        return self._capabilities or capabilities_of(self.model)

    async def stream(self, request: ChatRequest) -> AsyncIterator[list[Event]]:
        """Ask, and yield a list of events for each read that brought some.

        The connection is freed before this ends, fails, is cancelled or is closed.

        Raises:
            AuthenticationError: No key, or one that the service refuses.
            RejectedRequestError: The request is wrong, or holds what the model cannot take.
            RateLimitedError: Too fast.
            QuotaError: Nothing left to spend.
            ContentFilteredError: Moderation said no, at the start or in the middle.
            UnavailableError: The service has trouble of its own.
            ChatConnectionError: No connection.
            ChatTimeoutError: One of the four clocks ran out.
            InterruptedStreamError: The answer broke off; carries the text so far.
            ProtocolError: Not what was agreed on, a redirect, or beyond a limit.
        """
        call = self._prepare(request)
        if call.warnings:
            yield list(call.warnings)
        clock = Clock(self.timeouts)
        exchange, reader = await self._open(call, clock)
        # The question has been sent: an answer may take minutes, and there may be thousands.
        del call, request
        try:
            while not reader.finished:
                try:
                    data = await exchange.read()
                    events = reader.feed(data) if data else reader.end()
                    del data  # a traceback that shows locals would show it
                except InterruptedStreamError as lost:
                    events = reader.end()
                    if not reader.finished:
                        reader.failure = lost
                        reader.complete(lost)
                except (TransportError, ProtocolError) as error:
                    reader.complete(error)
                    raise
                if events:
                    yield events
                    clock.progressed()
                if reader.failure is not None:
                    raise reader.failure
            await exchange.drain()
        finally:
            exchange.close()

    def _prepare(self, request: ChatRequest) -> Call:
        model = request.options.model or self.model
        known = self.capabilities if model == self.model else capabilities_of(model)
        return prepare(request, model, known, workspace=self.workspace)

    async def _open(self, call: Call, clock: Clock) -> tuple[Exchange, AnswerReader]:
        """Send ``call``; return with the answer's headers read and found in order."""
        key, source = self._key or await self._find_key()
        origin = Origin(call.model, urlsplit(self.base_url).netloc, key, source)
        exchange = await Exchange.open(
            await self._sessions.get(),
            self.base_url + call.path,
            headers=call.headers,
            key=key,
            body=call.body,
            limits=self._connect,
            clock=clock,
        )
        try:
            refusal = refusal_of(exchange.status, exchange.headers, origin.scrub)
            if refusal is not None:
                raise refusal  # noqa: TRY301  the connection is closed just below
            if exchange.status >= 400:
                await self._refuse(exchange, origin)
        except BaseException:
            exchange.close()
            raise
        return exchange, AnswerReader(
            origin,
            cumulative=call.cumulative,
            choices=call.choices,
            request_id=exchange.headers.get("x-request-id", ""),
        )

    async def _find_key(self) -> tuple[Secret, str]:
        if self._key is None:
            self._key = find_key(self._given)
        if self._key is None:
            self._key = await asyncio.to_thread(read_key_file)
        return self._key

    async def _refuse(self, exchange: Exchange, origin: Origin) -> NoReturn:
        raise to_error(
            parse_failure(
                await exchange.read_error_body(),
                exchange.status,
                request_id=clean_text(origin.scrub(exchange.headers.get("x-request-id", "")), 100)
                or None,
                retry_after=retry_after(exchange.headers),
            ),
            origin,
        )

    async def aclose(self) -> None:
        """Close the connections.  Streams that still run are interrupted."""
        await self._sessions.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
