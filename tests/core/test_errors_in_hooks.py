"""Law 14: errors pass unwrapped; isolated advisors are left out. And what hooks may not give."""

from __future__ import annotations

import asyncio
import logging
from collections import UserList, deque
from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.core import (
    Advisor,
    AdvisorContractError,
    ChatRequest,
    Event,
    Finish,
    FinishReason,
    Next,
    OutcomeKind,
    ProtocolError,
    Restart,
    RunContext,
    TextDelta,
    Usage,
    UsageUpdate,
)

from .kit import (
    Hook,
    Naive,
    Noted,
    Saver,
    Steer,
    asked,
    both_ways,
    client_of,
    read,
    scripted,
    text_of,
    texts,
)


class Mine(Exception):  # noqa: N818  a fake
    pass


def failing(hook: str) -> Any:
    def fails(value: Any, ctx: RunContext) -> Any:
        raise Mine(hook)

    return {hook: fails}


@both_ways
@pytest.mark.parametrize("depth", [0, 1, 50])
@pytest.mark.parametrize("hook", ["before", "on_event", "after"])
async def test_an_error_of_a_hook_passes_unwrapped(hook: str, depth: int, way: str) -> None:
    outer = Noted("outer")
    stack = [outer, *(Naive(str(i)) for i in range(depth)), Noted("x", **failing(hook))]
    with pytest.raises(Mine, match=hook) as raised:
        await asked(client_of("a b", *stack), way)

    assert outer.outcomes[0].error is raised.value
    assert raised.value.__cause__ is None


@both_ways
@pytest.mark.parametrize("hook", ["before", "on_event", "after", "on_close"])
@pytest.mark.parametrize("naive", [0, 1])
async def test_an_isolated_advisor_that_fails_is_left_out(
    hook: str, way: str, naive: int, caplog: pytest.LogCaptureFixture
) -> None:
    outer, saver = Noted("outer"), Saver()
    weak = Noted("weak", isolated=True, **failing(hook))
    stack = [outer, saver, *(Naive() for _ in range(naive)), weak]
    with caplog.at_level(logging.WARNING, "junto.core"):
        response = await asked(client_of("a b", *stack), way)

    assert response.text == saver.saved[0].text == "a b"
    assert outer.kinds == weak.kinds == [OutcomeKind.FINISHED]
    assert len(caplog.records) == 1
    if hook != "on_close":
        assert outer.outcomes[0].left_out == ("weak",)
        assert "advisor=weak" in caplog.text
    if hook == "before":
        assert weak.log == ["weak.before", "weak.close finished"]
    if hook == "on_event":
        assert sum("event" in entry for entry in weak.log) == 1
        assert "weak.after" not in weak.log


WRONG: dict[str, Any] = {"before": None, "on_event": None, "after": "text"}


@both_ways
@pytest.mark.parametrize("hook", WRONG)
async def test_an_isolated_advisor_that_gives_nonsense_is_left_out(hook: str, way: str) -> None:
    weak = Noted("weak", isolated=True, **{hook: lambda value, ctx: WRONG[hook]})
    outer = Noted("outer")

    response = await asked(client_of("a b", outer, weak), way)

    assert response.text == "a b"
    assert outer.outcomes[0].left_out == ("weak",)


async def test_an_isolated_advisor_that_changes_delivered_text_is_left_out() -> None:
    weak = Noted("weak", isolated=True, after=lambda r, c: r.with_text("other"))

    assert (await client_of("a", weak).call("?")).text == "a"


@pytest.mark.parametrize("given", [None, "raise", 1])
async def test_an_isolated_advisor_whose_open_fails_is_left_out(given: Any) -> None:
    class Weak(Advisor):
        name = "weak"
        isolated = True

        def open(self, ctx: RunContext) -> Any:
            if given == "raise":
                raise Mine
            return given

    noted = Noted("a")
    assert (await client_of("a", noted, Weak()).call("?")).text == "a"
    assert noted.outcomes[0].left_out == ("weak",)


