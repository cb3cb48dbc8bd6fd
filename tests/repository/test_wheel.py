"""The wheel holds the four parts, typed, and says what is in them."""

import configparser
import tomllib
import zipfile
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from junto.core.plugins import API

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("core", "advisors", "providers", "app")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PLUGINS = [
    EntryPoint(name, value, group)
    for group, entries in PROJECT["entry-points"].items()
    for name, value in entries.items()
]
# The names there are versions of the plugin API, and lead to nothing.
TARGETS = [plugin for plugin in PLUGINS if plugin.group != "junto.api"]
COMMANDS = [
    EntryPoint(name, value, "console_scripts") for name, value in PROJECT["scripts"].items()
]

pytest.importorskip("hatchling", reason="hatchling is not installed")


@pytest.fixture(scope="session")
def wheel(junto_wheel: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(junto_wheel)


def metadata(wheel: zipfile.ZipFile, name: str) -> str:
    return wheel.read(f"junto-{PROJECT['version']}.dist-info/{name}").decode()


def test_it_holds_the_parts_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    there = {
        path.relative_to(ROOT / part).as_posix()
        for part in PARTS
        for path in (ROOT / part / "junto").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert packed == there


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_typed(wheel: zipfile.ZipFile, part: str) -> None:
    assert f"junto/{part}/py.typed" in wheel.namelist()


def test_it_carries_the_licence(wheel: zipfile.ZipFile) -> None:
    assert "Apache License" in metadata(wheel, "licenses/LICENSE")
    assert "License-Expression: Apache-2.0" in metadata(wheel, "METADATA")


def test_it_declares_its_plugins_and_its_command(wheel: zipfile.ZipFile) -> None:
    declared = configparser.ConfigParser()
    declared.read_string(metadata(wheel, "entry_points.txt"))
    found = {
        EntryPoint(name, value, group)
        for group in declared.sections()
        for name, value in declared[group].items()
    }

    assert found == {*PLUGINS, *COMMANDS}


def test_it_declares_the_plugin_api_that_it_has() -> None:
    declared = [plugin.name for plugin in PLUGINS if plugin.group == "junto.api"]

    assert declared == [f"v{API}"]


@pytest.mark.parametrize("plugin", [*TARGETS, *COMMANDS], ids=lambda plugin: plugin.name)
def test_what_it_declares_is_there(plugin: EntryPoint) -> None:
    part, *inside = plugin.module.split(".")[1:]
    place = ROOT.joinpath(part, "junto", part, *inside)
    if not (place.with_suffix(".py").exists() or any(place.glob("*.py"))):
        pytest.skip(f"{plugin.module} is not written yet")

    assert callable(plugin.load())
