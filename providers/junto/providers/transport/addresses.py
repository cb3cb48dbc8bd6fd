"""Where a service is: what an address has to be before a key is sent there."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

__all__ = ["check_address", "is_loopback"]


def check_address(url: str, *, path: str = "", example: str, allow_http: bool = False) -> str:
    """``url`` without a slash at its end.

    Args:
        url: As it was given.
        path: Put behind a bare host.
        example: One that is right, for the error.
        allow_http: Let it be plain http to another machine.

    Raises:
        ValueError: Not an http(s) URL, one with a key, query or fragment in it, or plain
            http to another machine.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"base_url is an http(s) URL, such as {example}")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("base_url has no user, password, query or fragment")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname):
        raise ValueError(
            f"base_url of {parts.hostname} is plain http: the key would be readable on the"
            " way; use https, or pass allow_http=True"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or path}"


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
