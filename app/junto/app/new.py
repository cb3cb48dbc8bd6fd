"""The command ``junto new``: a package for a plugin, ready to be filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Literal

import click

from junto.core.plugins import API, KINDS, Kind, installed

from .failures import failures
from .screen import Screen

__all__ = ["write"]

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_CLASSES: dict[Kind, str] = {"provider": "Model", "advisor": "Advisor", "memory": "Store"}

# Templates are no Python and no TOML of ours, and nothing is to take them for that.
_SUFFIX = ".txt"


class NewPluginError(ValueError):
    """The package cannot be written; the text says what to do instead."""


def write(kind: Literal["provider", "advisor", "memory"], name: str, into: Path) -> None:
    """Write the package ``junto-NAME`` into a folder, and say what to do next.

    Raises:
        SystemExit: With 1, if the name or the folder will not do.
    """
    screen = Screen()
    with failures(screen, details=False):
        _check(kind, name)
        words = _words(kind, name)
        target = into / words["distribution"]
        if target.exists() or target.is_symlink():
            msg = f"{target} is there already: take another name, or move it away"
            raise NewPluginError(msg)
        if not into.is_dir():
            msg = f"{into} is no folder: make it first"
            raise NewPluginError(msg)
        root = files("junto.app") / "templates"
        for part in ("common", kind):
            for path, text in _filled(root / part, words):
                file = target / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        click.echo(f"{target} is written.  Next:")
        click.echo(f"  cd {target}")
        click.echo("  python -m pytest            # its tests pass, offline")
        click.echo("  python -m pip install -e .  # junto finds it by name")
        click.echo("  junto plugins --check")


def _check(kind: Kind, name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:_LONGEST].strip("-")
        hint = f", such as {near!r}" if _NAME.fullmatch(near) else ", such as 'my-plugin'"
        msg = (
            f"{name!r} is no name for a plugin: small letters, digits and single hyphens, a letter "
            f"first, at most {_LONGEST} in all{hint}"
        )
        raise NewPluginError(msg)
    if name.startswith("junto"):
        msg = f"the package is called junto-NAME: leave junto out of {name!r}"
        raise NewPluginError(msg)
    for plugin in installed():
        if plugin.kind == kind and plugin.name == name:
            msg = f"there is {plugin} already, and two of one name cannot be told apart"
            raise NewPluginError(msg)


def _words(kind: Kind, name: str) -> dict[str, str]:
    """What stands for what in a template."""
    package = f"junto_{name.replace('-', '_')}"
    return {
        "name": name,
        "distribution": f"junto-{name}",
        "package": package,
        "cls": "".join(map(str.capitalize, name.split("-"))) + _CLASSES[kind],
        "kind": kind,
        "title": "memory store" if kind == "memory" else kind,
        "module": _CLASSES[kind].lower(),
        "group": KINDS[kind],
        "api": str(API),
        "junto": ".".join(version("junto").split(".")[:2]),
    }


def _filled(folder: Traversable, words: dict[str, str]) -> Iterator[tuple[Path, str]]:
    """The files of a template, by their path, filled in."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = Template(entry.name.removesuffix(_SUFFIX)).substitute(words)
        if entry.is_dir():
            for path, text in _filled(entry, words):
                yield Path(name, path), text
        else:
            yield Path(name), Template(entry.read_text(encoding="utf-8")).substitute(words)
