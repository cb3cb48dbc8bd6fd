"""Conversation memory: the advisors, the windows, and the stores that come with them."""

from __future__ import annotations

from junto.core.memory import MemoryStore, Turn, check_conversation

from .advisor import MemoryAdvisor
from .running import Concurrency
from .stores import InProcessStore, PostgresStore, RedisStore, SQLiteStore, open_store
from .window import (
    EstimatedTokens,
    HistoryWindow,
    LastMessages,
    LastTurns,
    TokenBudget,
    TokenCounter,
)

__all__ = [
    "Concurrency",
    "EstimatedTokens",
    "HistoryWindow",
    "InProcessStore",
    "LastMessages",
    "LastTurns",
    "MemoryAdvisor",
    "MemoryStore",
    "PostgresStore",
    "RedisStore",
    "SQLiteStore",
    "TokenBudget",
    "TokenCounter",
    "Turn",
    "check_conversation",
    "open_store",
]
