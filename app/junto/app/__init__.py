"""The command ``junto``: chats with a model in the terminal, and looks after local models."""

from __future__ import annotations

from .entry import main

__all__ = ["main"]
