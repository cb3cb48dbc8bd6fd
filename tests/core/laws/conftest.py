"""Every law is tried in both ways, on every stack, with every kind of provider."""

from __future__ import annotations

import asyncio
import gc
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test every combination of those of ``way``, ``stack`` and ``cut`` that it asks for.

    None and three advisors meet every kind of provider.  Stacks of one and of fifty get one kind
    in each way, and the three stacks of a size get all four between them.
    """
    values: dict[str, list[Any]] = {"way": WAYS, "stack": STACKS, "cut": list(CUTS)}
    asked = [name for name in values if name in metafunc.fixturenames]
    if not asked:
        return
    cells = [
        cell
        for cell in product(*(values[name] for name in asked))
        if _is_tried(dict(zip(asked, cell, strict=True)))
    ]
    ids = ["-".join(map(str, cell)) for cell in cells]
    metafunc.parametrize(asked, cells, ids=ids)


def _is_tried(cell: dict[str, Any]) -> bool:
    stack, cut = cell.get("stack"), cell.get("cut")
    if stack is None or cut is None or stack.size in {0, 3}:
        return True
    turn = STACKS.index(stack) // 3 + 2 * WAYS.index(cell.get("way", "stream"))
    return bool(cut == CUTS[turn % len(CUTS)])
