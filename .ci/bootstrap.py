"""
Set up the project's virtual environment: `python3 .ci/bootstrap.py chat|test|check`.

It needs Python with its venv module and nothing else. The pins of the set go in by pip, whose
settings (mirror, proxy, certificates) hold; every file is a wheel checked against its hash. Then
the project itself, editable. A stamp in the environment says what it holds, so that a second run
returns at once; it is written last, so that an interrupted run is taken up again.

Environment: VENV is where it goes (`.venv`). All it says goes to standard error.
"""

import sys

WANTED = (3, 11)

if sys.version_info < WANTED:
    sys.exit(
        "junto needs Python %d.%d or later; this is %s (%s).\n"
        "Name another one, as in: make chat PYTHON=python3.12"
        % (WANTED + (sys.version.split()[0], sys.executable))
    )

import ctypes
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / ".ci" / "requirements"
# Each set holds all of the ones before it.
SETS = ("chat", "test", "check")
# forbiddenfruit, for blockbuster: pure Python, released only as source.
FROM_SOURCE = "source"


def main(arguments):
    """Bring the environment to the set that is asked for."""
    if len(arguments) != 1 or arguments[0] not in SETS:
        sys.exit("usage: bootstrap.py " + "|".join(SETS))
    wanted = arguments[0]
    venv = Path(os.path.abspath(ROOT / os.environ.get("VENV", ".venv")))
    held = read_stamp(venv)
    if any(held == expected_stamp(name) for name in SETS[SETS.index(wanted) :]):
        return
    check_libgomp(fatal=wanted == "chat")
    if not usable(venv, held):
        create(venv)
    # What is there keeps counting only when it is of today's pins: those are a superset then.
    if held in [expected_stamp(name) for name in SETS]:
        say("adding what `make %s` needs to %s" % (wanted, shown(venv)))
    stamp_file(venv).unlink(missing_ok=True)
    install(venv, wanted)
    stamp_file(venv).write_text(json.dumps(expected_stamp(wanted)), encoding="utf-8")
    say("%s is ready" % shown(venv))


def expected_stamp(name):
    """Return what the stamp says of an environment that holds this set."""
    digest = hashlib.sha256()
    sources = [name] if name == "chat" else [name, FROM_SOURCE]
    for path in [PINS / (source + ".txt") for source in sources] + [ROOT / "pyproject.toml"]:
        digest.update(path.read_bytes())
    return {
        "set": name,
        "python": list(sys.version_info[:2]),
        "root": str(ROOT),
        "pins": digest.hexdigest(),
    }


def stamp_file(venv):
    """Return where the stamp of an environment is."""
    return venv / ".junto.json"


def read_stamp(venv):
    """Return the stamp, or None for an environment without a whole one or without a Python."""
    try:
        stamp = json.loads(stamp_file(venv).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    # exists() follows the link: a Python that was removed or upgraded away is no Python.
    return stamp if python_of(venv).exists() else None


def python_of(venv):
    """Return the path of an environment's Python."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def usable(venv, held):
    """Tell whether what is there can be built on: this Python, at this path, with its pip."""
    if held is not None and held.get("root") != str(ROOT):
        return False
    code = "import sys, pip; print(list(sys.version_info[:2]), sys.prefix)"
    try:
        answer = subprocess.run(
            [python_of(venv), "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    there = "%s %s" % (list(sys.version_info[:2]), venv)
    return answer.stdout.decode(errors="replace").strip() == there


def create(venv):
    """Make the environment anew."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(
            "This Python (%s) lacks its module %s, which sets up virtual environments.\n"
            "On Debian and Ubuntu: apt install python3-venv" % (sys.executable, missing[0])
        )
    if venv.exists() and not (venv / "pyvenv.cfg").exists() and any(venv.iterdir()):
        sys.exit("%s is there and is no virtual environment: remove it, or set VENV" % venv)
    if Path(sys.prefix) == venv:
        sys.exit(
            "%s must be made anew, and this Python runs in it: leave it (deactivate) first" % venv
        )
    say("making %s with Python %s" % (shown(venv), sys.version.split()[0]))
    shutil.rmtree(venv, ignore_errors=True)
    run([sys.executable, "-m", "venv", venv], "the virtual environment could not be made")


def install(venv, wanted):
    """Install the pins of a set, then the project."""
    pip = [python_of(venv), "-m", "pip", "--disable-pip-version-check", "install", "--no-deps"]
    pinned = [*pip, "--require-hashes"]
    say("installing the pins of %s" % shown(PINS / (wanted + ".txt")))
    pins = ["--requirement", PINS / (wanted + ".txt")]
    run([*pinned, "--only-binary", ":all:", *pins], "the pins could not be installed")
    if wanted != "chat":
        pins = ["--requirement", PINS / (FROM_SOURCE + ".txt")]
        built = ["--quiet", "--no-build-isolation", "--use-pep517"]
        run([*pinned, *built, *pins], "the pins could not be installed")
    project = ["--quiet", "--no-build-isolation", "--editable", ROOT]
    run([*pip, *project], "junto itself could not be installed")


def check_libgomp(*, fatal):
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


def run(command, failure):
    """Run a command with its output on standard error."""
    try:
        subprocess.run([str(part) for part in command], stdout=sys.stderr, check=True)
    except subprocess.CalledProcessError:
        sys.exit("%s: see above. The same command takes it up again." % failure)
    except KeyboardInterrupt:
        sys.exit("interrupted. The same command takes it up again.")


def shown(path):
    """Return a path as a reader at the root would write it."""
    return os.path.relpath(path, ROOT) if ROOT in Path(path).parents else str(path)


def say(message):
    """Tell the person at the terminal."""
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
