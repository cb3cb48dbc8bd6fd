"""Addresses of stores: one string, as configurations hold it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from junto.core.memory import MemoryStore

from .in_process import InProcessStore
from .postgres import PostgresStore
from .redis import RedisStore
from .sqlite import SQLiteStore

__all__ = ["open_store"]

_ON_SERVERS: dict[str, Callable[..., MemoryStore]] = {
    "postgres": PostgresStore,
    "postgresql": PostgresStore,
    "redis": RedisStore,
    "rediss": RedisStore,
}


def open_store(address: str, **options: Any) -> MemoryStore:
    """The store that an address names.  Nothing is connected before the first use.

    ============================== ==================================================
    ``memory:``                    this process, until it ends
    ``sqlite:///chat.db``          a file, relative to the working directory
    ``sqlite:////var/lib/chat.db`` a file, absolute
    ``postgresql://…``             PostgreSQL; needs ``junto[postgres]``
    ``redis://…``, ``rediss://…``  Redis, plain or by TLS; needs ``junto[redis]``
    ============================== ==================================================

    Args:
        address: The address.
        options: Further arguments of the store, such as ``ttl``.

    Raises:
        ValueError: It is no such address.
        MissingExtraError: What the store needs is not installed.
    """
    scheme, colon, rest = address.partition(":")
    scheme = scheme.lower()
    if colon and scheme == "memory" and rest in {"", "//"}:
        return InProcessStore(**options)
    if colon and scheme == "sqlite" and rest.startswith("///") and len(rest) > len("///"):
        return SQLiteStore(unquote(rest[len("///") :]), **options)
    if colon and scheme in _ON_SERVERS and rest.startswith("//"):
        return _ON_SERVERS[scheme](f"{scheme}:{rest}", **options)
    # The address may hold a password, so it is not repeated.
    msg = (
        f"no store has the address {scheme + ':…' if colon else '…'}: write memory:, "
        "sqlite:///FILE, postgresql://… or redis://…"
    )
    raise ValueError(msg)
