"""Ready-made advisors: conversation memory, logging, reasoning."""

from __future__ import annotations

from .logging import LoggingAdvisor
from .memory import InProcessStore, MemoryAdvisor, MemoryStore, Turn, check_conversation
from .reasoning import ReasoningAdvisor

__all__ = [
    "InProcessStore",
    "LoggingAdvisor",
    "MemoryAdvisor",
    "MemoryStore",
    "ReasoningAdvisor",
    "Turn",
    "check_conversation",
]
