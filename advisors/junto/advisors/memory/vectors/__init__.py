"""Where memories are kept that are found by what they are about."""

from __future__ import annotations

from .address import open_vectors
from .in_process import InProcessVectors
from .pgvector import PgVectors
from .sqlite import SQLiteVectors

__all__ = ["InProcessVectors", "PgVectors", "SQLiteVectors", "open_vectors"]
