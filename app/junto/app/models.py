"""The command ``junto models``."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import click

from junto.core import ModelFileError
from junto.providers.local import (
    CATALOGUE,
    DEFAULT_MODEL,
    installed,
    locate,
    models_folder,
)
from junto.providers.local import remove as remove_model

from .failures import failures
from .fetching import fetch_in_sight, megabytes
from .screen import Screen, plain

__all__ = ["fetch", "path", "remove", "show"]


def show(*, as_json: bool) -> None:
    """List the models of the catalogue, and the other files in the cache."""
    with failures(Screen(), details=False):
        rows = _rows()
        if as_json:
            click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
            return
        for row in rows:
            licence = f", {row['licence']}" if row["licence"] else ""
            state = "installed" if row["installed"] else "not installed"
            default = ", the default" if row["default"] else ""
            click.echo(
                plain(f"{row['name']}  ({megabytes(row['size'])}{licence}, {state}{default})")
            )
            if row["title"]:
                click.echo(plain(f"    {row['title']}"))
            if row["path"]:
                click.echo(plain(f"    {row['path']}"))
        click.echo()
        click.echo("junto models fetch NAME gets one; any GGUF file works by its path:")
        click.echo("junto chat -m path/to/file.gguf")


def fetch(name: str | None) -> None:
    """Fetch a model, and say where it is."""
    screen = Screen()
    with failures(screen, details=False):
        _remove_if_damaged(name, screen)
        screen.note(f"the model is here: {fetch_in_sight(name, screen)}")


def remove(name: str) -> None:
    """Remove a model."""
    screen = Screen()
    with failures(screen, details=False):
        freed = remove_model(name)
        screen.note(f"removed {name}: {megabytes(freed)} are free again")


def path(name: str | None) -> None:
    """Print where a model is."""
    with failures(Screen(), details=False):
        click.echo(locate(name))


def _remove_if_damaged(name: str | None, screen: Screen) -> None:
    """Read a file that is here: who asks for it by this command may have cause to."""
    try:
        file = locate(name)
    except ModelFileError:
        return  # fetching it says what is wrong, or puts it right
    entry = next((e for e in CATALOGUE.values() if models_folder() / e.file_name == file), None)
    if entry is None:
        return
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != entry.sha256:
        screen.note(f"{file} is damaged: its SHA-256 is wrong")
        file.unlink()


def _rows() -> list[dict[str, Any]]:
    here = {model.name: model for model in installed()}
    rows: list[dict[str, Any]] = []
    for entry in CATALOGUE.values():
        model = here.pop(entry.name, None)
        row = {
            "name": entry.name,
            "title": entry.title,
            "size": entry.size,
            "licence": entry.licence,
            "default": entry.name == DEFAULT_MODEL,
            "installed": model is not None,
            "path": str(model.path) if model else None,
        }
        rows.append(row)
    for model in here.values():
        row = dict.fromkeys(("title", "licence"), "") | {
            "name": model.name,
            "size": model.size,
            "default": False,
            "installed": True,
            "path": str(model.path),
        }
        rows.append(row)
    return rows