async def test_an_isolated_advisor_stays_out_for_the_rest_of_the_run() -> None:
    async def twice(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        for _ in range(2):
            async for event in next(request):
                yield event

    calls = 0

    def fails(value: Any, ctx: RunContext) -> Any:
        nonlocal calls
        calls += 1
        raise Mine

    await client_of("a", Steer(twice), Noted("weak", isolated=True, before=fails)).call("?")

    assert calls == 1


async def test_cancelling_is_no_failure_of_an_isolated_advisor() -> None:
    reached = asyncio.Event()

    async def waits(value: Any, ctx: RunContext) -> Any:
        reached.set()
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(client_of("a", Noted("w", isolated=True, before=waits)).call("?"))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def a_coroutine(event: Event) -> Event:
    return event


@pytest.mark.parametrize(
    ("hook", "says"),
    [
        (lambda e: None, "None: return the event"),
        (a_coroutine, "a coroutine: on_event is synchronous"),
        (lambda e: "text", "str"),
        (lambda e: [e], "list"),
        (lambda e: (e, None), "None"),
        (lambda e: (e, "text"), "str"),
        (lambda e: True, "bool"),
    ],
)
async def test_what_on_event_may_not_return_is_named(hook: Any, says: str) -> None:
    outer = Noted("outer")
    with pytest.raises(AdvisorContractError, match=f"'wrong' returned {says}") as raised:
        await client_of("x", outer, Hook(hook, "wrong")).call("?")

    assert raised.value.advisor == "wrong"
    assert outer.kinds == [OutcomeKind.FAILED]
    assert "outer.event x" not in outer.log


@pytest.mark.parametrize(
    "hook",
    [
        lambda e: None if isinstance(e, Finish) else e,
        lambda e: (e, 1) if isinstance(e, Finish) else e,
    ],
)
async def test_what_on_event_may_not_return_at_the_end_is_named(hook: Any) -> None:
    with pytest.raises(AdvisorContractError, match="'wrong' returned"):
        await client_of("x", Hook(hook, "wrong")).call("?")


@pytest.mark.parametrize("given", [None, "x", 1, True])
@pytest.mark.parametrize("hook", ["before", "after"])
async def test_what_before_and_after_may_not_return_is_named(hook: str, given: Any) -> None:
    with pytest.raises(AdvisorContractError, match=f"{hook} of advisor 'wrong' returned"):
        await client_of("x", Noted("wrong", **{hook: lambda value, ctx: given})).call("?")


def test_an_async_open_is_named() -> None:
    class Wrong(Advisor):
        name = "wrong"

        async def open(self, ctx: RunContext) -> Any:  # type: ignore[override]
            return self.on_event

    with pytest.raises(TypeError, match="open of advisor 'wrong' has the wrong signature: it is a"):
        client_of("x", Wrong())


@pytest.mark.parametrize("garbage", [None, "text", 3, {"text": "x"}, object()])
@pytest.mark.parametrize("batch", [False, True])
async def test_garbage_from_a_model_is_a_protocol_error(garbage: Any, batch: bool) -> None:
    class Garbage:
        provider = model = "garbage"

        async def stream(self, request: ChatRequest) -> AsyncIterator[Any]:
            yield [TextDelta("x"), garbage] if batch else garbage

        async def aclose(self) -> None: ...

    with pytest.raises(ProtocolError, match=r"Garbage object .* gave \w+, which is no event"):
        await client_of(Garbage()).call("?")


async def test_a_model_whose_stream_is_a_coroutine_is_named() -> None:
    class Wrong:
        provider = model = "wrong"

        async def stream(self, request: ChatRequest) -> None: ...

        async def aclose(self) -> None: ...

    with pytest.raises(ProtocolError, match="gave no stream, but coroutine"):
        await client_of(Wrong()).call("?")


async def test_an_empty_stream_is_an_empty_answer() -> None:
    class Empty:
        provider = model = "empty"

        async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
            return
            yield

        async def aclose(self) -> None: ...

    noted = Noted("a")
    response = await client_of(Empty(), noted, Naive()).call("?")

    assert (response.text, response.finish_reason) == ("", "unknown")
    assert noted.kinds == [OutcomeKind.FINISHED]


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize("plain", [True, False])
async def test_a_model_may_give_an_iterator_of_its_own_making(closes: bool, plain: bool) -> None:
    class Stream:
        def __init__(self) -> None:
            self.left = ["a", "b"]
            self.closed = 0

        def __aiter__(self) -> Any:
            return self

        def __anext__(self) -> Any:
            return self if plain else self.pull()

        def __await__(self) -> Any:
            # A future's iterator is no generator.
            return iter(asyncio.ensure_future(self.pull()))

        async def pull(self) -> Event:
            if not self.left:
                raise StopAsyncIteration
            await asyncio.sleep(0)
            return TextDelta(self.left.pop(0))

    class Closing(Stream):
        async def aclose(self) -> None:
            self.closed += 1

    class Model:
        provider = model = "own"

        def __init__(self) -> None:
            self.made: list[Stream] = []

        def stream(self, request: ChatRequest) -> Any:
            self.made.append(Closing() if closes else Stream())
            return self.made[-1]

        async def aclose(self) -> None: ...

    model = Model()
    noted = Noted("a")
    client = client_of(model, noted)

    assert (await client.call("?")).text == "ab"
    async with client.stream("?") as stream:
        await anext(stream)
    assert [s.closed for s in model.made] == [int(closes)] * 2
    assert noted.kinds == [OutcomeKind.FINISHED, OutcomeKind.ABANDONED]


def restarts(request: ChatRequest, next: Next) -> Any:
    async def around() -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except OSError:
            yield Restart("again")
            async for event in next(request):
                yield event

    return around()


@both_ways
async def test_a_restart_voids_the_record_of_every_level(way: str) -> None:
    outer, saver = Noted("a"), Saver()
    model = scripted(["bad", " text", OSError()], "good")

    response = await asked(client_of(model, saver, outer, Naive(), Steer(restarts)), way)

    assert response.text == saver.saved[0].text == outer.responses[0].text == "good"


async def test_a_restart_reaches_a_reader_who_has_seen_something() -> None:
    model = scripted(["bad", OSError()], "good")
    got = await read(client_of(model, Naive(), Steer(restarts)).stream("?"))

    assert got[:3] == [TextDelta("bad"), Restart("again"), TextDelta("good")]


async def test_a_restart_is_swallowed_while_nothing_was_shown() -> None:
    hides = Hook(lambda e: () if isinstance(e, TextDelta) and e.text == "bad" else e)
    seen = Noted("seen")
    model = scripted(["bad", OSError()], "good")
    got = await read(client_of(model, hides, seen, Steer(restarts)).stream("?"))

    assert [type(e) for e in got] == [TextDelta, Finish]
    assert "seen.Restart" in seen.log


async def test_a_restart_through_a_buffered_advisor_leaves_the_good_answer() -> None:
    saver = Saver()
    buffered = Noted("b", buffered=True)
    model = scripted(["bad", OSError()], "good")
    client = client_of(model, saver, Naive(), buffered, Steer(restarts))
    got = await read(client.stream("?"))

    assert texts(got) == ["good"]
    assert not any(isinstance(e, Restart) for e in got)
    assert buffered.responses[0].text == saver.saved[0].text == "good"


async def test_a_restart_voids_what_a_hook_holds() -> None:
    class Holds(Advisor):
        def open(self, ctx: RunContext) -> Any:
            held: list[str] = []

            def on_event(event: Event, ctx: RunContext) -> Any:
                if isinstance(event, TextDelta):
                    held.append(event.text)
                    return ()
                if isinstance(event, Restart):
                    held.clear()
                if isinstance(event, Finish):
                    return (TextDelta("".join(held)), event)
                return event

            return on_event

    model = scripted(["bad", OSError()], "good")

    assert await text_of(client_of(model, Holds(), Steer(restarts)).stream("?")) == "good"


async def test_stop_iteration_in_a_hook_is_an_error_and_no_end() -> None:
    def stops(event: Event) -> Any:
        raise StopIteration

    noted = Noted("a")
    with pytest.raises(RuntimeError):
        await client_of("x", noted, Hook(stops)).call("?")
    assert noted.kinds == [OutcomeKind.FAILED]


async def test_a_restart_voids_what_was_said_of_usage_and_finish() -> None:
    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        yield TextDelta("bad")
        yield UsageUpdate(Usage(total_tokens=9))
        yield Finish(FinishReason.LENGTH)
        yield Restart()
        yield TextDelta("good")

    def guesses(event: Event) -> Any:
        guess = UsageUpdate(Usage(total_tokens=1, estimated=True))
        return (event, guess) if event == TextDelta("bad") else event

    response = await client_of("never", Noted("a"), Hook(guesses), Steer(around)).call("?")

    assert (response.text, response.usage, response.finish_reason) == ("good", Usage(), "unknown")


@pytest.mark.parametrize("around", [False, True])
@pytest.mark.parametrize("garbage", [None, "text", [[TextDelta("a")]]])
async def test_garbage_from_a_model_is_the_models_fault_also_behind_an_around(
    garbage: Any, around: bool
) -> None:
    class Garbage:
        provider = model = "garbage"

        async def stream(self, request: ChatRequest) -> AsyncIterator[Any]:
            yield garbage

        async def aclose(self) -> None: ...

    with pytest.raises(ProtocolError, match=r"Garbage object .* gave \w+, which is no event"):
        await client_of(Garbage(), *[Naive()] * around).call("?")


async def test_any_sequence_of_events_is_a_batch() -> None:
    class Batches:
        provider = model = "batches"

        async def stream(self, request: ChatRequest) -> AsyncIterator[Any]:
            yield deque([TextDelta("a"), TextDelta("b")])
            yield UserList([TextDelta("c"), Finish()])

        async def aclose(self) -> None: ...

    response = await client_of(Batches(), Naive()).call("?")

    assert (response.text, response.finish_reason) == ("abc", FinishReason.STOP)


async def test_an_event_of_a_class_of_ones_own_is_the_hooks_fault() -> None:
    class Mine(TextDelta):
        pass

    with pytest.raises(AdvisorContractError, match="advisor 'hook' returned Mine: return an event"):
        await client_of("x", Hook(lambda _: Mine("y"))).call("?")
