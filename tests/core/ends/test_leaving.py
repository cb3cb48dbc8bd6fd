"""Every way in which a reader leaves, and whatever goes wrong while the run is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from junto.core import ChatResponse, OutcomeKind, StreamClosedError

from .bench import MIXED, Bench, closing_places, hook_of
from .checks import check_closed
from .ways import Fault, Halt, over


class Mine(Exception):  # noqa: N818  the reader's own
    pass


async def break_in_block(bench: Bench) -> None:
    async with bench.ask() as stream:
        async for event in stream:
            bench.got.append(event)
            break


async def error_in_block(bench: Bench) -> None:
    async with bench.ask() as stream:
        async for event in stream:
            bench.got.append(event)
            raise Mine


async def closes_itself(bench: Bench) -> None:
    stream = bench.ask()
    bench.got.append(await anext(stream))
    await stream.aclose()


async def closes_twice(bench: Bench) -> None:
    async with bench.ask() as stream:
        bench.got.append(await anext(stream))
        await stream.aclose()
        await stream.aclose()


async def text_view(bench: Bench) -> None:
    async with bench.ask() as stream:
        async for piece in stream.text():
            assert piece
            break


async def at_the_finish(bench: Bench) -> None:
    """Everything has been told by then."""
    async with bench.ask() as stream:
        async for event in stream:
            bench.got.append(event)
            if type(event).__name__ == "Finish":
                break


async def read_in_block(bench: Bench) -> None:
    async with bench.ask() as stream:
        async for event in stream:
            bench.got.append(event)


async def read_bare(bench: Bench) -> None:
    bench.got = [event async for event in bench.ask()]


async def drained(bench: Bench) -> None:
    async with bench.ask() as stream:
        await anext(stream)
        assert isinstance(await stream.response(), ChatResponse)


async def called(bench: Bench) -> None:
    await bench.client.call("?")


EARLY = [break_in_block, error_in_block, closes_itself, closes_twice, text_view]
WHOLE = [at_the_finish, read_in_block, read_bare, drained, called]


def fault(bench: Bench) -> None:
    raise Fault("while closing")


def halt(bench: Bench) -> None:
    raise Halt("while closing")


def cancel(bench: Bench) -> Awaitable[None]:
    """The second cancellation, where the first is what the reader left by."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    return asyncio.get_running_loop().create_future()


TROUBLES: dict[str, Callable[[Bench], Awaitable[None] | None]] = {
    "error": fault,
    "base error": halt,
    "cancel": cancel,
}
TOLD: dict[str, type[BaseException]] = {"base error": Halt, "cancel": asyncio.CancelledError}


async def outcome_of(reader: Callable[[Bench], Awaitable[None]], bench: Bench) -> None:
    """Let a reader read in a task, and keep what it was told."""

    async def reads() -> None:
        await reader(bench)

    task = asyncio.create_task(reads())
    await over(task)
    bench.raised = None
    if task.cancelled():
        bench.raised = asyncio.CancelledError()
    elif (error := task.exception()) is not None:
        bench.raised = error.with_traceback(None)


def _name(thing: Any) -> str:
    return getattr(thing, "__name__", str(thing))


@pytest.mark.parametrize("pieces", ["each", "batches", "whole"])
@pytest.mark.parametrize("stack", [*MIXED, "one around", "fifty"])
@pytest.mark.parametrize("reader", [*EARLY, *WHOLE], ids=_name)
async def test_a_reader_who_leaves_finds_everything_closed(
    reader: Callable[[Bench], Awaitable[None]], stack: str, pieces: str
) -> None:
    bench = Bench(stack, pieces=pieces)

    await outcome_of(reader, bench)

    early = reader in EARLY
    assert isinstance(bench.raised, Mine) == (reader is error_in_block)
    check_closed(bench, OutcomeKind.ABANDONED if early else OutcomeKind.FINISHED)
    if reader is called:
        return
    if early:
        # What is further in is closed before the around that asked for it, and that before its own.
        lefts = [entry for entry in bench.log if entry.startswith("around left")]
        for entry in lefts:
            own = entry.replace("around left", "close")
            assert bench.log.index(own) == bench.log.index(entry) + 1
        with pytest.raises(StreamClosedError) as raised:
            await bench.stream.response()
        assert raised.value.response is not None
        assert raised.value.response.text == "".join(bench.probes[0].left)
    else:
        assert (await bench.stream.response()).text == "".join(bench.probes[0].left)


CLOSING = [(stack, place) for stack in MIXED for place in closing_places(stack)]
LEFT = [(r, stack, place, t) for r in EARLY for stack, place in CLOSING for t in TROUBLES]


@pytest.mark.parametrize(("reader", "stack", "place", "trouble"), LEFT, ids=_name)
async def test_trouble_while_a_left_run_is_closed_skips_nobody(
    reader: Callable[[Bench], Awaitable[None]], stack: str, place: str, trouble: str
) -> None:
    bench = Bench(stack, place, TROUBLES[trouble])

    await outcome_of(reader, bench)

    assert bench.fired
    left_by = Mine if reader is error_in_block else None
    expected = TOLD.get(trouble, left_by)
    assert (None if bench.raised is None else type(bench.raised)) is expected
    errors = bench.probes[0].outcomes[0].cleanup_errors
    assert [type(e) for e in errors] == ([Fault] if trouble == "error" else [])
    check_closed(bench, OutcomeKind.ABANDONED, cleanup_errors=errors)


# Where a run is cancelled first, and what it has passed by then of what closing would pass.
FIRST = {
    "model_mid": set[str](),
    "after c": {"model_close", "around_finally c"},
    "save a": {"model_close", *(f"around_finally {name}" for name in "abc")},
}
TWICE = [(f, s, p) for f, passed in FIRST.items() for s, p in CLOSING if p not in passed]


@pytest.mark.parametrize(("first", "stack", "place"), TWICE)
async def test_a_second_cancellation_while_the_first_is_closed_skips_nobody(
    first: str, stack: str, place: str
) -> None:
    def again(bench: Bench) -> Awaitable[None]:
        bench.place, bench.fired, bench.happens = place, False, cancel
        return cancel(bench)

    bench = Bench(stack, first, again)
    await outcome_of(read_in_block, bench)

    assert bench.fired
    assert isinstance(bench.raised, asyncio.CancelledError)
    check_closed(bench, OutcomeKind.CANCELLED)


@pytest.mark.parametrize("stack", [*MIXED, "fifty", "fifty arounds"])
async def test_several_that_fail_to_close_are_all_told_and_all_closed(stack: str) -> None:
    problems: list[Fault] = []

    class Failing(Bench):
        async def at(self, place: str) -> None:
            await super().at(place)
            if hook_of(place) in {"on_close", "around_finally", "model_close"}:
                problems.append(Fault(place))
                raise problems[-1]

    bench = Failing(stack)
    await outcome_of(break_in_block, bench)

    assert bench.raised is None
    check_closed(bench, OutcomeKind.ABANDONED, cleanup_errors=problems)
    assert [str(p) for p in problems if "on_close" in str(p)] == [
        "on_close c",
        "on_close b",
        "on_close a",
    ]
