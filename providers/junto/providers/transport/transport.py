"""The one place that talks to the network: a request out, an exchange back."""

from __future__ import annotations

import asyncio
import base64
import io
import ssl
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
from attrs import field, frozen
from yarl import URL

from junto.core import (
    ChatConnectionError,
    ChatError,
    ChatTimeoutError,
    ProtocolError,
    Secret,
    clean_text,
)

from .clock import Clock, Timeouts
from .exchange import Exchange, harmless
from .sessions import Sessions

__all__ = ["Transport"]

_PIECE = 1024 * 1024


class _Masked(str):
    """A header's value that shows itself to the socket and not to a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


class Transport:
    """Sends the requests of one provider, on any number of event loops.

    Nothing is taken from the surroundings unless it is asked for: no cookies, no proxies
    of the environment, no ``.netrc``, no redirects.  Nothing is retried.

    Args:
        timeouts: The clocks of each request.
        session: An aiohttp session to use; the caller closes it.  Without one, each loop
            gets one of its own.
        connections: The most connections at once, per loop.
        ssl_context: Instead of the default one.
        proxy: The URL of a proxy, for all requests.
        trust_env: Use the proxies that the environment names (``HTTPS_PROXY``,
            ``NO_PROXY`` and the like), where ``proxy`` names none.
        redirects: How many redirects of one request to follow.  Only 307 and 308, which
            keep the request as it is, and never from https to http.  The key goes along
            to the same scheme, host and port, and nowhere else.
        keep_alive: Keep connections for later requests.  Without it each request has one of
            its own, for servers that close one without a word when an answer is whole: the
            next request on it would fail, and is not sent twice.
    """

    def __init__(
        self,
        *,
        timeouts: Timeouts | None = None,
        session: aiohttp.ClientSession | None = None,
        connections: int = 1000,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        redirects: int = 0,
        keep_alive: bool = True,
    ) -> None:
        if timeouts is not None and not isinstance(timeouts, Timeouts):
            msg = f"timeouts is Timeouts(…), such as Timeouts(total=60), not {timeouts!r}"
            raise TypeError(msg)
        if redirects < 0:
            raise ValueError(f"redirects is at least 0, not {redirects}")
        self.timeouts: Timeouts = timeouts or Timeouts()
        self._proxy = _proxy_from(proxy)
        self._trust_env = trust_env
        self._redirects = redirects
        self._limits = aiohttp.ClientTimeout(total=None, connect=self.timeouts.connect)
        self._running: set[Exchange] = set()
        self._sessions = Sessions(
            session, connections=connections, ssl_context=ssl_context, keep_alive=keep_alive
        )

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
        key: Secret | None,
        clock: Clock,
    ) -> Exchange:
        """Send ``body``, and return when the headers of the answer are there.

        Close the exchange in a ``finally``.

        Args:
            url: Where to.
            body: What to send.
            headers: Without ``Authorization``.
            key: Goes into ``Authorization: Bearer …``, and is shown nowhere; ``None`` for a
                service that asks for none.
            clock: Measures this request.

        Raises:
            ChatConnectionError: No connection, or it was lost.
            ChatTimeoutError: Of clock ``connect``, ``first_event`` or ``total``.
            ProtocolError: What came is not HTTP, or one redirect too many.
        """
        session = await self._sessions.get()
        with_key = True
        for _ in range(self._redirects + 1):
            until = asyncio.timeout_at(clock.deadline)
            try:
                async with until:
                    proxy = await self._via(url)
                    response = await session.post(
                        url,
                        # Of more than 1 MiB aiohttp takes a file, which it sends in pieces.
                        data=body if len(body) <= _PIECE else io.BytesIO(body),
                        headers=_sent(headers, key if with_key else None, proxy, url),
                        allow_redirects=False,
                        timeout=self._limits,
                        proxy=None if proxy is None else proxy.url,
                        proxy_headers=None if proxy is None else proxy.headers,
                    )
            except (aiohttp.ClientError, OSError, RuntimeError) as error:
                if until.expired():
                    raise clock.error() from None
                raise _connection_error(error, url, self._limits) from harmless(error)
            target = _target_of(response) if self._redirects else None
            if target is None:
                return Exchange(response, clock, self._running)
            response.close()
            with_key = with_key and target.origin() == URL(url).origin()
            url = str(target)
        raise ProtocolError(
            f"the service redirected more than {self._redirects} times, at last to"
            f" {urlsplit(url).netloc}"
        )

    async def _via(self, url: str) -> _Proxy | None:
        """The proxy for ``url``, if there is one."""
        if self._proxy is None and self._trust_env:
            return _proxy_from(await asyncio.to_thread(_proxy_of_env, url))
        return self._proxy

    async def aclose(self) -> None:
        """Close the sessions of ours.  Answers that are still read are interrupted."""
        for exchange in list(self._running):
            exchange.break_off()
        await self._sessions.aclose()


@frozen
class _Proxy:
    """A proxy, with what a user and a password in its URL come to as a header."""

    url: str
    headers: Mapping[str, str] = field(repr=False)


def _proxy_from(url: str | None) -> _Proxy | None:
    if url is None:
        return None
    parts = URL(url)
    if parts.scheme not in {"http", "https"} or not parts.raw_host:
        raise ValueError("a proxy is an http(s) URL, such as http://proxy.example:3128")
    headers: dict[str, str] = {}
    if parts.user is not None:
        # aiohttp's own BasicAuth warns that it will go away.
        login = base64.b64encode(f"{parts.user}:{parts.password or ''}".encode()).decode()
        headers["Proxy-Authorization"] = _Masked(f"Basic {login}")
    return _Proxy(str(parts.with_user(None)), headers)


def _sent(
    headers: Mapping[str, str], key: Secret | None, proxy: _Proxy | None, url: str
) -> dict[str, str]:
    """The headers of one request, with those that are shown nowhere."""
    sent = dict(headers)
    if key is not None:
        sent["Authorization"] = _Masked(f"Bearer {key.reveal()}")
    if proxy is not None and url.startswith("http:"):
        sent |= proxy.headers  # for https they go to the proxy alone, with CONNECT
    return sent


def _target_of(response: aiohttp.ClientResponse) -> URL | None:
    """Where a redirect leads that may be followed."""
    location = response.headers.get("Location")
    if response.status not in {307, 308} or not location:
        return None
    try:
        target = response.url.join(URL(location))
    except ValueError:
        return None
    if not target.raw_host or target.scheme not in {response.url.scheme, "https"}:
        return None
    return target.with_user(None)


def _proxy_of_env(url: str) -> str | None:
    """What the environment says; in a thread, as some systems look names up for it."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


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
