"""Steps that come to their end whoever is cancelled, and cost a task only if they wait."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from junto.advisors import InProcessStore, MemoryAdvisor, SQLiteStore
from junto.advisors.memory.settle import begun, finished
from junto.core import ChatClient
from junto.core.testing import ScriptedModel


class Tasks:
    """Counts the tasks that a loop starts."""

    def __init__(self) -> None:
        self.count = 0
        factory: Any = self._made
        asyncio.get_running_loop().set_task_factory(factory)

    def _made(
        self, loop: asyncio.AbstractEventLoop, step: Coroutine[Any, Any, Any], **more: Any
    ) -> asyncio.Task[Any]:
        self.count += 1
        return asyncio.Task(step, loop=loop, **more)


async def answer(what: object) -> object:
    if isinstance(what, BaseException):
        raise what
    return what


async def test_a_turn_in_this_process_starts_no_task() -> None:
    client = ChatClient(ScriptedModel("yes"), advisors=[MemoryAdvisor(InProcessStore())])
    tasks = Tasks()

    await client.call("hi", conversation_id="c")

    assert tasks.count == 0


async def test_a_turn_in_a_store_that_waits_starts_one_to_begin_and_one_to_commit(
    tmp_path: Path,
) -> None:
    store = SQLiteStore(tmp_path / "chat.db")
    client = ChatClient(ScriptedModel("yes"), advisors=[MemoryAdvisor(store)])
    tasks = Tasks()

    await client.call("hi", conversation_id="c")

    assert tasks.count == 2
    await store.aclose()


async def test_a_step_that_does_not_wait_is_over_at_once() -> None:
    assert begun(answer(1), at_once=True).done()
    with pytest.raises(OSError, match="gone"):
        await finished(answer(OSError("gone")), at_once=True)


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_step_that_waits_goes_on_while_its_waiter_is_cancelled(at_once: bool) -> None:
    began, go, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def step() -> None:
        began.set()
        await go.wait()
        await asyncio.sleep(0)
        over.set()

    waiter = asyncio.create_task(finished(step(), at_once=at_once))
    await began.wait()
    for _ in range(2):
        waiter.cancel()
        await asyncio.sleep(0)
    assert not waiter.done()
    go.set()

    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert over.is_set()


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("caught", [False, True])
async def test_a_step_sees_what_is_thrown_into_it(at_once: bool, caught: bool) -> None:
    async def step() -> str:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            if caught:
                return "caught"
            raise
        return ""

    task = begun(step(), at_once=at_once)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled() != caught
    assert caught is False or task.result() == "caught"
