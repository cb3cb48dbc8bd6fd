"""Addresses of vector stores: one string, as configurations hold it."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from junto.core.memory import VectorStore

from .in_process import InProcessVectors
from .pgvector import PgVectors
from .sqlite import SQLiteVectors

__all__ = ["open_vectors"]


def open_vectors(address: str, **options: Any) -> VectorStore:
    """The vector store that an address names.  Nothing is connected before the first use.

    ============================== ==================================================
    ``memory:``                    this process, until it ends
    ``sqlite:///chat.db``          a file, relative to the working directory
    ``sqlite:////var/lib/chat.db`` a file, absolute
    ``postgresql://…``             PostgreSQL with pgvector; needs ``junto[postgres]``
    ============================== ==================================================

    Args:
        address: The address.
        options: Further arguments of the store, such as ``max_scanned``.

    Raises:
        ValueError: It is no such address.
        MissingExtraError: What the store needs is not installed.
    """
    scheme, colon, rest = address.partition(":")
    scheme = scheme.lower()
    if colon and scheme == "memory" and rest in {"", "//"}:
        return InProcessVectors(**options)
    if colon and scheme == "sqlite" and rest.startswith("///") and len(rest) > len("///"):
        return SQLiteVectors(unquote(rest[len("///") :]), **options)
    if colon and scheme in {"postgres", "postgresql"} and rest.startswith("//"):
        return PgVectors(address, **options)
    # The address may hold a password, so it is not repeated.
    msg = (
        f"no vector store has the address {scheme + ':…' if colon else '…'}: write memory:, "
        "sqlite:///FILE or postgresql://…"
    )
    raise ValueError(msg)
