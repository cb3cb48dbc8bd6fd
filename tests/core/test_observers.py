"""Looking at a run: by observers, by an advisor's own, and by a trace."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import (
    Advisor,
    ChatRequest,
    ChatResponse,
    CustomEvent,
    Event,
    Finish,
    Next,
    Observation,
    OutcomeKind,
    RejectedRequestError,
    Restart,
    RunContext,
    TextDelta,
    Trace,
    UsageUpdate,
    advisor,
)
from junto.core.usage import Usage

from .kit import Hanging, Hook, Naive, Noted, Texts, asked, both_ways, client_of, read, scripted


def text(event: Event) -> str | None:
    return event.text if isinstance(event, TextDelta) else None


def counts(trace: Trace, name: str) -> dict[str, int]:
    tally = trace.tallies[name]
    fields = ("given", "kept", "changed", "held", "dropped", "injected", "gave")
    return {field: value for field in fields if (value := getattr(tally, field))}


class Holder(Advisor):
    """Holds text until it has a sentence."""

    name = "holder"

    def open(self, ctx: RunContext) -> Any:
        held: list[str] = []

        def on_event(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            if isinstance(event, TextDelta):
                held.append(event.text)
                if not event.text.endswith("."):
                    return ()
                whole, held[:] = TextDelta("".join(held)), []
                return whole
            return event

        return on_event


@both_ways
async def test_a_trace_counts_what_each_advisor_did(way: str) -> None:
    def drops(event: Event) -> Any:
        return () if text(event) == " b." else event

    def adds(event: Event) -> Any:
        return (CustomEvent("mine"), event) if text(event) == "a" else event

    trace = Trace()
    advisors = [Texts(str.upper, "upper"), Hook(drops, "drops"), Hook(adds, "adds"), Holder()]
    client = client_of(["a", " b.", "a", "."], *advisors)
    if way == "call":
        await client.call("?", observers=[trace])
    else:
        await read(client.stream("?", observers=[trace]))

    assert counts(trace, "holder") == {"given": 5, "changed": 2, "held": 2, "kept": 1, "gave": 3}
    assert counts(trace, "adds") == {"given": 3, "kept": 3, "gave": 3}
    assert counts(trace, "drops") == {"given": 3, "kept": 3, "gave": 3}
    assert counts(trace, "upper") == {"given": 3, "changed": 2, "kept": 1, "gave": 3}
    assert list(trace.tallies) == ["upper", "drops", "adds", "holder", "(model)"]


async def test_what_was_dropped_and_injected_is_told_apart_from_what_was_held() -> None:
    def drops(event: Event) -> Any:
        return () if text(event) == "b" else event

    def adds(event: Event) -> Any:
        return (CustomEvent("mine"), event) if text(event) == "a" else event

    trace = Trace()
    client = client_of(["a", "b", "c"], Hook(drops, "drops"), Hook(adds, "adds"))
    await client.call("?", observers=[trace])

    assert counts(trace, "adds") == {"given": 4, "kept": 4, "injected": 1, "gave": 5}
    assert counts(trace, "drops") == {"given": 5, "kept": 4, "dropped": 1, "gave": 4}
    verdicts = [one.verdict for one in trace.seen("event", "adds")]
    assert verdicts == ["injected", "kept", "kept", "kept"]


@advisor
async def steers(request: ChatRequest, next: Next, ctx: RunContext) -> AsyncIterator[Event]:
    waiting: list[Event] = []
    async for event in next(request):
        match text(event):
            case "hold":
                waiting.append(event)
            case "drop":
                pass
            case "change":
                yield TextDelta("other")
            case _:
                for held in waiting:
                    yield held
                waiting.clear()
                yield event
    yield CustomEvent("more")


async def test_a_trace_counts_what_an_around_did() -> None:
    trace = Trace()

    response = await client_of(["a", "hold", "b", "change", "drop"], steers).call(
        "?", observers=[trace]
    )

    assert response.text == "aholdbother"
    assert counts(trace, "steers") == {
        "given": 6,
        "kept": 3,
        "held": 1,
        "changed": 2,
        "gave": 6,
    }


async def test_one_object_that_comes_several_times_is_counted_each_time() -> None:
    @advisor
    async def holds_all(request: Any, next: Next, ctx: Any) -> AsyncIterator[Event]:
        for event in [event async for event in next(request)]:
            yield event

    same = TextDelta("x")
    trace = Trace()
    await client_of([same, same, same], holds_all).call("?", observers=[trace])

    assert counts(trace, "holds_all") == {"given": 4, "held": 3, "kept": 1, "gave": 4}


async def test_what_an_around_merges_was_held() -> None:
    @advisor
    async def merges(request: Any, next: Next, ctx: Any) -> AsyncIterator[Event]:
        merged = ""
        async for event in next(request):
            if isinstance(event, TextDelta):
                merged += event.text
            else:
                yield TextDelta(merged)
                yield event

    trace = Trace()
    await client_of(["a", "b", "c"], merges).call("?", observers=[trace])

    assert counts(trace, "merges") == {"given": 4, "changed": 1, "held": 2, "kept": 1, "gave": 2}


@given(
    plan=st.lists(st.sampled_from(["keep", "drop", "change", "hold", "add", "merge"]), max_size=12),
    kind=st.sampled_from(["hook", "around"]),
)
async def test_every_event_that_is_given_ends_as_one_of_four(plan: list[str], kind: str) -> None:
    held: list[Event] = []

    def does(event: Event) -> tuple[Event, ...]:
        if not isinstance(event, TextDelta):
            rest, held[:] = tuple(held), []
            return (*rest, event)
        match event.text.split()[0]:
            case "keep":
                return (event,)
            case "drop":
                return ()
            case "change":
                return (TextDelta("other"),)
            case "hold":
                held.append(event)
                return ()
            case "add":
                return (event, CustomEvent("more"))
            case _:
                rest, held[:] = tuple(held), []
                return (*rest, TextDelta(event.text * 2))

    @advisor
    async def around(request: Any, next: Next, ctx: Any) -> AsyncIterator[Event]:
        async for event in next(request):
            for out in does(event):
                yield out

    hook = advisor.on_event(name="hook")(lambda event, ctx: does(event))
    trace = Trace()
    script = [TextDelta(f"{what} {i}") for i, what in enumerate(plan)]
    await client_of(script, hook if kind == "hook" else around).call("?", observers=[trace])

    tally = trace.tallies[kind]
    assert tally.given == len(plan) + 1
    assert tally.given == tally.kept + tally.changed + tally.held + tally.dropped
    assert tally.gave <= tally.kept + tally.changed + tally.held + tally.injected


async def test_lines_are_plain_ascii_and_take_any_event() -> None:
    script = [TextDelta("a\ud800"), CustomEvent("x\udfff"), CustomEvent(object())]  # type: ignore[arg-type]
    trace = Trace(content=True)
    await client_of([*script]).call("?", observers=[trace])

    assert all(line.isascii() and json.loads(line) for line in trace.lines())


async def test_the_message_of_an_error_is_written_with_the_content_only() -> None:
    def refuses(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        raise RejectedRequestError(f"bad input: {request.user_text}")

    for content in (False, True):
        trace = Trace(content=content)
        with pytest.raises(RejectedRequestError):
            await client_of("x", advisor.before(refuses)).call("hush", observers=[trace])

        assert ("hush" in "".join(trace.lines())) is content


async def test_every_event_of_an_around_ends_in_one_way() -> None:
    @advisor
    async def first_only(request: Any, next: Next, ctx: Any) -> AsyncIterator[Event]:
        async for event in next(request):
            if text(event) in {"a", None}:
                yield event

    trace = Trace()
    await client_of(["a", "b", "c"], first_only).call("?", observers=[trace])

    tally = trace.tallies["first_only"]
    assert (tally.kept, tally.dropped, tally.given) == (2, 2, 4)


async def test_each_hook_is_seen_with_its_verdict_time_and_activation() -> None:
    async def twice(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event
        yield Restart("once more")
        async for event in next(request):
            yield event

    @advisor
    async def again(request: ChatRequest, next: Next, ctx: RunContext) -> AsyncIterator[Event]:
        async for event in twice(request, next):
            yield event

    trace = Trace()
    client = client_of("x", again, Noted("inner", order=900))
    await client.call("?", observers=[trace])

    inner = [one for one in trace.observations if one.advisor == "inner" and one.what != "advisor"]
    assert [(one.what, one.activation, one.verdict) for one in inner if one.what != "event"] == [
        ("before", "0.1", "kept"),
        ("after", "0.1", "kept"),
        ("on_close", "0.1", "kept"),
        ("before", "0.2", "kept"),
        ("after", "0.2", "kept"),
        ("on_close", "0.2", "kept"),
    ]
    assert all(one.seconds is not None and one.seconds >= 0 for one in inner)
    assert [one.activation for one in trace.seen("asked")] == ["0.1", "0.2"]
    assert [one.at for one in trace.observations] == sorted(one.at for one in trace.observations)
    assert [trace.observations[0].what, trace.observations[-1].what] == ["started", "ended"]


async def test_a_short_circuit_and_a_failure_are_seen() -> None:
    def answers(request: ChatRequest, ctx: RunContext) -> ChatResponse:
        return ChatResponse.of("no")

    def fails(response: ChatResponse, ctx: RunContext) -> ChatResponse:
        raise LookupError("gone")

    trace = Trace()
    client = client_of("x", Noted("outer", after=fails), advisor.before(answers))
    with pytest.raises(LookupError):
        await client.call("?", observers=[trace])

    assert [one.verdict for one in trace.seen("before")] == ["kept", "answered"]
    assert [one.verdict for one in trace.seen("after")] == ["raised"]
    (ended,) = trace.seen("ended")
    assert ended.verdict == "failed"
    assert isinstance(ended.given.error, LookupError)


async def test_a_run_that_was_left_early_is_told_to_its_end() -> None:
    trace = Trace()
    async with client_of("a b c", Naive()).stream("?", observers=[trace]) as stream:
        await anext(stream)

    assert trace.seen("ended")[0].verdict == OutcomeKind.ABANDONED
    assert trace.tallies["naive"].kept == 1


async def test_own_time_is_without_the_time_further_in() -> None:
    slow = Hanging("x")
    trace = Trace()
    async with client_of(slow, Naive("outer"), Naive("inner")).stream(
        "?", observers=[trace]
    ) as stream:
        await anext(stream)

    tallies = trace.tallies
    total = trace.observations[-1].at
    assert sum(tally.seconds for tally in tallies.values()) <= total
    assert all(tally.seconds >= 0 for tally in tallies.values())


async def test_an_observer_that_raises_is_left_out_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[str] = []

    def broken(observation: Observation) -> None:
        seen.append(observation.what)
        raise ValueError("no")

    trace = Trace()
    with caplog.at_level(logging.WARNING, "junto.core"):
        response = await client_of("fine").call("?", observers=[broken, trace])

    assert response.text == "fine"
    assert seen == ["started"]
    assert len(trace.seen("ended")) == 1
    assert [record.getMessage().split()[0] for record in caplog.records] == ["observer.left_out"]


async def test_an_advisor_may_bring_an_observer_which_is_asked_once_a_run() -> None:
    seen: list[Observation] = []

    class Looks(Advisor):
        name = "looks"
        asked = 0

        def observer(self, ctx: RunContext) -> Any:
            self.asked += 1
            return seen.append if ctx.params.get("look") else None

    looks = Looks()
    client = client_of("x", Naive(), looks)
    await client.call("?")
    assert seen == []
    await client.call("?", params={"look": True})

    assert (looks.asked, seen[0].what, seen[-1].what) == (2, "started", "ended")


async def test_nobody_is_asked_and_nothing_is_wrapped_before_the_first_pull() -> None:
    trace = Trace()
    client_of("x").stream("?", observers=[trace])

    assert trace.observations == []


def test_an_observer_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="an observer is a function of one Observation, not 3"):
        client_of("x").stream("?", observers=[3])  # type: ignore[list-item]  # the mistake
    with pytest.raises(TypeError, match="the class Trace: make an instance"):
        client_of("x").stream("?", observers=[Trace])  # type: ignore[list-item]  # the same


async def later(observation: Observation) -> None: ...


@pytest.mark.parametrize("wrong", [later, lambda: 1])
def test_an_observer_that_could_not_be_called_so_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"write def observe\(observation\)"):
        client_of("x").mutate(observers=[wrong])


async def test_an_advisor_that_fails_to_give_an_observer_harms_nobody() -> None:
    class Fails(Advisor):
        def observer(self, ctx: RunContext) -> Any:
            raise LookupError

    assert (await client_of("fine", Fails()).call("?")).text == "fine"


def test_no_advisor_is_named_as_the_model_is_in_a_trace() -> None:
    with pytest.raises(TypeError, match="no advisor can be named"):
        client_of("x", Noted("(model)"))


async def test_a_client_and_a_prompt_may_have_observers() -> None:
    traces = [Trace(), Trace(), Trace()]
    client = client_of("x").mutate(observers=[traces[0]]).mutate(observers=[traces[1]])

    await client.prompt("?").observers(traces[2]).call()

    assert [len(trace.seen("ended")) for trace in traces] == [1, 1, 1]


@pytest.mark.parametrize("content", [False, True])
async def test_the_lines_hold_texts_only_if_asked(content: bool, tmp_path: Path) -> None:
    trace = Trace(content=content)
    script = [TextDelta("secret answer"), UsageUpdate(Usage(output_tokens=2)), Finish()]
    client = client_of([*script], Noted("one"), Naive())
    await client.call("my question", observers=[trace])
    await asyncio.to_thread(trace.write, tmp_path / "run.jsonl")

    written = await asyncio.to_thread((tmp_path / "run.jsonl").read_text, "utf-8")
    lines = [json.loads(line) for line in written.splitlines()]
    assert len(lines) == len(trace.observations)
    assert ("secret answer" in written, "my question" in written) == (content, content)
    assert {line["run"] for line in lines} == {trace.observations[0].run_id}
    event = next(line for line in lines if line["what"] == "event" and line["advisor"] == "one")
    assert (event["verdict"], event["given"]["chars"]) == ("kept", 13)
    tally = next(line for line in lines if line["what"] == "advisor" and line["advisor"] == "one")
    assert tally["tally"]["kept"] == tally["tally"]["given"] == 3
    assert lines[-1]["given"]["kind"] == "finished"


async def test_a_trace_prints_as_a_table() -> None:
    trace = Trace()
    await client_of("a b", Texts(str.upper, "upper")).call("?", observers=[trace])

    header, *rows = str(trace).splitlines()
    assert header.split()[:7] == [
        "given",
        "kept",
        "changed",
        "held",
        "dropped",
        "injected",
        "gave",
    ]
    assert [row.split()[0] for row in rows] == ["upper", "(model)"]
    assert rows[0].split()[1:4] == ["3", "1", "2"]


@both_ways
async def test_what_a_run_gives_does_not_depend_on_who_looks(way: str) -> None:
    def client() -> Any:
        return client_of(
            scripted(["a", " b.", UsageUpdate(Usage(output_tokens=3)), " c"]),
            Noted("outer", buffered=True),
            steers,
            Holder(),
            Naive(),
        )

    bare = await asked(client(), way)
    watched = await asked(client().mutate(observers=[Trace()]), way)

    assert bare == watched
