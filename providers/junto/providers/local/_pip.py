"""Fetching one wheel by its hash through pip, with the user's own pip settings.

Mirrors, proxies, certificates and find-links of the user count, because pip reads them.
Nothing is installed: the wheel is a file, and stays one.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .catalogue import Archive

__all__ = ["pip_command", "pip_download"]

_POLL = 0.2


def pip_command() -> list[str] | None:
    """How to run pip here: the environment's own, or the one that Python carries along.

    ``None`` when there is neither: an environment made by uv on a stripped-down Python.
    """
    if not sys.executable:
        return None
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    bundled = importlib.util.find_spec("ensurepip")
    if bundled is not None and bundled.origin is not None:
        for wheel in sorted(Path(bundled.origin).parent.glob("_bundled/pip-*.whl")):
            return [sys.executable, str(wheel / "pip")]
    return None


def pip_download(archive: Archive, folder: Path, grown: Callable[[int], None]) -> str:
    """Fetch a wheel into ``folder``, telling ``grown`` the bytes so far.

    Returns:
        Why it did not work; nothing when it did.
    """
    command = pip_command()
    if command is None:
        return "there is no pip in this environment (try `python -m ensurepip`)"
    shutil.rmtree(folder, ignore_errors=True)
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{archive.project}=={archive.version} --hash=sha256:{archive.sha256}\n")
    log = folder / "pip.log"
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir"]
    options += ["--ignore-requires-python", "--progress-bar", "off", "--no-input", "--quiet"]
    options += ["--disable-pip-version-check", "--dest", str(folder), "-r", str(wanted)]
    # pip's temporary files go where the space was checked, and where they can be watched.
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  our own command, no shell
            [*command, "download", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **places},
        )
        try:
            while True:
                try:
                    code = process.wait(_POLL)
                except subprocess.TimeoutExpired:
                    grown(_size_of(folder))
                else:
                    break
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    shutil.rmtree(temporary, ignore_errors=True)
    return "" if code == 0 else _reason(log, code)


def _size_of(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*.whl"):
        try:
            size = max(size, path.stat().st_size)
        except OSError:  # pip moved it between the two calls
            continue
    return size


def _reason(log: Path, code: int) -> str:
    lines = log.read_text(errors="replace").splitlines()
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return errors[-1] if errors else f"it ended with status {code}"
