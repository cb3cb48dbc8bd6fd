"""Run `make test` with every supported Python that is installed: `make test-all`.

Each gets an environment of its own, `.venv-3.12` and so on. Arguments go to pytest.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> None:
    """Run the suite with each Python, print a summary, fail when one has failed."""
    results: dict[str, str] = {}
    for version in VERSIONS:
        python = find(version)
        if python is None:
            results[version] = "not installed"
            continue
        print(f"\n== Python {version}: {python}", flush=True)
        variables = [f"PYTHON={python}", f"VENV=.venv-{version}"]
        command = ["make", "test", *variables, f"TESTS={shlex.join(arguments)}"]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        results[version] = "passed" if code == 0 else "failed"
    print()
    for version, result in results.items():
        print(f"Python {version}: {result}")
    if "failed" in results.values() or "passed" not in results.values():
        sys.exit(1)


def find(version: str) -> str | None:
    """Return a Python of this version that runs."""
    return next((python for python in candidates(version) if runs(python, version)), None)


def candidates(version: str) -> Iterator[str]:
    """Look on the path, then among pyenv's: its shims on the path refuse to run when not chosen."""
    for folder in os.get_exec_path():
        if found := shutil.which(f"python{version}", path=folder):
            yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for found_by_pyenv in pyenv.glob(f"versions/{version}.*/bin/python{version}"):
        yield str(found_by_pyenv)


def runs(python: str, version: str) -> bool:
    """Tell whether a Python starts, is of the version it says, and can make environments."""
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


if __name__ == "__main__":
    main(sys.argv[1:])
