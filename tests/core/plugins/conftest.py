"""Distributions made for a test: their metadata and their modules, on the path."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest


class Installed:
    """A folder on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []

    def distribution(
        self, name: str, groups: Mapping[str, Mapping[str, str]], version: str = "1.0"
    ) -> None:
        """Install a distribution with entry points, as ``{"providers": {"echo": "mod:X"}}``."""
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [
            line
            for group, entries in groups.items()
            for line in (f"[junto.{group}]", *(f"{key} = {to}" for key, to in entries.items()))
        ]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        self.seen()

    def module(self, name: str, source: str) -> None:
        """Write a module."""
        (self.folder / f"{name}.py").write_text(dedent(source))
        self.modules.append(name)
        self.seen()

    def seen(self) -> None:
        """Let importers look again, though the clock of the folder may not have moved."""
        importlib.invalidate_caches()

    def is_imported(self, name: str) -> bool:
        return name in sys.modules


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """Give a folder for distributions, and leave no module behind."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv("JUNTO_PLUGINS", raising=False)
    monkeypatch.delenv("JUNTO_STRICT_PLUGINS", raising=False)
    world = Installed(folder)
    yield world
    for name in world.modules:
        sys.modules.pop(name, None)
