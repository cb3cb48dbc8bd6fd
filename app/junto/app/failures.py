"""What goes wrong becomes a line on standard error and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager

from junto.core import ChatError

from .screen import OutputError, Screen

__all__ = ["failures", "say"]

_INTERRUPTED = 130
_NOBODY_READS = 141  # what a program has that the system ends with SIGPIPE


@contextmanager
def failures(screen: Screen, *, details: bool) -> Generator[None]:
    """Turn errors into exit codes: 1, 130 for Ctrl-C, 141 when nobody reads the answer.

    Args:
        screen: Where it is said.
        details: Print tracebacks.
    """
    try:
        yield
    except KeyboardInterrupt:
        screen.interrupt()
        raise SystemExit(_INTERRUPTED) from None
    except OutputError as error:
        _silence_stdout()
        if isinstance(error.__cause__, BrokenPipeError):
            raise SystemExit(_NOBODY_READS) from None
        screen.note(f"junto: standard output cannot be written: {error}")
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001  whatever it is, it is said in plain words
        say(error, screen, details=details)
        raise SystemExit(1) from None


def say(error: Exception, screen: Screen, *, details: bool) -> None:
    """Print an error: a line for people, and the traceback where it is wanted."""
    if details:
        screen.note("".join(traceback.format_exception(error)).rstrip())
    elif isinstance(error, ChatError | ValueError | OSError):
        # Errors of ours name the fix; those of the system name the file.
        screen.note(f"junto: {error}")
    else:
        kind = type(error).__name__
        screen.note(f"junto: unexpected {kind}: {error}\njunto: -v shows where it comes from")


def _silence_stdout() -> None:
    """Keep the interpreter from failing again when it flushes what is left."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  for good
