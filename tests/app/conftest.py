"""The command, run as a person runs it: in a process of its own, in pipes or in a terminal."""

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
JUNTO = (sys.executable, "-m", "junto.app")


Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment with the acted models in it, and nothing of the person's own."""
    announced = tmp_path / "plugins" / "acted-1.0.dist-info"
    announced.mkdir(parents=True)
    (announced / "METADATA").write_text("Metadata-Version: 2.1\nName: acted\nVersion: 1.0\n")
    (announced / "entry_points.txt").write_text(
        "[junto.providers]\nacted = acted_models:ActedModel\n"
    )
    left_out = (
        "JUNTO_",
        "PYTHON",
        "LC_",
        "NO_COLOR",
        "COLUMNS",
        "HF_",
        "DASHSCOPE",
        "AI_DASH",
        "OPENAI",
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    paths = [announced.parent, HERE, *(ROOT / part for part in ("core", "advisors", "providers"))]
    return inherited | {
        "PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT / "app"])),
        "PYTHONWARNINGS": "error",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm",
        "HOME": str(tmp_path),
        "JUNTO_CACHE": str(tmp_path / "cache"),
        "ACTED_TRACE": str(tmp_path / "trace"),
    }


@pytest.fixture
def junto(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run the command to its end, with its output in pipes."""

    def run(
        *arguments: str | bytes, stdin: bytes = b"", python: tuple[str, ...] = JUNTO, **more: str
    ) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [*python, *arguments],
            input=stdin,
            env=environment | more,
            cwd=tmp_path,
            capture_output=True,
            timeout=50,
            check=False,
        )

    return run


class Terminal:
    """The command in a terminal of its own.  Nothing sleeps: it reads until a text is there."""

    def __init__(
        self,
        *arguments: str,
        environment: dict[str, str],
        cwd: Path,
        size: tuple[int, int] = (24, 80),
        stdout_to: Path | None = None,
        python: tuple[str, ...] = JUNTO,
    ) -> None:
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        # The terminal has to be the controlling one, for Ctrl-C to be a signal.
        take = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        take += "os.execv(sys.argv[1], sys.argv[1:])"
        out = None if stdout_to is None else stdout_to.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", take, *python, *arguments],
            stdin=theirs,
            stdout=theirs if out is None else out,
            stderr=theirs,
            env=environment,
            cwd=cwd,
            start_new_session=True,
        )
        os.close(theirs)
        if out is not None:
            out.close()
        self.seen = ""
        self._read_to = 0

    def send(self, text: str) -> None:
        self.send_bytes(text.encode())

    def send_bytes(self, data: bytes) -> None:
        os.write(self._ours, data)

    def expect(self, text: str, seconds: float = 45) -> str:
        """Read until `text` is there, behind what was expected before; return what was passed."""
        deadline = time.monotonic() + seconds
        while (at := self.seen.find(text, self._read_to)) < 0:
            if not self._read(deadline - time.monotonic()):
                pytest.fail(f"{text!r} did not come; this did: {self.seen[self._read_to :]!r}")
        passed = self.seen[self._read_to : at]
        self._read_to = at + len(text)
        return passed

    def press(self, key: str, text: str) -> None:
        """Press a key until `text` is there.

        A signal that arrives while readline is busy with the key before it is seen only
        with the next one: Python looks for signals and waits for keys in two steps.
        """
        for _ in range(90):
            self.send(key)
            deadline = time.monotonic() + 0.5
            while (at := self.seen.find(text, self._read_to)) < 0:
                if not self._read(deadline - time.monotonic()):
                    break
            else:
                self._read_to = at + len(text)
                return
        pytest.fail(f"{text!r} did not come; this did: {self.seen[self._read_to :]!r}")

    def leave(self) -> int:
        """Read to the end, and return the exit code."""
        deadline = time.monotonic() + 45
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(timeout=10)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # what Linux says when the other side is closed
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def terminal(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Start the command in a terminal."""
    started: list[Terminal] = []

    def start(
        *arguments: str,
        size: tuple[int, int] = (24, 80),
        stdout_to: Path | None = None,
        python: tuple[str, ...] = JUNTO,
        **more: str,
    ) -> Terminal:
        one = Terminal(
            *arguments,
            environment=environment | more,
            cwd=tmp_path,
            size=size,
            stdout_to=stdout_to,
            python=python,
        )
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()


@pytest.fixture
def trace(environment: dict[str, str]) -> Callable[[], list[str]]:
    """Return what the acted model left as its trace."""

    def read() -> list[str]:
        path = Path(environment["ACTED_TRACE"])
        return path.read_text().split("\n")[:-1] if path.exists() else []

    return read
