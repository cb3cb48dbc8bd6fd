"""Where the command starts.  Everything heavy is imported later, by what needs it."""

from __future__ import annotations

import importlib.util
import io
import os
import sys

__all__ = ["main"]

_NEEDED = ("click", "rich")


def main() -> None:
    """Run the command line; the entry point of the script ``junto``."""
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        hint = """junto's command line needs the extra "cli": pip install "junto[cli]\""""
        print(hint, file=sys.stderr)
        sys.exit(2)
    _prepare_streams()
    from .commands import cli

    cli(prog_name="junto")


def _prepare_streams() -> None:
    """Let no character that a terminal cannot show, or a stream that is closed, be an error."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller, as in `junto chat … >&-`
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  for good
        elif isinstance(stream, io.TextIOWrapper) and name != "stderr":
            stream.reconfigure(errors="replace")
