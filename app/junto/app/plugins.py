"""The command ``junto plugins``."""

from __future__ import annotations

import contextlib
import json
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from junto.core.plugins import Plugin, check_all, installed, unknown_distributions

from .failures import failures
from .screen import Screen, plain

__all__ = ["show"]

_HEAD = ("kind", "name", "distribution", "version", "API")


def show(*, check: bool, as_json: bool) -> None:
    """List the plugins that are installed; with ``check`` import them as well.

    Raises:
        SystemExit: With 1, if a plugin was to be imported and could not be.
    """
    screen = Screen()
    with failures(screen, details=False):
        plugins = installed()
        errors = _errors() if check else {}
        if as_json:
            rows = [_row(plugin, errors, check=check) for plugin in plugins]
            click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        else:
            _print(plugins, errors, check=check)
        for name in unknown_distributions():
            screen.note(f"junto: JUNTO_PLUGINS names {name!r}, which offers no plugin here")
    if any(error is not None for error in errors.values()):
        raise SystemExit(1)


def _errors() -> dict[str, Exception | None]:
    # What a module prints while it is imported is no part of the list.
    with contextlib.redirect_stdout(sys.stderr):
        return {str(plugin): error for plugin, error in check_all()}


def _print(plugins: Sequence[Plugin], errors: dict[str, Exception | None], *, check: bool) -> None:
    lines = [(p.kind, p.name, p.distribution, p.version, _api(p)) for p in plugins]
    widths = [max(map(len, column)) for column in zip(_HEAD, *lines, strict=True)]
    _echo(_HEAD, widths, "check" if check else "")
    for plugin, line in zip(plugins, lines, strict=True):
        error = errors.get(str(plugin))
        checked = "not checked" if plugin.is_left_out else "failed" if error else "ok"
        _echo(line, widths, checked if check else "")
        if error is not None:
            click.echo(plain(_indented(_trace(error))))
        elif plugin.problem:
            click.echo(plain(_indented(plugin.problem)))


def _echo(line: Sequence[str], widths: Sequence[int], more: str) -> None:
    cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
    click.echo(plain("  ".join([*cells, more]).rstrip()))


def _api(plugin: Plugin) -> str:
    return ", ".join(map(str, plugin.api)) or "-"


def _trace(error: Exception) -> str:
    """The error, and where a foreign one comes from."""
    cause = error.__cause__
    if cause is None:
        return str(error)
    return f"{error}\n{''.join(traceback.format_exception(cause)).rstrip()}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _row(plugin: Plugin, errors: dict[str, Exception | None], *, check: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": plugin.kind,
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "api": list(plugin.api),
        "value": plugin.value,
        "problem": plugin.problem,
    }
    if check:
        error = errors.get(str(plugin))
        checked = str(plugin) in errors
        row |= {
            "ok": error is None if checked else None,
            "error": None if error is None else str(error),
            "traceback": None if error is None else _trace(error),
        }
    return row
