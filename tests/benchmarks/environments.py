"""The environments of the contenders: one each, made from pins, kept until the pins change."""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / ".ci" / "requirements"

JUNTO = "junto"
NAMES = ("floor", JUNTO, "dashscope", "openai", "langchain", "pydantic-ai", "agent-framework")

# What each environment has, and nobody asked for.
_TOOLS = {"pip", "setuptools", "wheel"}
_COUNT = "import importlib.metadata as m; print(*{d.name.lower() for d in m.distributions()})"


class EnvironmentFailedError(Exception):
    """An environment could not be made; the text says why, in one line."""


class Environments:
    """Makes environments when they are asked for.

    Args:
        root: Where they go, as `.venv-bench-NAME`.
        say: Told what is going on.
    """

    def __init__(self, root: Path = ROOT, say: Callable[[str], None] = print) -> None:
        self._root = root
        self._say = say

    def python(self, name: str) -> Path:
        """Return the Python of an environment, which holds its pins then.

        Raises:
            EnvironmentFailedError: No venv, no network, no wheel for this Python, …
        """
        venv = self._root / f".venv-bench-{name}"
        pins = PINS / f"bench-{name}.txt"
        python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        stamp = venv / "bench.json"
        wanted = {
            "pins": hashlib.sha256(pins.read_bytes()).hexdigest(),
            "python": sys.version,
            "place": str(venv),
        }
        if not (python.exists() and _read(stamp) == wanted):
            self._say(f"making {venv.name}")
            stamp.unlink(missing_ok=True)
            _run(sys.executable, "-m", "venv", "--clear", str(venv))
            _pip(python, "install", "--require-hashes", "--only-binary=:all:", "-r", str(pins))
            stamp.write_text(json.dumps(wanted), encoding="utf-8")
        if name == JUNTO:
            self._install_junto(python)
        return python

    @staticmethod
    def _install_junto(python: Path) -> None:
        """Install the work tree as its users would: a wheel, built by the Python that runs this."""
        with tempfile.TemporaryDirectory() as folder:
            build = ["wheel", "--no-build-isolation", "--wheel-dir", folder, str(ROOT)]
            _pip(Path(sys.executable), *build)
            wheel = next(Path(folder).glob("*.whl"))
            _pip(python, "install", "--force-reinstall", str(wheel))


def distributions(python: Path) -> int:
    """Return how many distributions an environment holds, less the tools that installed them."""
    names = set(_run(str(python), "-c", _COUNT).split())
    return len(names - _TOOLS)


def _pip(python: Path, command: str, *arguments: str) -> None:
    quiet = ["--disable-pip-version-check", "--quiet", command, "--no-deps"]
    _run(str(python), "-m", "pip", *quiet, *arguments)


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except OSError as error:
        raise EnvironmentFailedError(str(error)) from None
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["failed"]
        raise EnvironmentFailedError(errors[0][:200]) from None
    return done.stdout


def _read(stamp: Path) -> object:
    try:
        return json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
