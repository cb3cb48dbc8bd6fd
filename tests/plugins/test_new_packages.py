"""What `junto new` writes: its tests pass at once, it is typed, and junto finds it by name."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ..outside import PACKAGES, Outside, build

pytestmark = pytest.mark.timeout(240)

KINDS = ("provider", "advisor", "memory")


@pytest.fixture(scope="module")
def written(outside: Outside, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a package of each kind."""
    folder = tmp_path_factory.mktemp("written")
    for kind in KINDS:
        outside.run("junto", "new", kind, f"my-{kind}", cwd=folder)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_its_tests_pass_as_they_are(outside: Outside, written: Path, kind: str) -> None:
    command = ("python", "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    done = outside.run(*command, cwd=written / f"junto-my-{kind}")

    assert " passed" in done.stdout
    assert not {"failed", "skipped"} & set(done.stdout.split())


def test_junto_finds_them_by_name(outside: Outside, written: Path, tmp_path: Path) -> None:
    wheels = [build(written / f"junto-my-{kind}", tmp_path / kind) for kind in KINDS]
    path = os.pathsep.join(map(str, wheels))
    listed = outside.run("junto", "plugins", "--check", "--json", cwd=tmp_path, PYTHONPATH=path)
    found = {row["name"]: row for row in json.loads(listed.stdout)}
    answer = outside.run("junto", "chat", "-m", "my-provider", "Hi", cwd=tmp_path, PYTHONPATH=path)

    assert [(found[f"my-{kind}"]["kind"], found[f"my-{kind}"]["ok"]) for kind in KINDS] == [
        (kind, True) for kind in KINDS
    ]
    assert {tuple(found[f"my-{kind}"]["api"]) for kind in KINDS} == {(1,)}
    assert answer.stdout == "Hi\n"


def test_mypy_finds_nothing_when_it_is_strict(outside: Outside, written: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    for project in sorted(written.glob("junto-*")):
        command = [sys.executable, "-m", "mypy", "--python-executable", str(outside.python)]
        check([*command, "--cache-dir", str(written / ".mypy")], project)


def test_pyright_finds_nothing_when_it_is_strict(outside: Outside, written: Path) -> None:
    pytest.importorskip("pyright", reason="pyright is not installed")
    command = [sys.executable, "-m", "pyright", "--pythonpath", str(outside.python)]
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(check, command, each) for each in written.glob("junto-*")]:
            done.result()


def test_the_three_of_others_are_typed_as_strictly(outside: Outside, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    pytest.importorskip("pyright", reason="pyright is not installed")
    sources = [str(source) for package in PACKAGES for source in package.glob("*.py")]
    strict = {"typeCheckingMode": "strict", "include": [str(package) for package in PACKAGES]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(strict))

    check(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--python-executable",
            str(outside.python),
            *sources,
        ],
        tmp_path,
    )
    check([sys.executable, "-m", "pyright", "--pythonpath", str(outside.python)], tmp_path)


def check(command: list[str], folder: Path) -> None:
    """Run a type checker, which must find nothing, and something to look at."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No source files" not in done.stdout
