"""No test may leave anything behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from .kit import MODELS
from .leaks import Leaks


@pytest.fixture(autouse=True)
def no_open_streams() -> Iterator[None]:
    MODELS.clear()
    yield
    left_open = [model for model in MODELS if model.open_streams]
    MODELS.clear()

    assert left_open == []


@pytest.fixture(autouse=True)
async def quiet_loop() -> AsyncIterator[None]:
    """The loop is told of no error, nothing is left open, and nothing that dies complains."""
    with Leaks() as leaks:
        leaks.watch(asyncio.get_running_loop())
        yield
        found = await leaks.found()

    assert found == []
