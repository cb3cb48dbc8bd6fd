"""Where turns are kept, and how an address names it."""

from __future__ import annotations

from .address import open_store
from .in_process import InProcessStore
from .postgres import PostgresStore
from .redis import RedisStore
from .sqlite import SQLiteStore

__all__ = ["InProcessStore", "PostgresStore", "RedisStore", "SQLiteStore", "open_store"]
