"""Ends of the loop itself: its shutdown, Ctrl-C and SystemExit; and other loops and threads."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
from collections.abc import Awaitable
from typing import Any

import pytest

from junto.core import OutcomeKind, StreamStateError, TextDelta

from ..kit import Noted, client_of, scripted
from .bench import MIXED, SYNC, Bench, closing_places, hook_of, places
from .checks import check_closed
from .ways import Fault, forever, over

PLACES = [(stack, place) for stack in MIXED for place in places(stack)]
each_place = pytest.mark.parametrize(("stack", "place"), PLACES)


async def read(bench: Bench) -> None:
    async with bench.ask() as stream:
        async for event in stream:
            bench.got.append(event)


def _kind(place: str, kind: OutcomeKind) -> OutcomeKind:
    return OutcomeKind.FINISHED if hook_of(place) == "on_close" else kind


@each_place
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_takes_the_loop_with_it_leaves_everything_closed(
    kind: type[BaseException], stack: str, place: str
) -> None:
    error = kind("at the place")

    def raises(_: Bench) -> None:
        raise error

    bench = Bench(stack, place, raises)
    with asyncio.Runner() as runner, pytest.raises(kind) as told:
        runner.run(read(bench))

    assert told.value is error
    ended = _kind(place, OutcomeKind.FAILED)
    check_closed(bench, ended, error if ended is OutcomeKind.FAILED else None)


@each_place
def test_an_interrupt_from_the_keyboard_cancels_the_run(stack: str, place: str) -> None:
    def pressed(_: Bench) -> Awaitable[None] | None:
        signal.raise_signal(signal.SIGINT)
        return None if hook_of(place) in SYNC else forever()

    bench = Bench(stack, place, pressed)
    with asyncio.Runner() as runner, pytest.raises(KeyboardInterrupt):
        runner.run(read(bench))

    check_closed(bench, _kind(place, OutcomeKind.CANCELLED))


@pytest.mark.parametrize(("stack", "place"), [(s, p) for s, p in PLACES if hook_of(p) not in SYNC])
def test_a_loop_that_shuts_down_cancels_a_pull(stack: str, place: str) -> None:
    reached = asyncio.Event()

    def happens(_: Bench) -> Awaitable[None]:
        reached.set()
        return forever()

    async def main() -> None:
        tasks.append(asyncio.create_task(read(bench)))
        await reached.wait()

    bench = Bench(stack, place, happens)
    tasks: list[asyncio.Task[None]] = []
    with asyncio.Runner() as runner:
        runner.run(main())

    assert tasks[0].cancelled()
    check_closed(bench, _kind(place, OutcomeKind.CANCELLED))


@pytest.mark.parametrize("pulls", [1, 2, 3])
@pytest.mark.parametrize(
    ("stack", "place"), [(s, p) for s in MIXED for p in ["", *closing_places(s)]]
)
def test_a_loop_that_shuts_down_closes_an_open_stream(stack: str, place: str, pulls: int) -> None:
    def fails(_: Bench) -> None:
        raise Fault("while closing")

    async def main() -> None:
        stream = bench.ask()
        for _ in range(pulls):
            await anext(stream)

    bench = Bench(stack, place, fails)
    with asyncio.Runner() as runner:
        runner.run(main())

    failed = bool(place)
    errors = bench.probes[0].outcomes[0].cleanup_errors if failed else []
    assert [type(error) for error in errors] == [Fault] * failed
    check_closed(bench, OutcomeKind.ABANDONED, cleanup_errors=errors)


async def test_a_stream_that_dies_in_another_thread_is_closed_on_its_own_loop() -> None:
    bench = Bench("around in the middle")
    holder = [bench.client.stream("?")]
    await anext(holder[0])
    loops: list[object] = []
    bench.place, bench.happens = "on_close a", lambda _: loops.append(asyncio.get_running_loop())
    with pytest.warns(ResourceWarning, match="dropped before its end"):
        await asyncio.to_thread(holder.clear)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        await over(task)

    assert loops == [asyncio.get_running_loop()]
    check_closed(bench, OutcomeKind.ABANDONED)


@pytest.mark.parametrize("way", ["anext", "response"])
def test_a_stream_belongs_to_the_loop_that_pulled_it_first(way: str) -> None:
    noted = Noted("a")
    stream = client_of("x y z", noted).stream("?")

    async def pull() -> Any:
        return await anext(stream)

    async def intrudes() -> None:
        await {"anext": pull, "response": stream.response}[way]()

    with asyncio.Runner() as first, asyncio.Runner() as second:
        assert first.run(pull()) == TextDelta("x")
        with pytest.raises(StreamStateError, match="loop"):
            second.run(intrudes())
        # The reading of the first goes on unharmed.
        assert first.run(pull()) == TextDelta(" y")
        first.run(stream.aclose())

    assert noted.kinds == [OutcomeKind.ABANDONED]


async def test_of_two_pulls_made_before_either_is_awaited_python_refuses_the_second() -> None:
    model = scripted(["x", lambda: asyncio.sleep(0), "y"])
    async with client_of(model, Noted("a")).stream("?") as stream:
        assert await anext(stream) == TextDelta("x")
        pulls = anext(stream), anext(stream)
        first, second = await asyncio.gather(*pulls, return_exceptions=True)

    assert first == TextDelta("y")
    assert isinstance(second, RuntimeError)
    assert str(second).startswith("anext()")


SCRIPT = """
    import asyncio, signal, sys
    from junto.core import *
    from junto.core.testing import ScriptedModel

    class Closing(Advisor):
        def __init__(self, name): self.name = name
        async def on_close(self, outcome, ctx):
            await asyncio.sleep(0)
            print(self.name, outcome.kind)

    class Naive(Advisor):
        async def around(self, request, next, ctx):
            async for event in next(request):
                yield event

    async def stays():
        {happens}
        await asyncio.get_running_loop().create_future()

    model = ScriptedModel(["a", stays, "b"])
    client = ChatClient(model, advisors=[Closing("a"), Naive(), Closing("b")])

    async def reads():
        async with client.stream("?") as stream:
            async for event in stream:
                pass

    async def ends_before(coroutine):
        global stop, task
        stop = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(coroutine)
        await stop

    async def main():
        {main}

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        print("open", model.open_streams)
"""
ENDS = {
    "SIGINT": ("signal.raise_signal(signal.SIGINT)", "await reads()", "cancelled", 0),
    "SystemExit": ("sys.exit(3)", "await reads()", "failed", 3),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", "await reads()", "failed", 0),
    "the loop's end": (
        "stop.set_result(None)",
        "await ends_before(reads())",
        "cancelled",
        0,
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_program_that_ends_in_a_run_says_nothing_on_stderr(end: str) -> None:
    happens, main, kind, code = ENDS[end]
    script = textwrap.dedent(SCRIPT).format(happens=happens, main=main)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    interrupted = ["interrupted"] * (end in {"SIGINT", "KeyboardInterrupt"})
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"b {kind}", f"a {kind}", *interrupted, "open 0"]
    assert done.returncode == code
