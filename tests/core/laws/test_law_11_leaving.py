"""Law 11: leaving returns only when everything is closed; what is dropped is closed as well."""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
import weakref

import pytest

from junto.core import OutcomeKind, TextDelta

from ..kit import Noted, client_of
from .lab import Provider, Stack, answer, noted


@pytest.mark.parametrize("leaving", ["break", "error", "cancel"])
async def test_law_11_the_block_is_left_only_when_everything_is_closed(
    stack: Stack, cut: str, leaving: str
) -> None:
    model = Provider(cut, answer("It is so."))
    advisors = [Noted("first"), *stack.made(), Noted("last")]
    reached = asyncio.Event()
    open_after: list[int] = []

    async def reads() -> None:
        try:
            async with client_of(model, *advisors).stream("Why?") as stream:
                async for _ in stream:
                    reached.set()
                    if leaving == "break":
                        break
                    if leaving == "error":
                        raise OSError("the reader's own")
                    await asyncio.get_running_loop().create_future()
        finally:
            open_after.append(model.open_streams)
            open_after.extend(len(advisor.outcomes) for advisor in noted(advisors))

    task = asyncio.create_task(reads())
    await reached.wait()
    if leaving == "cancel":
        task.cancel()
    await asyncio.wait([task])

    assert task.cancelled() == (leaving == "cancel")
    if leaving != "cancel":
        assert isinstance(task.exception(), OSError) == (leaving == "error")
    assert open_after == [0] + [1] * len(noted(advisors))
    assert {kind for a in noted(advisors) for kind in a.kinds} == {OutcomeKind.ABANDONED}


async def test_law_11_a_reader_cancelled_in_a_pull_finds_everything_closed(stack: Stack) -> None:
    waiting = asyncio.Event()

    async def hangs() -> None:
        waiting.set()
        await asyncio.get_running_loop().create_future()

    model = Provider("events", [TextDelta("It"), hangs])
    advisors = [Noted("first"), *stack.made(), Noted("last")]
    task = asyncio.create_task(client_of(model, *advisors).call("Why?"))
    await waiting.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert model.open_streams == 0
    assert {kind for a in noted(advisors) for kind in a.kinds} == {OutcomeKind.CANCELLED}


async def test_law_11_a_dropped_stream_is_closed_by_one_task_within_three_ticks(
    stack: Stack, cut: str
) -> None:
    model = Provider(cut, answer("It is so."))
    advisors = [Noted("first"), *stack.made(), Noted("last")]
    stream = client_of(model, *advisors).stream("Why?")
    await anext(stream)
    before = len(asyncio.all_tasks())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del stream
        made = len(asyncio.all_tasks()) - before
        for _ in range(3):
            await asyncio.sleep(0)

    assert made == 1
    assert [warning.category for warning in caught] == [ResourceWarning]
    assert len(asyncio.all_tasks()) == before
    assert model.open_streams == 0
    assert {tuple(a.kinds) for a in noted(advisors)} == {(OutcomeKind.ABANDONED,)}


@pytest.mark.parametrize("read", ["nothing", "some", "all"])
async def test_law_11_our_objects_form_no_reference_cycle(stack: Stack, read: str) -> None:
    client = client_of(Provider("events", answer("It is so.")), *stack.made())
    gc.disable()
    try:
        stream = client.stream("Why?")
        if read == "some":
            await anext(stream)
        if read == "all":
            await stream.response()
        gone = weakref.ref(stream._act.ctx) if _can_be_watched(stream._act.ctx) else None
        stream_gone = weakref.ref(stream)
        await stream.aclose()
        count = sys.getrefcount(stream)
        del stream
        assert stream_gone() is None
        assert gone is None or gone() is None
        assert count == 2
    finally:
        gc.enable()


def _can_be_watched(thing: object) -> bool:
    return "__weakref__" in dir(type(thing))
