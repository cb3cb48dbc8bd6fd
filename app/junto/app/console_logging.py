"""Logs on standard error.  Only the command sets logging up; the library never does."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from .screen import Screen

__all__ = ["LEVELS", "console_logging"]

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


@contextmanager
def console_logging(screen: Screen, level: int | None) -> Generator[None]:
    """Write the log to ``screen`` while the block runs.

    Args:
        screen: Where the lines go.
        level: The least level of junto's own lines.  ``None`` shows warnings, and no
            line a turn: that a turn failed is said in plain words already.
    """
    handler = _Handler(screen, turns=level is not None)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root, ours = logging.getLogger(), logging.getLogger("junto")
    before = ours.level
    root.addHandler(handler)
    ours.setLevel(logging.WARNING if level is None else level)
    try:
        yield
    finally:
        ours.setLevel(before)
        root.removeHandler(handler)


class _Handler(logging.Handler):
    def __init__(self, screen: Screen, *, turns: bool) -> None:
        super().__init__()
        self._screen = screen
        self._turns = turns

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "junto.chat" and not self._turns:
            return
        try:
            self._screen.note(self.format(record))
        except Exception:  # noqa: BLE001  as every handler: a log line harms nobody
            self.handleError(record)
