"""Calls that stop an event loop."""

from __future__ import annotations

import socket
from typing import Any

__all__ = ["blocking_calls"]

_BLOCKING = frozenset(
    {
        ("builtins", "input"),
        ("nt", "system"),
        ("posix", "system"),
        ("posix", "waitpid"),
        ("_socket", "getaddrinfo"),
        ("_socket", "gethostbyname"),
        ("time", "sleep"),
    }
)

_OF_SOCKETS = frozenset({"accept", "connect", "recv", "recv_into", "send", "sendall", "sendto"})


def blocking_calls(event: str, called: Any) -> list[str]:
    """What one event of a profile says, if it is a call that blocks.

    A profile sees calls of C functions by whatever name they were imported.
    """
    if event != "c_call":
        return []
    name = getattr(called, "__name__", "")
    owner = getattr(called, "__self__", None)
    if isinstance(owner, socket.socket):
        blocks = name in _OF_SOCKETS and owner.gettimeout() != 0
        return [f"socket.{name}()"] if blocks else []
    module = getattr(called, "__module__", "")
    return [f"{module}.{name}()"] if (module, name) in _BLOCKING else []
