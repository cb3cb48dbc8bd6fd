"""The environment is set up from pins: in full, checked, once."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "bootstrap.py"
PINS = {path.stem: path.read_text() for path in (ROOT / ".ci" / "requirements").glob("*.txt")}


def pins(name: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9][^ ]*==[^ ]+", PINS[name], re.MULTILINE))


def test_each_set_holds_the_pins_of_the_smaller_one() -> None:
    assert pins("chat") < pins("test") < pins("check")


@pytest.mark.parametrize("name", PINS)
def test_every_pin_has_the_hash_of_its_files(name: str) -> None:
    lines = [line for line in PINS[name].splitlines() if line and not line.startswith("#")]

    assert pins(name)
    for line in lines:
        assert re.fullmatch(r"\S+==\S+( ; .*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line)


@pytest.mark.parametrize("name", PINS)
def test_pins_name_no_place_to_take_them_from(name: str) -> None:
    assert "://" not in PINS[name]
    assert re.search(r"^\s*-", PINS[name].replace("--hash", "hash"), re.MULTILINE) is None


def test_an_old_python_can_read_that_it_is_too_old() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> types.ModuleType:
    """Return the script as a module: it makes its environment in a scratch place, with no pip."""
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("VENV", str(tmp_path / "venv"))
    commands: list[list[str]] = []

    def run(command: list[str], failure: str) -> None:
        commands.append(command)
        if "venv" in command:
            place = Path(command[-1])
            subprocess.run([*command[:-1], "--without-pip", place], check=True)
            (place / "bin" / "pip3").write_text(f"#!{place}/bin/python")
            folder = place / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
            (folder / "site-packages" / "pip.py").touch()

    monkeypatch.setattr(module, "run", run)
    monkeypatch.setattr(module, "commands", commands, raising=False)
    monkeypatch.setattr(module, "check_libgomp", lambda *, fatal: None)
    return module


def stamp(bootstrap: types.ModuleType) -> Any:
    path = bootstrap.stamp_file(Path(bootstrap.os.environ["VENV"]))
    return json.loads(path.read_text()) if path.exists() else None


def test_a_second_run_does_nothing(
    bootstrap: types.ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    bootstrap.main(["test"])
    bootstrap.commands.clear()
    capfd.readouterr()

    bootstrap.main(["test"])

    assert bootstrap.commands == []
    assert capfd.readouterr() == ("", "")


def test_a_larger_set_serves_for_a_smaller_one_but_not_the_other_way(
    bootstrap: types.ModuleType,
) -> None:
    bootstrap.main(["test"])
    bootstrap.commands.clear()

    bootstrap.main(["chat"])
    assert bootstrap.commands == []

    bootstrap.main(["check"])
    assert bootstrap.commands != []
    assert stamp(bootstrap)["set"] == "check"


def test_the_set_of_the_fuzzer_stands_apart(bootstrap: types.ModuleType) -> None:
    bootstrap.main(["fuzz"])
    pinned = [command for command in bootstrap.commands if "--require-hashes" in command]

    assert [Path(command[command.index("--requirement") + 1]).name for command in pinned] == [
        "fuzz.txt"
    ]
    assert stamp(bootstrap)["set"] == "fuzz"
    bootstrap.commands.clear()
    bootstrap.main(["fuzz"])
    assert bootstrap.commands == []

    bootstrap.main(["chat"])
    assert bootstrap.commands != []


def test_what_is_there_is_built_on_and_not_made_anew(bootstrap: types.ModuleType) -> None:
    bootstrap.main(["chat"])
    bootstrap.commands.clear()

    bootstrap.main(["test"])

    assert [command for command in bootstrap.commands if "venv" in command] == []


def test_only_wheels_with_the_right_hash_are_installed(bootstrap: types.ModuleType) -> None:
    bootstrap.main(["chat"])
    _, pinned, project = bootstrap.commands

    assert {"--require-hashes", "--only-binary", ":all:", "--no-deps"} <= set(pinned)
    assert {"--no-build-isolation", "--no-deps", "--editable", str(ROOT)} <= set(project)


def test_an_interrupted_installation_is_taken_up_again(
    bootstrap: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.main(["chat"])

    def interrupted(venv: Path, wanted: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bootstrap.main(["test"])
    assert stamp(bootstrap) is None

    bootstrap.main(["test"])
    assert stamp(bootstrap)["set"] == "test"


def test_an_environment_without_its_python_is_made_anew(bootstrap: types.ModuleType) -> None:
    bootstrap.main(["chat"])
    venv = Path(bootstrap.os.environ["VENV"])
    bootstrap.python_of(venv).unlink()
    bootstrap.commands.clear()

    bootstrap.main(["chat"])

    assert "venv" in bootstrap.commands[0]
    assert bootstrap.python_of(venv).exists()


def test_a_moved_environment_is_made_anew(
    bootstrap: types.ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bootstrap.main(["chat"])
    (tmp_path / "venv").rename(tmp_path / "moved")
    (tmp_path / "moved" / ".junto.json").unlink()
    monkeypatch.setenv("VENV", str(tmp_path / "moved"))
    bootstrap.commands.clear()

    bootstrap.main(["chat"])

    assert "venv" in bootstrap.commands[0]


def test_a_folder_that_is_no_environment_is_left_alone(
    bootstrap: types.ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "thesis.txt").touch()

    with pytest.raises(SystemExit, match="no virtual environment"):
        bootstrap.main(["chat"])
    assert (tmp_path / "venv" / "thesis.txt").exists()


def test_a_python_without_venv_names_the_package(
    bootstrap: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(SystemExit, match="apt install python3-venv"):
        bootstrap.main(["chat"])


def test_a_missing_libgomp_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(module.ctypes, "CDLL", missing)
    monkeypatch.setattr(module.sys, "platform", "linux")

    with pytest.raises(SystemExit, match="apt install libgomp1"):
        module.check_libgomp(fatal=True)
