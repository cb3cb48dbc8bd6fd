"""Where turns are kept, and how an address names it."""

from __future__ import annotations

from .address import open_store
from .in_process import InProcessStore
from .sqlite import SQLiteStore

__all__ = ["InProcessStore", "SQLiteStore", "open_store"]
