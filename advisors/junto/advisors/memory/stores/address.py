"""Addresses of stores: one string, as configurations hold it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from junto.core import MissingExtraError
from junto.core.memory import MemoryStore

from .in_process import InProcessStore
from .sqlite import SQLiteStore

__all__ = ["open_store"]

# Where the stores live that need more than the standard library: module, class, extra.
_WITH_EXTRA = {
    "postgres": ("postgres", "PostgresStore", "postgres"),
    "postgresql": ("postgres", "PostgresStore", "postgres"),
    "redis": ("redis", "RedisStore", "redis"),
    "rediss": ("redis", "RedisStore", "redis"),
}


def open_store(address: str, **options: Any) -> MemoryStore:
    """The store that an address names.  Nothing is connected before the first use.

    ============================== ==================================================
    ``memory:``                    this process, until it ends
    ``sqlite:///chat.db``          a file, relative to the working directory
    ``sqlite:////var/lib/chat.db`` a file, absolute
    ``postgresql://…``             PostgreSQL; needs ``junto[postgres]``
    ``redis://…``                  Redis; needs ``junto[redis]``
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
    if colon and scheme in _WITH_EXTRA and rest.startswith("//"):
        return _with_extra(scheme)(address, **options)
    # The address may hold a password, so it is not repeated.
    msg = (
        f"no store has the address {scheme + ':…' if colon else '…'}: write memory:, "
        "sqlite:///FILE, postgresql://… or redis://…"
    )
    raise ValueError(msg)


def _with_extra(scheme: str) -> Callable[..., MemoryStore]:
    module, name, extra = _WITH_EXTRA[scheme]
    try:
        found = importlib.import_module(f".{module}", __package__)
    except ModuleNotFoundError as error:
        msg = f"a store in {extra} needs an extra: pip install 'junto[{extra}]'"
        raise MissingExtraError(msg) from error
    return getattr(found, name)  # type: ignore[no-any-return]  # its class, by contract
