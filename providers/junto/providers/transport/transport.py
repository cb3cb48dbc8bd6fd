"""The one place that talks to the network: a request out, an exchange back."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from junto.core import (
    ChatConnectionError,
    ChatError,
    ChatTimeoutError,
    ProtocolError,
    Secret,
    clean_text,
)

from .._scrub import scrub
from .clock import Clock, Timeouts
from .exchange import Exchange, harmless
from .proxies import Masked, Proxy, proxy_from, proxy_of_env
from .sessions import Sessions

__all__ = ["Transport"]

_PIECE = 1024 * 1024


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
        self._proxy = None if proxy is None else proxy_from(proxy)
        self._trust_env = trust_env
        self._redirects = redirects
        self._limits = aiohttp.ClientTimeout(total=None, connect=self.timeouts.connect)
        self._ssl: ssl.SSLContext | bool = True if ssl_context is None else ssl_context
        self._running: set[Exchange] = set()
        self._sessions = Sessions(session, connections=connections, keep_alive=keep_alive)

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
        with_key = True
        for _ in range(self._redirects + 1):
            response = await self._post_once(url, body, headers, key if with_key else None, clock)
            if isinstance(response, ChatError):
                url = target = ""  # a traceback with locals would show what a redirect says
                raise response  # out here it has no context: aiohttp's frames hold what was sent
            target = _target_of(response) if self._redirects else ""
            if not target:
                return Exchange(response, clock, self._running)
            response.close()
            with_key = with_key and URL(target).origin() == URL(url).origin()
            url = target
        host = scrub(urlsplit(url).netloc, key)
        url = target = ""
        raise ProtocolError(
            f"the service redirected more than {self._redirects} times, at last to {host}"
        )

    async def _post_once(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        key: Secret | None,
        clock: Clock,
    ) -> aiohttp.ClientResponse | ChatError:
        """The answer's headers, or why there are none."""
        until = asyncio.timeout_at(clock.deadline)
        try:
            async with until:
                session = await self._sessions.get()
                proxy = await self._via(url)
                return await session.post(
                    url,
                    # Of more than 1 MiB aiohttp takes a file, which it sends in pieces.
                    data=body if len(body) <= _PIECE else io.BytesIO(body),
                    headers=_sent(headers, key, proxy, url),
                    allow_redirects=False,
                    timeout=self._limits,
                    ssl=self._ssl,
                    proxy=None if proxy is None else proxy.url,
                    proxy_headers=None if proxy is None else proxy.headers,
                )
        except ChatError:
            raise
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            if until.expired():
                return clock.error()
            failure = _failure_of(error, url, self._limits, key)
            failure.__cause__ = harmless(error)
            return failure

    async def _via(self, url: str) -> Proxy | None:
        """The proxy for ``url``, if there is one."""
        if self._proxy is None and self._trust_env:
            return await asyncio.to_thread(proxy_of_env, url)
        return self._proxy

    async def aclose(self) -> None:
        """Close the sessions of ours.  Answers that are still read are interrupted."""
        for exchange in list(self._running):
            exchange.break_off()
        await self._sessions.aclose()


def _sent(
    headers: Mapping[str, str], key: Secret | None, proxy: Proxy | None, url: str
) -> dict[str, str]:
    """The headers of one request, with those that are shown nowhere."""
    sent = dict(headers)
    if key is not None:
        sent["Authorization"] = Masked(f"Bearer {key.reveal()}")
    if proxy is not None and url.startswith("http:"):
        sent |= proxy.headers  # for https they go to the proxy alone, with CONNECT
    return sent


def _target_of(response: aiohttp.ClientResponse) -> str:
    """Where a redirect leads, if it may be followed."""
    location = response.headers.get("Location")
    if response.status not in {307, 308} or not location:
        return ""
    try:
        target = response.url.join(URL(location))
    except ValueError:
        return ""
    if not target.raw_host or target.scheme not in {response.url.scheme, "https"}:
        return ""
    return str(target.with_user(None))


def _failure_of(
    error: Exception, url: str, limits: aiohttp.ClientTimeout, key: Secret | None
) -> ChatError:
    """What it means that no answer began.

    aiohttp's own words may quote what was received, so they are shown only where they are
    the system's.
    """
    host = scrub(urlsplit(url).netloc, key)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ChatTimeoutError(
            f"no connection to {host} within {limits.connect:g} s", clock="connect"
        )
    if isinstance(error, aiohttp.ClientHttpProxyError):
        hint = "; user and password go into proxy=" if error.status == 407 else ""
        return ChatConnectionError(
            f"no connection to {host}: the proxy refused it with status {error.status}{hint}",
            retryable=error.status >= 500,
        )
    if isinstance(error, aiohttp.ClientResponseError):
        return ProtocolError(f"{host} did not answer in HTTP")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return ChatConnectionError(f"{host} closed the connection before it answered")
    certificate = getattr(error, "certificate_error", None)
    reason = clean_text(scrub(str(certificate or error), key), 300) or type(error).__name__
    if certificate is not None:
        return ChatConnectionError(
            f"no connection to {host}: {reason}; an authority of your own goes into ssl_context=",
            retryable=False,
        )
    if isinstance(error, aiohttp.ClientConnectorError | RuntimeError):
        again = not isinstance(error, RuntimeError)  # a session that is closed, or another loop's
        return ChatConnectionError(f"no connection to {host}: {reason}", retryable=again)
    return ChatConnectionError(f"the connection to {host} was lost before it answered: {reason}")
