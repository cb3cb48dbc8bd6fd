"""A switch that keeps tests off the network."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, cast

from attrs import field, frozen

__all__ = ["NetworkForbiddenError", "forbid_network"]


class NetworkForbiddenError(AssertionError):
    """A test wanted to reach the network.

    No ``OSError``: what handles a network that is down shall not handle this.

    Attributes:
        host: Where to; a name or an address.
    """

    def __init__(self, what: str, host: str) -> None:
        super().__init__(
            f"{what} {host!r} in a test without network: use a ScriptedModel, a server on "
            "the loopback, or allow the host"
        )
        self.host = host


def _lower(hosts: Iterable[str]) -> frozenset[str]:
    return frozenset(host.lower() for host in ((hosts,) if isinstance(hosts, str) else hosts))


@frozen(eq=False)
class _Rule:
    loopback: bool
    allow: frozenset[str] = field(converter=_lower)

    def permits(self, host: str) -> bool:
        return host.lower() in self.allow or (self.loopback and _is_loopback(host))


@contextmanager
def forbid_network(*, loopback: bool = True, allow: Iterable[str] = ()) -> Generator[None]:
    """Forbid every thread of this process to reach the network, while the block lasts.

    Connecting, sending datagrams and looking names up raise at once, from whichever
    library: also through ``loop.sock_connect()``, ``loop.create_connection()`` and
    ``loop.getaddrinfo()``.  Unix sockets are no network.  Blocks may be nested; each one
    forbids on top of the others.

    Child processes, and libraries that go around Python's ``socket`` (uvloop, gRPC), are
    not reached.

    Args:
        loopback: Let this machine be reached by loopback address, or as ``localhost``.
        allow: Further hosts that may be reached: names or addresses, as they are asked
            for.

    Raises:
        NetworkForbiddenError: In the block, where the network is reached for.
    """
    rule = _Rule(loopback, allow)
    _install()
    _rules.append(rule)
    try:
        yield
    finally:
        _rules.remove(rule)


_rules: list[_Rule] = []
_installed: list[bool] = []


def _install() -> None:
    """Set the hook, once: an audit hook sees all ways to a socket, and cannot be removed."""
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_audit)


_TO_ADDRESS = {
    "socket.connect": "connecting to",
    "socket.sendto": "sending to",
    "socket.sendmsg": "sending to",
}
_NETWORKS = frozenset({socket.AF_INET, socket.AF_INET6})
_TO_NAME = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not _rules:
        return
    if event in _TO_ADDRESS:
        made, address = args[0], args[1]
        if made.family in _NETWORKS and isinstance(address, tuple):
            to = cast("tuple[object, ...]", address)
            try:
                _check(_TO_ADDRESS[event], _text(to[0]))
            except NetworkForbiddenError:
                # Who connects cleans up after an OSError, and after nothing else.
                made.close()
                raise
    elif event in _TO_NAME:
        host = _text(args[0])
        if not _is_address(host):
            _check("looking up", host)


def _check(what: str, host: str) -> None:
    if not all(rule.permits(host) for rule in list(_rules)):
        raise NetworkForbiddenError(what, host)


def _text(host: object) -> str:
    """A host as text; none, as for a server, means this machine."""
    if isinstance(host, bytes | bytearray):
        return bytes(host).decode("ascii", "replace")
    return str(host) if host else "localhost"


def _is_address(host: str) -> bool:
    """Whether it needs no looking up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # A connection to the unspecified address reaches this machine.
    return address.is_loopback or address.is_unspecified
