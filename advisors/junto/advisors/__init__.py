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
from .memory import InProcessStore, MemoryAdvisor, MemoryStore, Turn, check_conversation
from .reasoning import ReasoningAdvisor

__all__ = [
    "Block",
    "Check",
    "GuardAdvisor",
    "GuardBlockedError",
    "InProcessStore",
    "LoggingAdvisor",
    "MemoryAdvisor",
    "MemoryStore",
    "ReasoningAdvisor",
    "Replace",
    "SafeGuardAdvisor",
    "Turn",
    "Verdict",
    "Window",
    "WordCheck",
    "check_conversation",
    "window",
]
