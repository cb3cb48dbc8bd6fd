"""No test may leave anything behind."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from .kit import MODELS


@pytest.fixture(autouse=True)
def no_open_streams() -> Iterator[None]:
    MODELS.clear()
    yield
    left_open = [model for model in MODELS if model.open_streams]
    MODELS.clear()

    assert left_open == []


@pytest.fixture(autouse=True)
async def quiet_loop(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """The loop is told of no error, no task is left, and nothing that dies complains."""
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    before = asyncio.all_tasks()
    yield
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()
        for _ in range(3):
            await asyncio.sleep(0)
    tasks = asyncio.all_tasks() - before - {asyncio.current_task()}
    complaints = [str(warning.message) for warning in caught]
    loop.set_exception_handler(None)

    assert (told, list(tasks), complaints) == ([], [], [])
