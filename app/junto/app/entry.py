"""Where the command starts.  Everything heavy is imported later, by what needs it."""

from __future__ import annotations

import importlib.util
import io
import os
import sys

__all__ = ["main"]

_NEEDED = ("click", "rich")
_INTERRUPTED = 130


def main() -> None:
    """Run the command line; the entry point of the script ``junto``."""
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        hint = """junto's command line needs the extra "cli": pip install "junto[cli]\""""
        print(hint, file=sys.stderr)
        sys.exit(2)
    _prepare_streams()
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _run() -> None:
    import click

    from .commands import cli

    # By itself click answers Ctrl-C with exit code 1.
    try:
        code = cli.main(prog_name="junto", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(_INTERRUPTED)
    sys.exit(code)


def _prepare_streams() -> None:
    """Let no character that a terminal cannot show, or a stream that is closed, be an error."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller, as in `junto chat … >&-`
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  for good
        elif isinstance(stream, io.TextIOWrapper) and name != "stderr":
            stream.reconfigure(errors="replace")
