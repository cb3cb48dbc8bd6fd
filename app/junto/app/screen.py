"""Where the words go: the answer to standard output, everything else to standard error.

Text of models and servers is foreign: control characters are taken out of it, so that an
escape sequence can neither move the cursor nor set the title, here or in whatever file
the answer is kept in.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

__all__ = ["OutputError", "Screen", "plain"]

_CONTROL = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {ord("\n"), ord("\t")})

_DIM = "\x1b[2m"
_NORMAL = "\x1b[0m"
_ERASE = "\r\x1b[2K"


def plain(text: str) -> str:
    """``text`` without control characters, newlines and tabs excepted."""
    return text.translate(_CONTROL)


class OutputError(Exception):
    """Standard output takes no more; the cause says why."""


class Screen:
    """Standard output and standard error, which may be one terminal.

    It knows whether a line is unfinished, so that a note never lands in the middle of
    an answer, and it holds newlines back, so that an answer ends with exactly one.

    Args:
        out: Where the answer goes; by default standard output.
        err: Where everything else goes; by default standard error.
    """

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = sys.stdout if out is None else out
        self._err = sys.stderr if err is None else err
        self._out_is_terminal = self._out.isatty()
        self.is_terminal = self._err.isatty()
        capable = self.is_terminal and os.environ.get("TERM", "dumb") != "dumb"
        self.animated = capable
        self._dims = capable and not os.environ.get("NO_COLOR")
        self._held = ""
        self._answering = False
        self._thinking = False
        self._status = False
        self._unfinished = False

    def answer(self, text: str) -> None:
        """Write a piece of the answer, at once.

        Raises:
            OutputError: Nobody reads any more, or the disk is full.
        """
        text = self._held + plain(text)
        kept = text.rstrip("\n")
        self._held = text[len(kept) :]
        if kept:
            self._end_status()
            self._end_thinking()
            self._write_out(kept)
            self._answering = True
            self._unfinished = self._out_is_terminal

    def end(self) -> None:
        """End the answer's line.

        Raises:
            OutputError: As :meth:`answer`.
        """
        self._end_status()
        self._end_thinking()
        # On a terminal a note may have ended it already.
        if self._answering and (self._unfinished or not self._out_is_terminal):
            self._write_out("\n")
        self._held = ""
        self._answering = self._unfinished = False

    def interrupt(self) -> None:
        """End the answer's line after a failure; never fails itself."""
        try:
            self.end()
        except OutputError:
            self._answering = self._unfinished = False

    def thinking(self, text: str) -> None:
        """Write a piece of the chain of thought."""
        text = plain(text)
        if not self._thinking:
            text = text.lstrip("\n")
            if not text:
                return
            self._end_line()
            self._write_err(_DIM if self._dims else "(thinking)\n")
            self._thinking = True
        self._write_err(text)

    def note(self, text: str) -> None:
        """Write a line of its own."""
        self._end_line()
        self._write_err(plain(text) + "\n")

    def status(self, text: str) -> None:
        """Show what takes a moment, until the next thing is written; only to a terminal."""
        if self.animated:
            self._end_line()
            # A line that wraps could not be taken back.
            width = os.get_terminal_size(self._err.fileno()).columns or 80
            self._write_err(plain(text)[: width - 1])
            self._status = True

    def _end_line(self) -> None:
        self._end_status()
        self._end_thinking()
        if self._unfinished:
            self._write_err("\n")
            self._unfinished = False

    def _end_status(self) -> None:
        if self._status:
            self._status = False
            self._write_err(_ERASE)

    def _end_thinking(self) -> None:
        if self._thinking:
            self._thinking = False
            self._write_err((_NORMAL if self._dims else "") + "\n\n")

    def _write_out(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except OSError as error:
            raise OutputError(str(error)) from error

    def _write_err(self, text: str) -> None:
        try:
            self._err.write(text)
            self._err.flush()
        except OSError:
            # Nobody reads what is said beside the answer: the answer still counts.
            self._err = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  for good
