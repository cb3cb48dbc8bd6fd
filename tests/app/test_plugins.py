"""`junto plugins`: what is installed, and what is wrong with it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run

Announce = Callable[..., None]


@pytest.fixture
def announce(environment: dict[str, str], tmp_path: Path) -> Announce:
    """Install a distribution beside the acted models."""

    def install(name: str, entries: str, source: str = "", version: str = "1.0") -> None:
        folder = tmp_path / "plugins"
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entries)
        if source:
            (folder / f"{name}.py").write_text(source)

    return install


BROKEN = "print('in the way')\nraise RuntimeError('no luck today')\n"


def rows(text: bytes) -> dict[str, dict[str, Any]]:
    return {f"{row['kind']} {row['name']}": row for row in json.loads(text)}


def test_it_lists_kind_name_distribution_version_and_api(junto: Run, announce: Announce) -> None:
    announce("zz", "[junto.memory]\nzz = zz:Store\n[junto.api]\nv1 = junto.core\n", version="2.5")

    done = junto("plugins")

    assert (done.returncode, done.stderr) == (0, b"")
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    assert lines[0] == ["kind", "name", "distribution", "version", "API"]
    assert ["memory", "zz", "zz", "2.5", "1"] in lines
    assert ["provider", "acted", "acted", "1.0", "-"] in lines
    assert any(line[:3] == ["provider", "dashscope", "junto"] for line in lines)


def test_listing_imports_no_plugin(junto: Run, announce: Announce) -> None:
    announce("zz", "[junto.providers]\nzz = zz:Model\n", BROKEN)

    done = junto("plugins")

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"luck" not in done.stdout


def test_as_json_it_is_for_programs(junto: Run, announce: Announce) -> None:
    announce("zz", "[junto.advisors]\nzz = zz:make\n")

    found = rows(junto("plugins", "--json").stdout)

    assert found["advisor zz"] == {
        "kind": "advisor",
        "name": "zz",
        "distribution": "zz",
        "version": "1.0",
        "api": [],
        "value": "zz:make",
        "problem": "",
    }


def test_checking_shows_each_failure_with_its_traceback(junto: Run, announce: Announce) -> None:
    announce("zz", "[junto.providers]\nzz = zz:Model\n", BROKEN)
    announce("yy", "[junto.advisors]\nyy = yy:nothing\n", "something = 1\n")

    done = junto("plugins", "--check")

    text = done.stdout.decode()
    assert done.returncode == 1
    assert "provider scripted junto" in " ".join(text.split())
    assert text.count("failed") == 2
    assert "in <module>" in text
    assert "RuntimeError: no luck today" in text
    assert "AttributeError: module 'yy' has no attribute 'nothing'" in text
    assert "in the way" not in text
    assert b"in the way" in done.stderr


def test_checking_as_json_keeps_standard_output_clean(junto: Run, announce: Announce) -> None:
    announce("zz", "[junto.providers]\nzz = zz:Model\n", BROKEN)

    done = junto("plugins", "--check", "--json")

    found = rows(done.stdout)
    assert done.returncode == 1
    assert (found["provider scripted"]["ok"], found["provider zz"]["ok"]) == (True, False)
    assert "no luck today" in found["provider zz"]["error"]
    assert "in <module>" in found["provider zz"]["traceback"]


def test_where_all_is_well_checking_ends_with_nought(junto: Run) -> None:
    assert junto("plugins", "--check").returncode == 0


def test_a_broken_plugin_costs_other_commands_nothing(junto: Run, announce: Announce) -> None:
    announce("zz", "[junto.providers]\nzz = zz:Model\n[junto.advisors]\nzz = zz:x\n", BROKEN)

    for arguments in (("chat", "-m", "scripted:Hello", "Hi"), ("models",), ("--version",)):
        done = junto(*arguments)
        assert done.returncode == 0
        assert done.stderr.count(b"\n") <= 1
    assert junto("chat", "-m", "scripted:Hello", "Hi").stdout == b"Hello\n"


def test_asked_for_itself_it_is_an_error_in_one_line(junto: Run, announce: Announce) -> None:
    announce("zz", "[junto.providers]\nzz = zz:Model\n", "raise RuntimeError('no luck today')")

    done = junto("chat", "-m", "zz:x", "Hi")

    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("junto: provider 'zz' (zz 1.0) cannot be loaded")
    assert "`junto plugins --check` shows where" in line


def test_strictness_makes_it_an_error_for_every_command_that_takes_a_name(
    junto: Run, announce: Announce
) -> None:
    announce("zz", "[junto.advisors]\nzz = zz:x\n", "raise RuntimeError('no luck today')")

    done = junto("chat", "-m", "scripted:Hello", "Hi", JUNTO_STRICT_PLUGINS="1")

    assert (done.returncode, done.stdout) == (1, b"")
    assert b"no luck today" in done.stderr


def test_a_name_that_is_offered_twice_is_said_with_both(junto: Run, announce: Announce) -> None:
    for name in ("yy", "zz"):
        announce(name, f"[junto.providers]\ntwice = {name}:Model\n", "Model = str")

    listed = junto("plugins").stdout.decode()
    asked = junto("chat", "-m", "twice:x", "Hi")

    assert listed.count("is offered more than once, by ") == 2
    assert asked.returncode == 1
    assert b"yy 1.0 (yy:Model)" in asked.stderr
    assert b"zz 1.0 (zz:Model)" in asked.stderr


def test_what_the_allow_list_leaves_out_is_listed_and_not_imported(
    junto: Run, announce: Announce
) -> None:
    announce("zz", "[junto.providers]\nzz = zz:Model\n", BROKEN)

    done = junto("plugins", "--check", JUNTO_PLUGINS="acted,misspelt")

    text = done.stdout.decode()
    assert done.returncode == 0
    assert "not checked" in text
    assert "left out by JUNTO_PLUGINS: add zz there to use it" in text
    assert b"JUNTO_PLUGINS names 'misspelt'" in done.stderr
    assert junto("chat", "-m", "zz:x", "Hi", JUNTO_PLUGINS="").returncode == 1


def test_text_of_others_cannot_move_the_cursor(junto: Run, announce: Announce) -> None:
    announce("zz", "[junto.providers]\nzz = zz:Model\n", "raise RuntimeError('\\x1b[2Jgone')")

    assert b"\x1b" not in junto("plugins", "--check").stdout
