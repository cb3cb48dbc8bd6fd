"""Starts workers by forking, which takes no time, and kills them: `python -m tests.chaos.nursery`.

A worker is a child of this process and nobody else's, so that a number that is killed is never
that of a stranger. Commands come on standard input, one JSON object a line, and are answered in
kind; the end of the input ends all workers, and this process.

    {"do": "start", …}              start a worker with these orders; answers its `pid`
    {"do": "kill", "pid": …}        kill it with SIGKILL; answers `at`, the time, and `alive`
"""

import json
import os
import signal
import sys
import time
import traceback
from typing import Any

from .worker import Orders, main


def start(**orders: Any) -> int:
    pid = os.fork()
    if pid:
        return pid
    # The child: it must never come back to the commands of its parent.
    status = 1
    try:
        os.close(0)
        os.dup2(2, 1)
        main(Orders(**orders))
        status = 0
    except Exception:  # noqa: BLE001  whatever it is, it is told, and is the end
        traceback.print_exc()
    finally:
        os._exit(status)


def kill(pid: int) -> bool:
    """Kill a child and wait for its end; tells whether it was alive."""
    alive = os.waitpid(pid, os.WNOHANG)[0] == 0
    if alive:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return alive


def serve() -> None:
    children: set[int] = set()
    try:
        for line in sys.stdin:
            command = json.loads(line)
            answer: dict[str, Any]
            if command.pop("do") == "start":
                pid = start(**command)
                children.add(pid)
                answer = {"pid": pid}
            else:
                pid = command["pid"]
                at = time.monotonic()
                children.remove(pid)
                answer = {"at": at, "alive": kill(pid)}
            print(json.dumps(answer), flush=True)
    finally:
        for pid in children:
            kill(pid)


if __name__ == "__main__":
    serve()
