"""The worker process, and the threads at its pipes."""

from __future__ import annotations

import importlib.util
import json
import queue
import re
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from attrs import frozen

from junto.core import ChatError, MissingExtraError, ModelFileError, UnavailableError

from .jobs import Job, Jobs, Message

__all__ = ["Runtime", "RuntimeSettings", "require_runtime"]

_WORKER = Path(__file__).with_name("_worker.py")


@frozen(kw_only=True)
class RuntimeSettings:
    """How a model is run."""

    path: Path
    threads: int
    slots: int
    context_tokens: int


class Runtime:
    """A worker process with one model loaded."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self._process, self._log = _start(settings)
        self._commands: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._jobs = Jobs()
        self._lock = threading.Lock()
        self._last = 0
        # The threads know the pipes and the jobs, not this object: when the last reference
        # to it goes, the process goes with it, and so do they.
        threads = [
            threading.Thread(target=target, args=args, name=f"junto-local-{name}", daemon=True)
            for name, target, args in (
                ("write", _write, (self._process.stdin, self._commands)),
                ("read", _read, (self._process.stdout, self._jobs)),
            )
        ]
        args = (self._process, self._log, self._commands, threads)
        self._stop = weakref.finalize(self, _stop, *args)
        for thread in threads:
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether the process can be asked."""
        return self._stop.alive and not self._jobs.closed

    def submit(self, body: dict[str, Any], on_end: Callable[[], None]) -> Job:
        """Begin a generation; ``on_end`` is called from any thread when it has ended."""
        with self._lock:
            self._last += 1
            number = self._last
        commands = self._commands
        job = Job(number, lambda number: commands.put({"cancel": number}))
        self._jobs.add(number, job, on_end)
        self._commands.put({"job": number, "body": body})
        return job

    def stop(self) -> None:
        """End the process and wait for it.  Again does nothing."""
        self._stop()


def _write(pipe: IO[bytes], commands: queue.SimpleQueue[Message | None]) -> None:
    try:
        with pipe:
            while (command := commands.get()) is not None:
                pipe.write(json.dumps(command).encode() + b"\n")
                pipe.flush()
    except OSError:
        return  # the worker is gone; the reader finds that out too


def _read(pipe: IO[bytes], jobs: Jobs) -> None:
    with pipe:
        for line in pipe:
            if not line.endswith(b"\n"):
                break  # the worker went in the middle of a word
            jobs.deliver(json.loads(line))
    jobs.close()


def _stop(
    process: subprocess.Popen[bytes],
    log: IO[bytes],
    commands: queue.SimpleQueue[Message | None],
    threads: list[threading.Thread],
) -> None:
    commands.put(None)
    process.kill()
    process.wait()
    log.close()
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join()


def require_runtime() -> None:
    """Check that llama.cpp is installed, without loading it.

    Raises:
        MissingExtraError: It is not; the text says how to install it.
    """
    try:
        found = importlib.util.find_spec("xllamacpp") is not None
    except (ImportError, ValueError):  # an import hook, or a module without a spec
        found = False
    if not found:
        raise MissingExtraError("local models need llama.cpp: pip install 'junto[local]'")


def _start(settings: RuntimeSettings) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """Start a worker and wait until its model is loaded."""
    require_runtime()
    if not sys.executable:
        raise ChatError("a local model runs in a process of its own, but no Python is known here")
    log = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    process = subprocess.Popen(  # noqa: S603  our own script
        # Isolated, so that it starts fast and takes nothing from the current folder.
        [sys.executable, "-I", "-S", str(_WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        # Ctrl-C in a terminal is the application's to handle.
        start_new_session=True,
        creationflags=flags,
    )
    try:
        _open(process, log, settings)
    except BaseException:
        process.kill()
        process.communicate()
        log.close()
        raise
    return process, log


def _open(process: subprocess.Popen[bytes], log: IO[bytes], settings: RuntimeSettings) -> None:
    options = {
        "path": str(settings.path),
        "threads": settings.threads,
        "slots": settings.slots,
        "context_tokens": settings.context_tokens,
        "sys_path": sys.path,
    }
    line = b""
    if process.stdin is not None and process.stdout is not None:
        try:
            process.stdin.write(json.dumps({"open": options}).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            pass  # it could not even start; its status tells
    answer: Message = json.loads(line) if line else {}
    if answer.get("ready"):
        return
    try:
        status = process.wait(5)
    except subprocess.TimeoutExpired:
        status = None
    log.seek(0)
    text = log.read(1 << 16).decode(errors="replace")
    raise _failure(answer, status, text, settings.path)


def _failure(answer: Message, status: int | None, log: str, path: Path) -> ChatError:
    text = str(answer.get("text", ""))
    if answer.get("failed") == "import":
        if "libgomp" in text:
            return MissingExtraError(
                "local models need the system library libgomp: install the package libgomp1 "
                f"(Debian, Ubuntu: apt-get install libgomp1; others call it libgomp). {text}"
            )
        return MissingExtraError(
            f"llama.cpp cannot be loaded ({text}): pip install --force-reinstall 'junto[local]'"
        )
    said = re.search(r"^\S+ E +(?:\w+: )?(.*)$", log, re.MULTILINE)
    reason = said[1] if said else text
    if answer:
        return ModelFileError(
            f"llama.cpp cannot load the model file {path}: {reason}. The file may be damaged, or "
            "of a kind that this version does not know: fetch it again, or name another"
        )
    return UnavailableError(
        f"llama.cpp ended while it loaded {path} (status {status}; -4: this processor is too "
        f"old, -9: there was not enough memory). {reason or log[-200:]}"
    )
