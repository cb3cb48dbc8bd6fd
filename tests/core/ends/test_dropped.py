"""The bare ``break``: a stream that is dropped, or never read at all."""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
from typing import Any

import pytest

from junto.core import OutcomeKind

from ..kit import MODELS
from .bench import MIXED, Bench, closing_places
from .checks import check_closed
from .ways import Fault, over

CLOSING = [(stack, place) for stack in MIXED for place in closing_places(stack)]


def fault(bench: Bench) -> None:
    raise Fault("while closing")


@pytest.mark.parametrize("pulls", [0, 1, 2])
@pytest.mark.parametrize("stack", [*MIXED, "fifty", "fifty arounds"])
@pytest.mark.parametrize("asked", ["stream", "text"])
@pytest.mark.parametrize("entered", [True, False])
async def test_a_stream_that_is_dropped_is_closed_by_its_loop(
    stack: str, entered: bool, asked: str, pulls: int
) -> None:
    """The bare ``break``, with one warning; and a stream that was never read, with none."""
    bench = Bench(stack)
    stream = bench.client.stream("?")
    if entered:
        await stream.__aenter__()
    view: Any = stream if asked == "stream" else stream.text()
    for _ in range(pulls):
        await anext(view)
    before = asyncio.all_tasks()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del stream, view
    closing = asyncio.all_tasks() - before
    for task in closing:
        await over(task)

    assert len(closing) == bool(pulls)
    assert [warning.category for warning in caught] == [ResourceWarning] * bool(pulls)
    check_closed(bench, OutcomeKind.ABANDONED)
    assert bench.model.opened == bool(pulls)


@pytest.mark.parametrize(("stack", "place"), CLOSING)
async def test_trouble_while_a_dropped_stream_is_closed_skips_nobody(
    stack: str, place: str
) -> None:
    bench = Bench(stack, place, fault)
    stream = bench.client.stream("?")
    await anext(stream)
    before = asyncio.all_tasks()
    with pytest.warns(ResourceWarning, match="dropped before its end"):
        del stream
    (closing,) = asyncio.all_tasks() - before
    await over(closing)

    assert bench.fired
    errors = bench.probes[0].outcomes[0].cleanup_errors
    assert [type(e) for e in errors] == [Fault]
    check_closed(bench, OutcomeKind.ABANDONED, cleanup_errors=errors)


@pytest.mark.parametrize("stack", ["around in the middle", "arounds outside", "fifty"])
async def test_a_stream_that_dies_in_a_cycle_is_closed_by_its_loop_as_well(
    stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: unraisable.append(repr(what)))
    bench = Bench(stack)
    held: list[Any] = [bench.client.stream("?")]
    await anext(held[0])
    before = asyncio.all_tasks()
    with pytest.warns(ResourceWarning, match="dropped before its end"):
        _forget_in_a_cycle(held)
    for task in asyncio.all_tasks() - before:
        await over(task)

    assert unraisable == []
    check_closed(bench, OutcomeKind.ABANDONED)


async def test_a_stream_that_its_own_advisors_hold_is_closed_as_well() -> None:
    bench = Bench("arounds outside")
    await anext(bench.ask())
    # Nothing but the log may stay: all else is part of the cycle.
    log, before = bench.log, asyncio.all_tasks()
    MODELS.clear()
    del bench
    with pytest.warns(ResourceWarning, match="dropped before its end"):
        gc.collect()
    for task in asyncio.all_tasks() - before:
        await over(task)

    assert [entry for entry in log if entry.startswith("close")] == [
        "close c",
        "close b",
        "close a",
    ]


def _forget_in_a_cycle(held: list[Any]) -> None:
    cycle = [held.pop()]
    cycle.append(cycle)
    del cycle
    gc.collect()


@pytest.mark.parametrize("entered", [True, False])
async def test_a_stream_that_is_never_read_reaches_nobody(entered: bool) -> None:
    bench = Bench("around in the middle")
    stream = bench.client.stream("?")
    if entered:
        async with stream:
            pass
    del stream

    assert bench.log == []
    assert bench.model.opened == 0
