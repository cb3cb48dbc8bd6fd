"""Conversation memory: the advisors, the windows, and the stores that come with them."""

from __future__ import annotations

from junto.core.memory import MemoryStore, Turn, check_conversation

from .advisor import MemoryAdvisor
from .prompt_advisor import HISTORY_TEMPLATE, MemoryOptions, PromptMemoryAdvisor
from .recall import VectorMemoryAdvisor
from .running import Concurrency
from .stores import InProcessStore, PostgresStore, RedisStore, SQLiteStore, open_store
from .summary import Summariser, SummaryWindow
from .vectors import InProcessVectors, PgVectors, SQLiteVectors, open_vectors
from .window import (
    EstimatedTokens,
    HistoryWindow,
    LastMessages,
    LastTurns,
    TokenBudget,
    TokenCounter,
)

__all__ = [
    "HISTORY_TEMPLATE",
    "Concurrency",
    "EstimatedTokens",
    "HistoryWindow",
    "InProcessStore",
    "InProcessVectors",
    "LastMessages",
    "LastTurns",
    "MemoryAdvisor",
    "MemoryOptions",
    "MemoryStore",
    "PgVectors",
    "PostgresStore",
    "PromptMemoryAdvisor",
    "RedisStore",
    "SQLiteStore",
    "SQLiteVectors",
    "Summariser",
    "SummaryWindow",
    "TokenBudget",
    "TokenCounter",
    "Turn",
    "VectorMemoryAdvisor",
    "check_conversation",
    "open_store",
    "open_vectors",
]
