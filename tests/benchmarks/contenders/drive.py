"""What every contender's process runs: `python drive.py with_NAME [VARIANT]`.

Standard library only: it runs in the environment of a stranger. The contender's module has
`connect(base, variant)`, which makes a client of its library, and returns a function that asks
once and returns how many characters of the answer it has read. Whoever loses text on the way
is found out by that.

Commands come on standard input, one JSON object a line, and are answered in kind:

    {"do": "ask", "base": …, "times": 5}       so many answers, one after the other
    {"do": "ask", …, "at_once": 500}           so many at the same time
    {"do": "cancel", "base": …}                cancel the reader while the answer pauses
    {"do": "leave", "base": …, "how": …}       what the module's `leave` does
    {"do": "measure", …}                       what the module's `measure` does
"""

import asyncio
import contextlib
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

Ask = Callable[[], Awaitable[int]]

# How long an answer that pauses is waited for, in seconds, before its reader is cancelled.
PAUSE = 0.1


class Driver:
    """One contender."""

    def __init__(self, module: Any, variant: str) -> None:
        self._module = module
        self._variant = variant
        self._clients: dict[str, Ask] = {}

    async def answer(self, do: str, **command: Any) -> dict[str, Any]:
        action = getattr(self, f"_{do}")
        result: dict[str, Any] = await action(**command)
        return result

    async def _ask(self, base: str, times: int = 1, at_once: int = 1) -> dict[str, Any]:
        ask = await self._client(base)
        start = time.process_time()
        characters = 0
        for _ in range(times):
            if at_once == 1:
                characters += await ask()
            else:
                characters += sum(await asyncio.gather(*(ask() for _ in range(at_once))))
        return {"cpu": time.process_time() - start, "characters": characters}

    async def _cancel(self, base: str) -> dict[str, Any]:
        ask = await self._client(base)
        reader = asyncio.ensure_future(ask())
        await asyncio.sleep(PAUSE)
        ticks = Ticks()
        left = time.monotonic_ns()
        reader.cancel()
        await asyncio.wait([reader])
        return {"left": left, "ticks": ticks.stop(), "cancelled": reader.cancelled()}

    async def _leave(self, base: str, how: str) -> dict[str, Any]:
        """Let the module read a little and leave; it says when, by calling what it is given."""
        ticks, left = Ticks(), 0

        def leaving() -> None:
            nonlocal left
            ticks.restart()
            left = time.monotonic_ns()

        await self._module.leave(base, self._variant, how, leaving)
        return {"left": left, "ticks": ticks.stop()}

    async def _measure(self, **command: Any) -> dict[str, Any]:
        result: dict[str, Any] = await self._module.measure(**command)
        return result

    async def _client(self, base: str) -> Ask:
        if base not in self._clients:
            self._clients[base] = await self._module.connect(base, self._variant)
        return self._clients[base]


class Ticks:
    """Counts how often the loop goes round."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._handle = self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        self._count += 1
        self._handle = self._loop.call_soon(self._tick)

    def restart(self) -> None:
        self._count = 0

    def stop(self) -> int:
        self._handle.cancel()
        return self._count


def main() -> None:
    name, variant = (*sys.argv[1:], "")[:2]
    # Whatever a library prints goes to standard error: standard output is for answers.
    with os.fdopen(os.dup(1), "w") as answers, contextlib.redirect_stdout(sys.stderr):
        os.dup2(2, 1)
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        driver = Driver(importlib.import_module(name), variant)
        with asyncio.Runner() as runner:
            for line in sys.stdin:
                answer = runner.run(driver.answer(**json.loads(line)))
                print(json.dumps(answer), file=answers, flush=True)
            # The clients of strangers are not closed one by one: the process ends here.
            os._exit(0)


if __name__ == "__main__":
    main()
