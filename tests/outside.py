"""An environment outside of this repository: junto's wheel, and those of three plugins."""

import os
import subprocess
import sys
import sysconfig
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

PACKAGES = sorted((Path(__file__).resolve().parent / "plugins" / "packages").iterdir())


@attrs.frozen
class Outside:
    """An environment that knows nothing of this repository.

    What junto depends on is lent by the environment that runs the tests: nothing is
    fetched.
    """

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def run(
        self, *command: str | Path, cwd: Path, check: bool = True, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command of the environment, such as ``"junto", "plugins"``."""
        program = self.python.with_name(str(command[0]))
        done = subprocess.run(
            [program, *command[1:]],
            cwd=cwd,
            env=environment() | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


def environment() -> dict[str, str]:
    """Return the variables of this process without those that concern this repository."""
    left_out = ("PYTHON", "JUNTO_", "PYTEST_", "COVERAGE", "MYPY", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


def build(project: Path, into: Path) -> Path:
    """Build a project's wheel with the backend that is here."""
    into.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*command, into], cwd=project, capture_output=True, check=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def make(folder: Path, junto_wheel: Path) -> Outside:
    """Install junto and the three plugins from their wheels, in a new environment."""
    with ThreadPoolExecutor() as pool:
        built = [pool.submit(build, project, folder / project.name) for project in PACKAGES]
        venv.create(folder / "venv", with_pip=False, symlinks=os.name != "nt")
        wheels = [junto_wheel, *(one.result() for one in built)]
    made = Outside(folder / "venv")
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        made.python,
        "install",
        "--quiet",
    ]
    options = ["--no-index", "--no-deps", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*pip, *options, *wheels], env=environment(), capture_output=True, check=True)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(made.run("python", "-c", code, cwd=folder).stdout.strip())
    # A path in a .pth lends what lies there, but not the .pth files there: the junto of this
    # repository, which is installed by one, stays out.
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "lent.pth").write_text("\n".join(sorted(lent)) + "\n")
    return made
