"""The processes of a run: the server, and one for each contender, spoken to in JSON lines."""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from attrs import frozen

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# Seconds for one answer of a contender; the longest takes some ten seconds on a slow machine.
PATIENCE = 120.0
# A settled process uses no CPU for so long, in seconds.
QUIET = 0.15


class ProcessFailedError(Exception):
    """A process died, or gave no answer; the text says why, in one line."""


@frozen
class Contender:
    """Somebody who reads answers.

    Attributes:
        name: For the table.
        environment: Where its library is.
        module: Its file in `contenders/`.
        variant: What its module is told.
        native: It speaks DashScope's protocol, not that of OpenAI.
        slow: It costs so much that smaller slices tell as much.
    """

    name: str
    environment: str
    module: str
    variant: str = ""
    native: bool = False
    slow: bool = False


class Process:
    """A child that answers in JSON lines; the end of its input ends it."""

    def __init__(self, child: asyncio.subprocess.Process, log: IO[bytes]) -> None:
        self._child = child
        self._log = log

    @classmethod
    async def start(cls, python: Path, *arguments: str) -> Self:
        log = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        child = await asyncio.create_subprocess_exec(
            python,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env=_environment(),
        )
        return cls(child, log)

    @property
    def pid(self) -> int:
        return self._child.pid

    def tell(self, **command: Any) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(command).encode() + b"\n")

    async def hear(self, patience: float = PATIENCE) -> dict[str, Any]:
        """Return the next line of it.

        Raises:
            ProcessFailedError: There is none, or none within so many seconds.
        """
        assert self._child.stdout is not None
        try:
            async with asyncio.timeout(patience):
                line = await self._child.stdout.readline()
        except TimeoutError:
            raise ProcessFailedError(f"no answer within {patience:g} s") from None
        if not line:
            raise ProcessFailedError(self._last_words())
        heard: dict[str, Any] = json.loads(line)
        return heard

    async def ask(self, **command: Any) -> dict[str, Any]:
        self.tell(**command)
        return await self.hear()

    def kill(self) -> None:
        if self._child.returncode is None:
            self._child.kill()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        await self._child.wait()
        self._log.close()

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = [line for line in self._log.read().decode(errors="replace").splitlines() if line]
        return lines[-1].strip()[:200] if lines else "it ended without a word"


async def start_server() -> tuple[Process, str]:
    """Start the server; return it and its address."""
    server = await Process.start(Path(sys.executable), "-m", "tests.benchmarks.server")
    told = await server.hear()
    return server, f"http://127.0.0.1:{told['port']}"


async def start_contender(contender: Contender, python: Path) -> Process:
    script = str(HERE / "contenders" / "drive.py")
    return await Process.start(python, script, contender.module, contender.variant)


def resident(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    return int(_proc(pid, "statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def settle(pid: int) -> float:
    """Wait until a process has read what there is; return the CPU seconds used by then."""
    before, now = -1.0, _used(pid)
    while before != now:
        await asyncio.sleep(QUIET)
        before, now = now, _used(pid)
    return now


def _used(pid: int) -> float:
    user, system = _proc(pid, "stat").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _proc(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="ascii")
    except OSError as error:
        raise ProcessFailedError(f"no figures of the process: {error}") from None


def _environment() -> dict[str, str]:
    """The environment without what could lead a contender astray: proxies, keys, paths."""
    foreign = ("PYTHON", "OPENAI_", "DASHSCOPE_", "LANGCHAIN_", "LANGSMITH_")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and not name.lower().endswith("_proxy")
    }
