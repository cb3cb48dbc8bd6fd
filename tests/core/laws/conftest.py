"""Every law is tried in both ways, on every stack, with every kind of provider."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from .lab import CUTS, STACKS, Stack


@pytest.fixture(scope="module", autouse=True)
def quiet_end() -> Iterator[None]:
    """Nothing that dies complains.  Asked once a module: there are thousands of tests."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()

    assert [str(warning.message) for warning in caught] == []


@pytest.fixture(autouse=True)
async def quiet_loop() -> AsyncIterator[None]:
    """The loop is told of no error, and no task is left."""
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    before = asyncio.all_tasks()
    yield
    tasks = asyncio.all_tasks() - before - {asyncio.current_task()}
    loop.set_exception_handler(None)

    assert (told, list(tasks)) == ([], [])


@pytest.fixture(params=["stream", "call"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=STACKS, ids=str)
def stack(request: pytest.FixtureRequest) -> Stack:
    found: Stack = request.param
    return found


@pytest.fixture(params=CUTS)
def cut(request: pytest.FixtureRequest) -> str:
    return str(request.param)
