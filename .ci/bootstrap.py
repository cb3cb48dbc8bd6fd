"""Set up the project's virtual environment: `python3 .ci/bootstrap.py chat|test|check|fuzz`.

It needs Python with its venv module and nothing else. The pins of the set go in by pip, whose
settings (mirror, proxy, certificates) hold; every file is a wheel checked against its hash. Then
the project itself, editable. A stamp in the environment says what it holds, so that a second run
returns at once; it is written last, so that an interrupted run is taken up again.

The environment variable VENV says where it goes (`.venv`). All output is on standard error.
"""

import sys

WANTED = (3, 11)

if sys.version_info < WANTED:
    sys.exit(
        f"junto needs Python {WANTED[0]}.{WANTED[1]} or later; "
        f"this is {sys.version.split()[0]} ({sys.executable}).\n"
        f"Name another one, as in: make chat PYTHON=python3.12"
    )

import ctypes
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / ".ci" / "requirements"
# Each set holds all of the ones before it.
SETS = ("chat", "test", "check")
# A set for an environment of its own.
ASIDE = "fuzz"
# forbiddenfruit, for blockbuster: pure Python, released only as source.
FROM_SOURCE = "source"
WITH_SOURCE = ("test", "check")

AGAIN = "The same command takes it up again."


def main(arguments: list[str]) -> None:
    """Bring the environment to the set that is asked for."""
    if len(arguments) != 1 or arguments[0] not in (*SETS, ASIDE):
        sys.exit("usage: bootstrap.py " + "|".join((*SETS, ASIDE)))
    wanted = arguments[0]
    # Not resolve(): an environment is known by the path it was made at, links and all.
    venv = Path(os.path.abspath(ROOT / os.environ.get("VENV", ".venv")))  # noqa: PTH100
    stamp = read_stamp(venv)
    enough = (ASIDE,) if wanted == ASIDE else SETS[SETS.index(wanted) :]
    if stamp in [expected_stamp(name) for name in enough]:
        return
    if wanted != ASIDE:
        check_libgomp(fatal=wanted == "chat")
    if not usable(venv):
        create(venv)
    stamp_file(venv).unlink(missing_ok=True)
    install(venv, wanted)
    stamp_file(venv).write_text(json.dumps(expected_stamp(wanted)), encoding="utf-8")
    say(f"{shown(venv)} is ready")


def expected_stamp(name: str) -> dict[str, object]:
    """Return what the stamp of an environment with this set says."""
    digest = hashlib.sha256()
    for file in [name, FROM_SOURCE] if name in WITH_SOURCE else [name]:
        digest.update((PINS / f"{file}.txt").read_bytes())
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # What an editable install is made of; the settings of linters are not.
    installed = [pyproject[table] for table in ("build-system", "project")]
    installed.append(pyproject["tool"]["hatch"])
    digest.update(json.dumps(installed, sort_keys=True).encode())
    return {
        "set": name,
        "python": list(sys.version_info[:2]),
        "root": str(ROOT),
        "pins": digest.hexdigest(),
    }


def stamp_file(venv: Path) -> Path:
    """Return where the stamp of an environment is."""
    return venv / ".junto.json"


def read_stamp(venv: Path) -> object:
    """Return the stamp, or None where it is not whole or its Python has gone."""
    try:
        stamp: object = json.loads(stamp_file(venv).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    # exists() follows the link, which dangles when the system's Python was replaced.
    return stamp if python_of(venv).exists() else None


def python_of(venv: Path) -> Path:
    """Return the path of an environment's Python."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def usable(venv: Path) -> bool:
    """Tell whether the environment can be built on: of this Python, never moved, with its pip."""
    code = "import sys, pip; print(sys.version_info[:2], sys.prefix)"
    try:
        answer = subprocess.run(
            [python_of(venv), "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        # A script's first line keeps the path under which it was installed.
        scripts = [*python_of(venv).parent.glob("pip3*")]
        moved = not any(str(venv).encode() in script.read_bytes() for script in scripts)
    except (OSError, subprocess.CalledProcessError):
        return False
    there = answer.stdout.decode(errors="replace").strip()
    return there == f"{sys.version_info[:2]} {venv}" and not moved


def create(venv: Path) -> None:
    """Make the environment anew."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(
            f"This Python ({sys.executable}) lacks its module {missing[0]}, "
            f"which makes virtual environments.\n"
            f"On Debian and Ubuntu: apt install python3-venv"
        )
    if venv.exists() and not (venv / "pyvenv.cfg").exists() and any(venv.iterdir()):
        sys.exit(f"{venv} is there and is no virtual environment: remove it, or set VENV")
    if Path(sys.prefix) == venv:
        sys.exit(f"{venv} must be made anew, and this Python runs in it: deactivate it first")
    say(f"making {shown(venv)} with Python {sys.version.split()[0]}")
    shutil.rmtree(venv, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(venv)], "the virtual environment could not be made")


def install(venv: Path, wanted: str) -> None:
    """Install the pins of a set, then the project."""
    pip = [str(python_of(venv)), "-m", "pip", "--disable-pip-version-check", "install", "--no-deps"]
    build = ["--quiet", "--no-build-isolation", "--use-pep517"]
    pinned = [*pip, "--require-hashes", "--requirement"]
    say(f"installing {shown(PINS / wanted)}.txt")
    pins = [str(PINS / f"{wanted}.txt"), "--only-binary", ":all:"]
    run([*pinned, *pins], "the pins could not be installed")
    if wanted in WITH_SOURCE:
        pins = [str(PINS / f"{FROM_SOURCE}.txt"), *build]
        run([*pinned, *pins], "the pins could not be installed")
    run([*pip, *build, "--editable", str(ROOT)], "junto itself could not be installed")


def check_libgomp(*, fatal: bool) -> None:
    """Say which package to install where llama.cpp would not load."""
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        message = (
            "The local model runs on llama.cpp, which needs the system library libgomp.so.1.\n"
            "On Debian and Ubuntu: apt install libgomp1; on Fedora: dnf install libgomp"
        )
        if fatal:
            sys.exit(message)
        say(message)


def run(command: list[str], failure: str) -> None:
    """Run a command with its output on standard error."""
    try:
        subprocess.run(command, stdout=sys.stderr, check=True)
    except subprocess.CalledProcessError:
        sys.exit(f"{failure}: see above. {AGAIN}")
    except KeyboardInterrupt:
        sys.exit(f"interrupted. {AGAIN}")


def shown(path: Path) -> str:
    """Return a path as a reader at the root would write it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def say(message: str) -> None:
    """Tell the person at the terminal."""
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
