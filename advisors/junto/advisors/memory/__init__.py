"""Conversation memory."""

from __future__ import annotations

from .advisor import MemoryAdvisor
from .store import InProcessStore, MemoryStore
from .turn import Turn, check_conversation

__all__ = ["InProcessStore", "MemoryAdvisor", "MemoryStore", "Turn", "check_conversation"]
