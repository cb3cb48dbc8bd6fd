"""Law 7: ``next`` is a closure, and the chain owns what it gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.core import (
    AdvisorContractError,
    ChatRequest,
    ContextKey,
    Event,
    Finish,
    ModelWarning,
    Next,
    OutcomeKind,
    RunContext,
    TextDelta,
)

from .kit import (
    Hanging,
    Noted,
    NotedNaive,
    Steer,
    asked,
    both_ways,
    client_of,
    read,
    scripted,
    text_of,
    texts,
)

pytestmark = pytest.mark.filterwarnings("error")


@both_ways
async def test_an_around_that_never_asks_gives_its_own_answer(way: str) -> None:
    async def cached(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        yield TextDelta("cached")

    model = scripted("never")
    inner = Noted("a")

    response = await asked(client_of(model, Steer(cached), inner), way)

    assert response.text == "cached"
    assert (model.opened, inner.log) == (0, [])


@both_ways
async def test_a_retry_repeats_only_what_is_inside_it(way: str) -> None:
    async def retry(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        for attempt in range(3):
            try:
                async for event in next(request):
                    yield event
            except OSError:
                log.append(f"failed {attempt}")
            else:
                return

    log: list[str] = []
    model = scripted([OSError(1)], [OSError(2)], "ok")
    outer, inner = Noted("a", log), Noted("b", log)

    response = await asked(client_of(model, outer, Steer(retry), inner), way)

    assert response.text == "ok"
    assert log == [
        "a.before",
        "b.before",
        "b.close failed",
        "failed 0",
        "b.before",
        "b.close failed",
        "failed 1",
        "b.before",
        "b.event ok",
        "a.event ok",
        "b.Finish",
        "b.after",
        "a.Finish",
        "a.after",
        "b.close finished",
        "a.close finished",
    ]


async def test_a_complete_activation_is_closed_before_the_next_one_begins() -> None:
    async def twice(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        first = [event async for event in next(request)]
        log.append(f"first {len(first)}")
        async for event in next(request):
            yield event

    log: list[str] = []
    model = scripted("one", "two")

    response = await client_of(model, Steer(twice), Noted("a", log)).call("?")

    assert response.text == "two"
    closed = log.index("a.close finished")
    assert log.index("first 2") < closed < log.index("a.before", closed)
    assert log.count("a.close finished") == 2


async def test_a_dropped_stream_is_closed_before_the_next_delivery() -> None:
    async def peeks(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for event in next(request):
            log.append(f"peeked {event.text}")  # type: ignore[union-attr]
            break
        yield TextDelta("own")

    log: list[str] = []
    model = scripted("a b c")
    async for event in client_of(model, Steer(peeks), Noted("n", log)).stream("?"):
        if isinstance(event, TextDelta):
            assert model.open_streams == 0
            log.append("read")

    assert log == ["n.before", "n.event a", "peeked a", "n.close abandoned", "read"]


async def test_a_dropped_stream_is_closed_before_the_next_request() -> None:
    async def peeks(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for _ in next(request):
            break
        async for event in next(request):
            assert model.open_streams == isinstance(event, TextDelta)
            yield event

    model = scripted("a b c")

    assert (await client_of(model, Steer(peeks)).call("?")).text == "a b c"


async def test_an_anonymous_stream_gives_its_first_event() -> None:
    async def peeks(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        yield await anext(next(request))

    noted = Noted("a")
    response = await client_of("x y", Steer(peeks), noted).call("?")

    assert response.text == "x"
    assert noted.kinds == [OutcomeKind.ABANDONED]


async def test_an_around_may_close_a_stream_itself_and_its_hooks_have_run_then() -> None:
    async def closes(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        stream: Any = next(request)
        yield await anext(stream)
        await stream.aclose()
        log.append("closed")
        await stream.aclose()
        assert [event async for event in stream] == []

    log: list[str] = []
    await client_of("x y", Steer(closes), Noted("a", log)).call("?")

    assert log[-2:] == ["a.close abandoned", "closed"]


async def test_a_stream_closed_before_its_first_pull_asks_nobody() -> None:
    async def closes(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        stream: Any = next(request)
        await stream.aclose()
        async for event in stream:
            yield event

    model = scripted("x")
    assert (await client_of(model, Steer(closes)).call("?")).text == ""
    assert model.opened == 0


async def test_an_unfinished_stream_is_closed_when_the_around_ends() -> None:
    async def stops(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        held.append(next(request))
        async for event in held[0]:
            yield event
            return

    held: list[Any] = []
    outer, inner = Noted("a"), Noted("b")
    model = scripted("x y z")
    stream = client_of(model, outer, Steer(stops), inner).stream("?")
    got = await read(stream)

    assert texts(got) == ["x"]
    assert inner.kinds == [OutcomeKind.ABANDONED]
    assert outer.kinds == [OutcomeKind.FINISHED]
    assert model.open_streams == 0


async def test_text_after_the_inner_finish_is_still_part_of_the_answer() -> None:
    async def footer(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event
        yield TextDelta("!")

    got = await read(client_of("x", Steer(footer)).stream("?"))

    assert [type(e) for e in got] == [TextDelta, TextDelta, Finish]


async def test_two_activations_at_once_race_and_the_loser_is_closed() -> None:
    async def race(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        streams = [next(request), next(request)]
        firsts = [asyncio.ensure_future(anext(stream)) for stream in streams]
        done, waiting = await asyncio.wait(firsts, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        winner = firsts.index(done.pop())
        yield firsts[winner].result()
        async for event in streams[winner]:
            yield event

    class Model:
        provider = model = "m"
        asked = closed = 0

        async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
            Model.asked += 1
            try:
                if Model.asked == 1:
                    await asyncio.get_running_loop().create_future()
                yield TextDelta("fast")
                yield TextDelta("er")
                yield Finish()
            finally:
                Model.closed += 1

    outer, inner = Noted("a"), Noted("b")
    response = await client_of(Model(), outer, Steer(race), inner).call("?")

    assert response.text == "faster"
    assert (Model.asked, Model.closed) == (2, 2)
    assert sorted(inner.kinds) == [OutcomeKind.CANCELLED, OutcomeKind.FINISHED]
    assert outer.kinds == [OutcomeKind.FINISHED]


async def test_anonymous_streams_may_be_raced_as_well() -> None:
    async def race(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        firsts = [asyncio.ensure_future(anext(next(request))) for _ in range(2)]
        for event in await asyncio.gather(*firsts):
            yield event

    response = await client_of(scripted("a b", "c d"), Steer(race)).call("?")

    assert sorted(response.text) == ["a", "c"]


async def test_a_task_that_still_pulls_when_the_around_ends_is_stopped() -> None:
    tasks: list[Any] = []

    async def forgets(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        stream = next(request)
        tasks.append(asyncio.ensure_future(anext(stream)))
        await asyncio.sleep(0)
        await model.waiting.wait()
        yield TextDelta("own")

    model = Hanging()
    inner = Noted("a")
    response = await client_of(model, Steer(forgets), inner).call("?")
    await asyncio.wait(tasks)

    assert response.text == "own"
    assert model.log == ["open", "CancelledError", "closed"]
    assert inner.kinds == [OutcomeKind.ABANDONED]
    assert tasks[0].cancelled()


async def test_leaving_early_stops_the_tasks_streams_too() -> None:
    tasks: list[Any] = []

    async def pumps(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        stream = next(request)
        tasks.append(asyncio.ensure_future(anext(stream)))
        await model.waiting.wait()
        yield TextDelta("own")
        yield TextDelta("never")

    model = Hanging()
    inner = Noted("a")
    async with client_of(model, Steer(pumps), inner).stream("?") as stream:
        async for _ in stream:
            break
    await asyncio.wait(tasks)

    assert model.log == ["open", "CancelledError", "closed"]
    assert inner.kinds == [OutcomeKind.ABANDONED]


async def test_inner_state_is_per_activation() -> None:
    async def merges(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async def drain() -> list[Event]:
            return [event async for event in next(request)]

        for events in await asyncio.gather(drain(), drain(), drain()):
            for event in events:
                yield event

    key = ContextKey[str]("test")
    values: list[str] = []

    async def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        assert key not in ctx
        ctx[key] = str(len(values))
        await asyncio.sleep(0)
        values.append(ctx[key])
        return request

    response = await client_of(
        scripted("a", "b", "c"), Steer(merges), Noted("n", before=before)
    ).call("?")

    assert sorted(response.text) == ["a", "b", "c"]
    assert values == ["0", "0", "0"]


async def test_next_may_be_called_with_another_request() -> None:
    async def asks_twice(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        for temperature in (0.1, 0.2):
            async for event in next(request.with_options(temperature=temperature)):
                yield event

    model = scripted("x")
    await client_of(model, Steer(asks_twice)).call("?")

    assert [r.options.temperature for r in model.requests] == [0.1, 0.2]


@pytest.mark.parametrize("wrong", [None, "text"])
async def test_next_takes_a_request(wrong: Any) -> None:
    async def asks(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for event in next(wrong):
            yield event

    with pytest.raises(AdvisorContractError, match="next\\(\\) takes a ChatRequest"):
        await client_of("x", Steer(asks)).call("?")


async def test_an_around_may_hand_on_the_stream_itself() -> None:
    noted = Noted("a")
    response = await client_of("x y", Steer(lambda request, next: next(request)), noted).call("?")

    assert response.text == "x y"
    assert noted.kinds == [OutcomeKind.FINISHED]


async def a_coroutine(request: ChatRequest, next: Next) -> None: ...


@pytest.mark.parametrize(
    "wrong",
    [a_coroutine, lambda r, n: None, lambda r, n: [TextDelta("x")]],
    ids=["co", "none", "list"],
)
async def test_an_around_that_gives_no_stream_is_named(wrong: Any) -> None:
    noted = Noted("a")
    with pytest.raises(AdvisorContractError, match="around of advisor 'steer' returned"):
        await client_of("x", noted, Steer(wrong)).call("?")

    assert noted.kinds == [OutcomeKind.FAILED]


async def test_an_error_between_events_of_an_around_closes_its_stream() -> None:
    async def fails(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event
            raise ValueError("mine")

    log: list[str] = []
    model = scripted("x y z")
    with pytest.raises(ValueError, match="mine"):
        await client_of(model, Noted("a", log), Steer(fails), Noted("b", log)).call("?")

    assert model.open_streams == 0
    assert log[-2:] == ["b.close failed", "a.close failed"]


async def test_a_class_based_stream_may_be_an_around() -> None:
    class Stream:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> Event:
            event = await anext(self.inner)
            return TextDelta(event.text.upper()) if isinstance(event, TextDelta) else event

    noted = Noted("a")
    client = client_of("x y", Steer(lambda request, next: Stream(next(request))), noted)

    assert (await client.call("?")).text == "X Y"
    async with client.stream("?") as stream:
        await anext(stream)
    assert noted.kinds == [OutcomeKind.FINISHED, OutcomeKind.ABANDONED]


async def test_a_warning_of_the_model_reaches_the_reader_once_per_client() -> None:
    warning = ModelWarning("m", "top_p", "has no effect")
    log: list[str] = []
    model = scripted([warning, TextDelta("x")])
    client = client_of(model, NotedNaive("a", log), NotedNaive("b", log))

    assert warning in await read(client.stream("?"))
    assert warning not in await read(client.stream("?"))
    assert warning not in await read(client.mutate(system="s").stream("?"))
    assert warning in await read(client_of(model).stream("?"))


async def test_a_hundred_naive_arounds_still_work() -> None:
    stack = [Steer(naive, f"n{i}") for i in range(100)]
    noted = Noted("a")
    assert await text_of(client_of("x y", *stack, noted).stream("?")) == "x y"
    async with client_of("x y", *stack, noted).stream("?") as stream:
        await anext(stream)

    assert noted.kinds == [OutcomeKind.FINISHED, OutcomeKind.ABANDONED]


async def naive(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
    async for event in next(request):
        yield event
