"""Every law is tried in both ways, on every stack, and with every kind of provider."""

from __future__ import annotations

import asyncio
import gc
import os
import warnings
from collections.abc import AsyncIterator, Iterator
from itertools import product
from typing import Any

import pytest

from .lab import CUTS, STACKS, WAYS


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


EVERY_CELL = "JUNTO_EVERY_CELL"
"""Set to anything, each combination is tried: four times as many tests."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test combinations of those of ``way``, ``stack`` and ``cut`` that it asks for.

    Every stack is tried in every way.  The kinds of provider go round in turn, such that each
    one meets every way, every kind of stack and every size.
    """
    values: dict[str, list[Any]] = {"way": WAYS, "stack": STACKS, "cut": list(CUTS)}
    asked = [name for name in values if name in metafunc.fixturenames]
    if not asked:
        return
    cells = [
        cell
        for cell in product(*(values[name] for name in asked))
        if EVERY_CELL in os.environ or _is_in_turn(dict(zip(asked, cell, strict=True)))
    ]
    ids = ["-".join(map(str, cell)) for cell in cells]
    metafunc.parametrize(asked, cells, ids=ids)


def _is_in_turn(cell: dict[str, Any]) -> bool:
    stack, cut = cell.get("stack"), cell.get("cut")
    if stack is None or cut is None:
        return True
    ways = [WAYS.index(cell["way"])] if "way" in cell else [0, 1]
    kind, size = divmod(STACKS.index(stack) + 2, 3)
    return CUTS.index(cut) in {(kind + size + 2 * way) % len(CUTS) for way in ways}
