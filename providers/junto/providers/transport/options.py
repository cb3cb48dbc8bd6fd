"""How a service is reached: the keywords that models over HTTP share."""

from __future__ import annotations

import ssl
from typing import TypedDict

import aiohttp

from .clock import Timeouts

__all__ = ["ConnectionOptions"]


class ConnectionOptions(TypedDict, total=False):
    """How a service is reached: keywords of each of its models."""

    timeouts: Timeouts
    """The four clocks."""
    session: aiohttp.ClientSession
    """An aiohttp session to use; the caller closes it.  Without one, each loop gets one
    without cookies, proxies and redirects."""
    connections: int
    """The most connections at once, per loop; 1000."""
    ssl_context: ssl.SSLContext
    """Instead of the default one."""
    proxy: str
    """The URL of a proxy."""
    trust_env: bool
    """Use the proxies that the environment names."""
    redirects: int
    """How many redirects of one request to follow: only 307 and 308, and the key goes to
    the same scheme, host and port alone.  None by default."""
    keep_alive: bool
    """Keep connections for later requests."""
