"""The fixture that finds what a test leaves behind does find it."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import textwrap
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..kit import client_of
from ..leaks import Leaks

ROOT = Path(__file__).resolve().parents[3]


async def generated() -> AsyncIterator[int]:
    yield 1
    yield 2


class Cycle:
    """Freed by the garbage collector alone, and not without a word."""

    def __init__(self, dies: Callable[[], object]) -> None:
        self.itself = self
        self.dies = dies

    def __del__(self) -> None:
        self.dies()


def fails() -> None:
    raise ValueError("in a destructor")


def warns() -> None:
    warnings.warn("not closed", ResourceWarning, stacklevel=2)


async def a_task() -> object:
    return asyncio.create_task(asyncio.Event().wait())


async def a_generator() -> object:
    numbers = generated()
    await anext(numbers)
    return numbers


async def a_hidden_generator() -> object:
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return await a_generator()
    finally:
        sys.set_asyncgen_hooks(*hooks)


async def a_stream() -> object:
    stream = client_of("x y").stream("?")
    await anext(stream)
    return stream


async def a_socket() -> object:
    return socket.socketpair()


async def a_transport() -> object:
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    return transport, theirs


async def a_loop() -> object:
    return asyncio.new_event_loop()


async def a_forgotten_error() -> object:
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("never asked for"))
    return None


async def a_callback_that_fails() -> object:
    asyncio.get_running_loop().call_soon(fails)
    return None


async def a_destructor_that_fails() -> object:
    Cycle(fails)
    return None


async def a_warning_in_a_cycle() -> object:
    Cycle(warns)
    return None


async def a_coroutine_that_nobody_awaits() -> object:
    coroutine = a_task()
    Cycle(coroutine.__repr__)
    return None


async def a_word_of_asyncios_logger() -> object:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(None)
    loop.call_exception_handler({"message": "said to the default handler"})
    return None


LEFT: dict[str, tuple[Callable[[], Awaitable[object]], list[str]]] = {
    "task": (a_task, ["task: "]),
    "generator": (a_generator, ["generator: "]),
    "hidden generator": (a_hidden_generator, ["generator: "]),
    "stream": (a_stream, ["generator: "]),
    "socket": (a_socket, ["socket: ", "socket: "]),
    "transport": (a_transport, ["socket: ", "transport: "]),
    "loop": (a_loop, ["loop: ", "socket: "]),
    "forgotten error": (a_forgotten_error, ["loop was told: Future exception was never retr"]),
    "callback": (a_callback_that_fails, ["loop was told: Exception in callback fails()"]),
    "destructor": (a_destructor_that_fails, ["unraisable: ValueError('in a destructor')"]),
    "warning": (a_warning_in_a_cycle, ["ResourceWarning: not closed"]),
    "coroutine": (a_coroutine_that_nobody_awaits, ["RuntimeWarning: coroutine 'a_task' was nev"]),
    "log": (a_word_of_asyncios_logger, ["asyncio logged: said to the default handler"]),
}


def freed(thing: Any) -> Iterator[Any]:
    """All that can be closed, so that this test leaves nothing itself."""
    for one in thing if isinstance(thing, tuple) else (thing,):
        for way in ("cancel", "aclose", "close"):
            if hasattr(one, way):
                yield getattr(one, way)()
                break


@pytest.mark.parametrize("what", LEFT)
async def test_what_is_left_is_found_and_what_was_there_before_is_not(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The fixture of this very test is not to hear of it.
    monkeypatch.setattr(logging.getLogger("asyncio"), "handlers", [])
    leave, expected = LEFT[what]
    before = await a_generator(), await a_task(), await a_socket()
    with Leaks() as leaks:
        leaks.watch(asyncio.get_running_loop())
        left = await leave()
        found = await leaks.found()
        for closing in [c for thing in (left, *before) for c in freed(thing)]:
            if asyncio.iscoroutine(closing) or hasattr(closing, "__await__"):
                await closing
        del before, left
        await asyncio.sleep(0)

    for start in expected:
        assert any(entry.startswith(start) for entry in found), (start, found)
    kinds = {start.split(":", maxsplit=1)[0] for start in expected}
    assert {entry.split(":", maxsplit=1)[0] for entry in found} <= kinds | {"socket"}


async def test_where_nothing_is_left_nothing_is_found() -> None:
    with Leaks() as leaks:
        leaks.watch(asyncio.get_running_loop())
        async for _ in generated():
            pass
        assert await leaks.found() == []


def test_after_the_loop_the_same_is_found() -> None:
    async def held() -> None:
        kept.append(await a_generator())

    kept: list[object] = []
    with Leaks() as leaks:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(held())
        found = leaks.found_now()
        loop.close()
        kept.clear()

    assert {entry.split(":", maxsplit=1)[0] for entry in found} == {"generator", "loop", "socket"}


def test_a_test_that_leaves_something_fails(tmp_path: Path) -> None:
    """The whole way: pytest, with the conftest of these tests."""
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent("""
            import asyncio
            from tests.core.conftest import *

            tasks = []

            async def test_leaves_a_task():
                tasks.append(asyncio.create_task(asyncio.Event().wait()))

            async def test_leaves_nothing():
                await asyncio.create_task(asyncio.sleep(0))
        """)
    )
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-o", "asyncio_mode=auto"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", tmp_path, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "2 passed, 1 error" in done.stdout, done.stdout
    assert "task: <Task pending" in done.stdout
