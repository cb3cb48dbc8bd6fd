"""The process that holds a local model: llama.cpp, driven by JSON lines.

This file is run as a script by :mod:`.runtime`, never imported for use: loading a model
inside the application would keep Python's global lock for the whole load, and stop every
event loop of the process.  Here it disturbs nobody, and a fault in native code ends this
process and not the application.

Each line on standard input is one command, each line on the output pipe one answer::

    {"open": {...}}                    -> {"ready": true} or {"failed": kind, "text": ...}
    {"job": 1, "body": {...}}          -> {"job": 1, "chunk": {...}} ..., {"job": 1, "end": true}
    {"cancel": 1}

The end of standard input ends the process: it cannot outlive the application.
"""

from __future__ import annotations

import importlib
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, Protocol, cast

__all__: list[str] = []

_BATCH = 64
"""How many tokens of a prompt are read at once: a job can be called off between two
batches, and other streams go on.  A larger one is not faster on a CPU."""


class _Cpu(Protocol):
    n_threads: int


class _Path(Protocol):
    path: str


class _Parameters(Protocol):
    """The part of ``xllamacpp.CommonParams`` that is used; the package has no types."""

    model: _Path
    cpuparams: _Cpu
    cpuparams_batch: _Cpu
    hostnames: list[str]
    port: int
    api_keys: list[str]
    cors_origins: str
    cors_credentials: bool
    ui: bool
    endpoint_slots: bool
    verbosity: int
    n_ctx: int
    n_parallel: int
    n_batch: int
    n_ubatch: int
    cache_ram_mib: int
    fit_params: bool
    warmup: bool


class _Server(Protocol):
    def handle_chat_completions(
        self, body: dict[str, Any], callback: Callable[[dict[str, Any]], bool], /
    ) -> None: ...


class _Runtime(Protocol):
    """The part of ``xllamacpp`` that is used."""

    def CommonParams(self) -> _Parameters: ...  # noqa: N802  its name there
    def Server(self, params: _Parameters, /) -> _Server: ...  # noqa: N802  the same


class _Output:
    """The pipe to the application, shared by all threads."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, value: dict[str, Any]) -> None:
        line = json.dumps(value, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                self._pipe.write(line)
                self._pipe.flush()
            except OSError:
                os._exit(0)  # nobody listens any more


def _open(options: dict[str, Any]) -> _Server:
    runtime = cast("_Runtime", importlib.import_module("xllamacpp"))
    params = runtime.CommonParams()
    params.model.path = options["path"]
    params.cpuparams.n_threads = options["threads"]
    params.cpuparams_batch.n_threads = options["threads"]
    params.n_parallel = options["slots"]
    params.n_ctx = options["slots"] * options["context_tokens"]
    params.n_batch = params.n_ubatch = _BATCH
    # The runtime always opens a port.  Nobody is given its key, not even the application.
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [secrets.token_urlsafe(32)]
    params.cors_origins = "null"
    params.cors_credentials = False
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = 1  # errors, to the log that the application reads when loading fails
    params.cache_ram_mib = 0
    # Fitting loads the model twice, and a warm-up delays the first token by what it saves.
    params.fit_params = False
    params.warmup = False
    return runtime.Server(params)


def _run(
    server: _Server,
    number: int,
    body: dict[str, Any],
    jobs: dict[int, threading.Event],
    output: _Output,
) -> None:
    cancelled = jobs[number]

    def take(chunk: dict[str, Any]) -> bool:
        if not cancelled.is_set() and "prompt_progress" not in chunk:
            output.send({"job": number, "chunk": chunk})
        return cancelled.is_set()

    try:
        server.handle_chat_completions(body, take)
    except Exception as error:  # noqa: BLE001  whatever the runtime raises is this job's answer
        output.send({"job": number, "chunk": {"error": {"message": str(error)}}})
    del jobs[number]
    output.send({"job": number, "end": True})


def _serve(commands: IO[bytes], output: _Output) -> bool:
    """Do what the application says; whether a model was loaded."""
    options = json.loads(commands.readline())["open"]
    sys.path[:] = options["sys_path"]
    try:
        server = _open(options)
    except ImportError as error:
        output.send({"failed": "import", "text": str(error)})
        return False
    except Exception as error:  # noqa: BLE001  whatever the runtime raises is the answer
        output.send({"failed": "load", "text": str(error)})
        return False
    output.send({"ready": True})
    jobs: dict[int, threading.Event] = {}
    for line in commands:
        command = json.loads(line)
        if "cancel" in command:
            if cancelled := jobs.get(command["cancel"]):
                cancelled.set()
            continue
        number = command["job"]
        jobs[number] = threading.Event()
        job = (server, number, command["body"], jobs, output)
        threading.Thread(target=_run, args=job, daemon=True).start()
    return True


def main() -> None:
    """Serve until standard input ends."""
    commands = os.fdopen(os.dup(0), "rb")
    output = _Output(os.fdopen(os.dup(1), "wb"))
    # What native code prints must not get among the answers.
    os.dup2(2, 1)
    if _serve(commands, output):
        # At once: native threads may be in the middle of a token.
        os._exit(0)
    # A failure ends in the ordinary way, in which the runtime writes the rest of its log.


if __name__ == "__main__":
    main()
