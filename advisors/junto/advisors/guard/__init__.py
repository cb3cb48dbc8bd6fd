"""Guards: what may be asked, and what may be answered."""

from __future__ import annotations

from .advisor import GuardAdvisor
from .mode import Window, window
from .safe import SafeGuardAdvisor
from .verdict import Block, Check, GuardBlockedError, Replace, Verdict
from .words import WordCheck

__all__ = [
    "Block",
    "Check",
    "GuardAdvisor",
    "GuardBlockedError",
    "Replace",
    "SafeGuardAdvisor",
    "Verdict",
    "Window",
    "WordCheck",
    "window",
]
