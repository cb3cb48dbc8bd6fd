"""Ready-made advisors: conversation memory, guards, logging, reasoning."""

from __future__ import annotations

from .guard import (
    Block,
    Check,
    GuardAdvisor,
    GuardBlockedError,
    Replace,
    SafeGuardAdvisor,
    Verdict,
    Window,
    WordCheck,
    window,
)
from .logging import LoggingAdvisor
from .memory import (
    Concurrency,
    EstimatedTokens,
    HistoryWindow,
    InProcessStore,
    LastMessages,
    LastTurns,
    MemoryAdvisor,
    MemoryStore,
    PostgresStore,
    RedisStore,
    SQLiteStore,
    TokenBudget,
    TokenCounter,
    Turn,
    check_conversation,
    open_store,
)
from .reasoning import ReasoningAdvisor

__all__ = [
    "Block",
    "Check",
    "Concurrency",
    "EstimatedTokens",
    "GuardAdvisor",
    "GuardBlockedError",
    "HistoryWindow",
    "InProcessStore",
    "LastMessages",
    "LastTurns",
    "LoggingAdvisor",
    "MemoryAdvisor",
    "MemoryStore",
    "PostgresStore",
    "ReasoningAdvisor",
    "RedisStore",
    "Replace",
    "SQLiteStore",
    "SafeGuardAdvisor",
    "TokenBudget",
    "TokenCounter",
    "Turn",
    "Verdict",
    "Window",
    "WordCheck",
    "check_conversation",
    "open_store",
    "window",
]
