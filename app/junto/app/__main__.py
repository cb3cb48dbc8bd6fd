"""``python -m junto.app`` is the command ``junto``."""

from __future__ import annotations

from .entry import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
