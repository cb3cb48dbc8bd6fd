"""Proxies: named by the caller, or by the environment where that was asked for."""

from __future__ import annotations

import base64
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from attrs import field, frozen
from yarl import URL

from junto.core import ChatConnectionError

__all__ = ["Masked", "Proxy", "proxy_from", "proxy_of_env"]


class Masked(str):
    """A header's value that shows itself to the socket and not to a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


@frozen
class Proxy:
    """A proxy, with what a user and a password in its URL come to as a header."""

    url: str
    headers: Mapping[str, str] = field(repr=False)


def proxy_from(url: str) -> Proxy:
    """The proxy at ``url``, which may hold a user and a password.

    Raises:
        ValueError: It is no http(s) URL; the text does not show it.
    """
    try:
        parts = URL(url)
    except ValueError:
        parts = URL()
    if parts.scheme not in {"http", "https"} or not parts.raw_host:
        raise ValueError("a proxy is an http(s) URL, such as http://proxy.example:3128")
    headers: dict[str, str] = {}
    if parts.user is not None:
        # aiohttp's own BasicAuth warns that it will go away.
        login = base64.b64encode(f"{parts.user}:{parts.password or ''}".encode()).decode()
        headers["Proxy-Authorization"] = Masked(f"Basic {login}")
    return Proxy(str(parts.with_user(None)), headers)


def proxy_of_env(url: str) -> Proxy | None:
    """What the environment says of ``url``; in a thread, as some systems look names up for it.

    Raises:
        ChatConnectionError: It names a proxy of a kind that cannot be used.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if urllib.request.proxy_bypass(host if port is None else f"{host}:{port}"):
        return None
    proxies = urllib.request.getproxies()
    named = proxies.get(parts.scheme) or proxies.get("all")
    if not named:
        return None
    try:
        return proxy_from(named if "://" in named else f"http://{named}")
    except ValueError as error:
        raise ChatConnectionError(
            f"the environment's proxy for {parts.scheme} cannot be used: {error}; pass proxy=,"
            " or name the host in NO_PROXY",
            retryable=False,
        ) from None
