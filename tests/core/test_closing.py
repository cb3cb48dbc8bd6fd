"""Laws 6 and 11: every end of a run, and who is told what."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import warnings
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.core import (
    ChatRequest,
    Event,
    Finish,
    Next,
    OutcomeKind,
    RunContext,
    StreamClosedError,
    TextDelta,
    Usage,
    UsageUpdate,
)
from junto.core import run as run_module

from .kit import (
    Hanging,
    Naive,
    Noted,
    NotedNaive,
    Steer,
    asked,
    both_ways,
    client_of,
    read,
    scripted,
)

STACKS: dict[str, Any] = {
    "hooks": lambda log: [Noted("a", log), Noted("b", log), Noted("c", log)],
    "arounds": lambda log: [NotedNaive(n, log) for n in "abc"],
    "mixed": lambda log: [Noted("a", log), NotedNaive("b", log), Naive(), Noted("c", log)],
    "fifty": lambda log: [
        Noted("a", log),
        *(Naive(f"n{i}") for i in range(46)),
        NotedNaive("b", log),
        Naive(),
        Noted("c", log),
    ],
}
each_stack = pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS.keys())


def closes(log: list[str]) -> list[str]:
    return [entry for entry in log if ".close" in entry or entry.startswith("model")]


class Model:
    """Notes when it is closed; it takes a moment."""

    provider = model = "m"

    def __init__(self, log: list[str], *texts: str, error: BaseException | None = None) -> None:
        self.log = log
        self.texts = texts
        self.error = error

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
        try:
            for text in self.texts:
                yield TextDelta(text)
            if self.error is not None:
                raise self.error
            yield Finish()
        finally:
            await asyncio.sleep(0)
            self.log.append("model closed")

    async def aclose(self) -> None: ...


@each_stack
async def test_leaving_the_block_returns_only_when_everything_is_closed(stack: Any) -> None:
    log: list[str] = []
    async with client_of(Model(log, "x", "y"), *stack(log)).stream("?") as stream:
        async for _ in stream:
            break
        assert closes(log) == []

    assert closes(log) == ["model closed", *(f"{n}.close abandoned" for n in "cba")]


@each_stack
async def test_an_error_in_the_block_closes_everything_and_passes(stack: Any) -> None:
    log: list[str] = []
    problem = KeyError("mine")

    async def reader() -> None:
        async with client_of(Model(log, "x", "y"), *stack(log)).stream("?") as stream:
            async for _ in stream:
                raise problem

    with pytest.raises(KeyError) as raised:
        await reader()

    assert raised.value is problem
    assert closes(log) == ["model closed", *(f"{n}.close abandoned" for n in "cba")]


@each_stack
@both_ways
async def test_an_error_of_the_model_is_told_to_all_as_the_same_object(
    stack: Any, way: str
) -> None:
    log: list[str] = []
    problem = OSError("cut")
    advisors = stack(log)
    with pytest.raises(OSError, match="cut") as raised:
        await asked(client_of(Model(log, "x", error=problem), *advisors), way)

    noted = [a for a in advisors if isinstance(a, Noted)]
    assert raised.value is problem
    assert closes(log) == ["model closed", *(f"{n}.close failed" for n in "cba")]
    assert all(a.outcomes[0].error is problem for a in noted)
    assert all(a.outcomes[0].response.text == "x" for a in noted)


@each_stack
async def test_a_cancelled_reader_finds_everything_closed(stack: Any) -> None:
    log: list[str] = []
    model = Hanging("x", "y")

    async def reader() -> None:
        async with client_of(model, *stack(log)).stream("?") as stream:
            await read(stream)

    task = asyncio.create_task(reader())
    await model.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert model.log == ["open", "CancelledError", "closed"]
    assert closes(log) == [f"{n}.close cancelled" for n in "cba"]


@each_stack
async def test_a_finished_run_tells_all_once(stack: Any) -> None:
    log: list[str] = []
    async with client_of(Model(log, "x"), *stack(log)).stream("?") as stream:
        await read(stream)
        await stream.aclose()

    assert closes(log) == ["model closed", *(f"{n}.close finished" for n in "cba")]


@each_stack
async def test_a_dropped_stream_is_closed_within_three_ticks_by_one_task(stack: Any) -> None:
    log: list[str] = []
    model = scripted("x y z")
    stream = client_of(model, *stack(log)).stream("?")
    await anext(stream)
    before = asyncio.all_tasks()
    gc.disable()
    try:
        with pytest.warns(ResourceWarning, match="dropped before its end"):
            del stream
        assert len(asyncio.all_tasks() - before) <= 1
        for _ in range(3):
            await asyncio.sleep(0)
    finally:
        gc.enable()

    assert model.open_streams == 0
    assert closes(log) == [f"{n}.close abandoned" for n in "cba"]
    assert asyncio.all_tasks() == before


@each_stack
@pytest.mark.parametrize("end", ["break", "finish", "aclose", "unread"])
async def test_our_objects_form_no_cycle(stack: Any, end: str) -> None:
    log: list[str] = []
    client = client_of(scripted("x y z"), *stack(log))
    gc.collect()
    gc.disable()
    try:
        stream = client.stream("?")
        act = stream._act
        kept: list[Any] = [weakref.ref(stream), weakref.ref(stream._generator)]
        if end == "finish":
            await read(stream)
        elif end != "unread":
            await anext(stream)
        if end == "aclose":
            await stream.aclose()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            del stream, act
        for _ in range(4):
            await asyncio.sleep(0)
        alive = [ref() for ref in kept if ref() is not None]
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        gc.set_debug(0)
        garbage = [
            thing
            for thing in gc.garbage
            if type(thing).__module__.startswith("junto") or "async_generator" in str(type(thing))
        ]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()

    assert (alive, garbage) == ([], [])


async def test_a_stream_dropped_while_warnings_are_errors_is_closed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    model = scripted("x y z")
    stream = client_of(model).stream("?")
    await anext(stream)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del stream
        for _ in range(3):
            await asyncio.sleep(0)

    assert model.open_streams == 0
    assert len(unraisable) == 1


async def test_the_outcome_has_the_usage_and_the_response_so_far() -> None:
    noted = Noted("a")
    events = [UsageUpdate(Usage(input_tokens=9)), TextDelta("x"), TextDelta("y")]
    async with client_of(events, noted).stream("?") as stream:
        async for _ in stream:
            break

    outcome = noted.outcomes[0]
    assert (outcome.kind, outcome.error, outcome.ok) == (OutcomeKind.ABANDONED, None, False)
    assert outcome.usage == Usage(input_tokens=9)
    assert outcome.response.text == "x"


async def test_a_failing_before_closes_those_that_were_reached() -> None:
    problem = ValueError("b")

    def fails(request: ChatRequest, ctx: RunContext) -> Any:
        raise problem

    log: list[str] = []
    model = scripted("never")
    stack = [Noted("a", log), Noted("b", log, before=fails), Noted("c", log)]
    with pytest.raises(ValueError, match="b") as raised:
        await client_of(model, *stack).call("?")

    assert raised.value is problem
    assert model.opened == 0
    assert log == ["a.before", "b.before", "b.close failed", "a.close failed"]
    assert stack[0].outcomes[0].response.text == ""


@pytest.mark.parametrize("hook", ["on_event", "after"])
@pytest.mark.parametrize("naive", [[], [Naive()]])
async def test_a_failing_hook_closes_the_model_first(hook: str, naive: list[Any]) -> None:
    def fails(value: Any, ctx: RunContext) -> Any:
        raise ValueError(hook)

    log: list[str] = []
    stack = [Noted("a", log), Noted("b", log, **{hook: fails}), *naive, Noted("c", log)]
    with pytest.raises(ValueError, match=hook):
        await client_of(Model(log, "x", "y"), *stack).call("?")

    assert closes(log) == ["model closed", *(f"{n}.close failed" for n in "cba")]
    assert not any(entry.startswith("a.event") for entry in log) or hook == "after"


async def test_a_failing_on_close_skips_nobody_and_changes_nothing() -> None:
    problem = ValueError("close")

    def fails(outcome: Any, ctx: RunContext) -> Any:
        raise problem

    log: list[str] = []
    outer = Noted("a", log)
    response = await client_of("x", outer, Naive(), Noted("b", log, on_close=fails)).call("?")

    assert response.text == "x"
    assert closes(log) == ["b.close finished", "a.close finished"]
    assert outer.outcomes[0].cleanup_errors == [problem]


async def test_an_on_close_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "CLOSE_SECONDS", 0.001)

    async def hangs(outcome: Any, ctx: RunContext) -> None:
        await asyncio.get_running_loop().create_future()

    log: list[str] = []
    outer = Noted("a", log)
    await client_of("x", outer, Noted("b", log, on_close=hangs)).call("?")

    assert closes(log) == ["b.close finished", "a.close finished"]
    assert [type(e) for e in outer.outcomes[0].cleanup_errors] == [TimeoutError]


async def test_a_model_that_fails_to_close_changes_nothing() -> None:
    class Failing:
        provider = model = "f"

        def __init__(self) -> None:
            self.events = [TextDelta("x")]

        def stream(self, request: ChatRequest) -> Any:
            return self

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> Any:
            if not self.events:
                raise StopAsyncIteration
            return self.events.pop()

        async def aclose(self) -> None:
            raise OSError("close")

    noted = Noted("a")
    response = await client_of(Failing(), noted).call("?")

    assert response.text == "x"
    assert [str(e) for e in noted.outcomes[0].cleanup_errors] == ["close"]


async def test_a_second_cancel_while_closing_skips_nobody() -> None:
    closing = asyncio.Event()

    async def slow(outcome: Any, ctx: RunContext) -> None:
        closing.set()
        await asyncio.get_running_loop().create_future()

    log: list[str] = []
    model = Hanging("x")
    stack = [Noted("a", log), NotedNaive("b", log), Noted("c", log, on_close=slow)]

    async def reader() -> None:
        async with client_of(model, *stack).stream("?") as stream:
            await read(stream)

    task = asyncio.create_task(reader())
    await model.waiting.wait()
    task.cancel()
    await closing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert closes(log) == [f"{n}.close cancelled" for n in "cba"]


async def test_what_an_around_asks_for_while_it_is_closed_is_closed_as_well() -> None:
    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        again = next(request)
        try:
            async for event in next(request):
                yield event
        finally:
            await anext(again)

    model = scripted("x y", "summary of it")
    async with client_of(model, Steer(around)).stream("?") as stream:
        async for _ in stream:
            break
        # The driver frees it, although the author's frame is gone by then.

    assert (model.opened, model.open_streams) == (2, 0)


async def test_events_after_an_early_exit_are_not_delivered() -> None:
    stream = client_of("x y").stream("?")
    await anext(stream)
    await stream.aclose()
    with pytest.raises(StreamClosedError):
        await anext(stream)


def run_script(body: str) -> subprocess.CompletedProcess[str]:
    header = """
        import asyncio, sys
        from junto.core import *
        from junto.core.testing import ScriptedModel

        class Closing(Advisor):
            def __init__(self, name): self.name = name
            async def on_close(self, outcome, ctx):
                print(self.name, outcome.kind)
                await asyncio.sleep(0.001)

        class Naive(Advisor):
            async def around(self, request, next, ctx):
                try:
                    async for event in next(request):
                        yield event
                finally:
                    print("around left")
                    await asyncio.sleep(0.001)

        model = ScriptedModel("a b c")
        advisors = [Closing("a"), Naive(), Closing("b"), Naive(), Closing("c")]
        client = ChatClient(model, advisors=advisors)
    """
    code = textwrap.dedent(header) + textwrap.dedent(body) + "\nprint('open', model.open_streams)\n"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )


CLOSED = ["c abandoned", "around left", "b abandoned", "around left", "a abandoned", "open 0"]


@pytest.mark.parametrize("where", ["held = ", ""], ids=["held", "dropped"])
def test_a_loop_that_ends_with_a_stream_open_closes_it_in_order(where: str) -> None:
    done = run_script(f"""
        held = None
        async def main():
            global held
            stream = client.stream("?")
            {where or "_ = "}stream
            await anext(stream)

        asyncio.run(main())
    """)

    assert (done.stderr, done.stdout.splitlines()) == ("", CLOSED)


def test_a_stream_that_outlives_its_loop_is_no_trouble() -> None:
    done = run_script("""
        loop = asyncio.new_event_loop()
        stream = client.stream("?")
        async def first():
            await anext(stream)
        loop.run_until_complete(first())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        del stream
    """)

    assert done.stderr == ""
    assert "open 0" in done.stdout


def test_a_stream_whose_loop_was_closed_under_it_frees_the_model_at_once() -> None:
    done = run_script("""
        import gc
        class Plain(Advisor):
            async def around(self, request, next, ctx):
                async for event in next(request):
                    yield event
        gc.disable()
        async def first(stream):
            await anext(stream)
        loop = asyncio.new_event_loop()
        stream = ChatClient(model, advisors=[Plain(), Plain()]).stream("?")
        loop.run_until_complete(first(stream))
        loop.close()
        del stream
    """)

    assert (done.stderr, done.stdout) == ("", "open 0\n")


def test_a_dropped_stream_is_closed_also_if_all_tasks_are_cancelled_at_once() -> None:
    done = run_script("""
        async def main():
            async for event in client.stream("?"):
                break
            del event
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            for _ in range(100):
                await asyncio.sleep(0.001)
            print("still there")
        asyncio.run(main())
    """)

    assert done.stdout.splitlines() == [*CLOSED[:-1], "still there", CLOSED[-1]]
    assert "Error" not in done.stderr


def test_a_stream_that_is_left_by_an_exit_is_closed() -> None:
    done = run_script("""
        async def main():
            async for event in client.stream("?"):
                raise SystemExit
        try:
            asyncio.run(main())
        except SystemExit:
            pass
    """)

    assert (done.stderr, done.stdout.splitlines()) == ("", CLOSED)
