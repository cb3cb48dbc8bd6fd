"""Laws 1, 3 and 5: in which order everything runs, in a stream and in a call."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from attrs import evolve

from junto.core import (
    Advisor,
    ChatRequest,
    ChatResponse,
    Event,
    EventHook,
    Finish,
    FinishReason,
    OutcomeKind,
    RunContext,
    TextDelta,
    Usage,
    UsageUpdate,
    UserMessage,
)

from .kit import (
    Hook,
    Naive,
    Noted,
    NotedNaive,
    Saver,
    asked,
    both_ways,
    client_of,
    keep,
    read,
    scripted,
)


@both_ways
async def test_requests_go_in_and_everything_else_comes_out(way: str) -> None:
    log: list[str] = []
    client = client_of("Hi", Noted("a", log), Saver(log), Noted("b", log))

    await asked(client, way)

    assert log == [
        "a.before",
        "b.before",
        "b.event Hi",
        "a.event Hi",
        "b.Finish",
        "b.after",
        "a.Finish",
        "a.after",
        "saver.save",
        "b.close finished",
        "a.close finished",
    ]


@both_ways
async def test_within_one_advisor_around_stands_inside_before_and_its_other_hooks(way: str) -> None:
    log: list[str] = []
    client = client_of("Hi", NotedNaive("a", log), Noted("b", log))

    await asked(client, way)

    assert log == [
        "a.before",
        "a.around",
        "b.before",
        "b.event Hi",
        "a.event Hi",
        "b.Finish",
        "b.after",
        "a.around left",
        "a.Finish",
        "a.after",
        "b.close finished",
        "a.close finished",
    ]


@both_ways
@pytest.mark.parametrize("kinds", ["h" * 50, "n" * 50, "hn" * 25, "nnhhh" * 10])
async def test_fifty_advisors_of_any_mixture_keep_the_order(way: str, kinds: str) -> None:
    log: list[str] = []
    advisors = [
        (NotedNaive if kind == "n" else Noted)(f"{i:02}", log) for i, kind in enumerate(kinds)
    ]
    saver = Saver(log)

    response = await asked(client_of("Hi there", *advisors, saver), way)

    order = [f"{i:02}" for i in range(50)]
    assert response.text == "Hi there"
    assert [e[:2] for e in log if e.endswith(".before")] == order
    assert [e[:2] for e in log if e.endswith(".event Hi")] == order[::-1]
    assert [e[:2] for e in log if e.endswith(".after")] == order[::-1]
    assert [e[:2] for e in log if e.endswith("close finished")] == order[::-1]
    assert log.index("saver.save") == max(i for i, e in enumerate(log) if "after" in e) + 1


@both_ways
async def test_before_changes_what_is_asked(way: str) -> None:
    async def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        return request.with_messages([*request.messages, UserMessage("more")])

    model = scripted("Hi")
    seen: list[str] = []

    def notes(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        seen.append(request.user_text)
        return request

    inner = Noted("b", before=notes)

    await asked(client_of(model, Noted("a", before=before), inner), way)

    assert seen == ["more"]
    assert [m.text for m in model.requests[0].messages] == ["Why?", "more"]


@both_ways
async def test_the_model_is_told_which_way_is_asked_for(way: str) -> None:
    model = scripted("Hi")

    await asked(client_of(model), way)

    assert model.requests[0].stream is (way == "stream")


@both_ways
async def test_before_may_answer_and_nothing_further_in_is_asked(way: str) -> None:
    log: list[str] = []
    model = scripted("never")
    saver = Saver()
    answers = Noted("b", log, before=lambda request, ctx: ChatResponse.of("No."))
    outer, inner = Noted("a", log), Noted("c", log)

    response = await asked(client_of(model, saver, outer, answers, inner), way)

    assert model.requests == []
    assert (response.text, response.metadata["short_circuited_by"]) == ("No.", "b")
    assert log[:2] == ["a.before", "b.before"]
    assert log[2:4] == ["b.event No.", "a.event No."]
    assert log[-2:] == ["b.close short_circuited", "a.close short_circuited"]
    assert not any(entry.startswith("c.") for entry in log)
    assert [r.text for r in saver.saved] == ["No."]


@both_ways
async def test_a_short_circuit_inside_an_around_reaches_the_reader(way: str) -> None:
    outer = Noted("a")
    answers = Noted("b", before=lambda request, ctx: ChatResponse.of("No."))

    response = await asked(client_of("never", outer, Naive(), answers), way)

    assert response.text == "No."
    assert outer.kinds == answers.kinds == [OutcomeKind.SHORT_CIRCUITED]


@both_ways
async def test_after_sees_the_whole_response_of_its_level_once(way: str) -> None:
    outer, inner = Noted("a"), Noted("b")
    usage = Usage(input_tokens=3)
    model = scripted([TextDelta("x"), TextDelta("y"), UsageUpdate(usage)])
    upper = Hook(lambda e: TextDelta(e.text.upper()) if isinstance(e, TextDelta) else e)

    await asked(client_of(model, outer, upper, inner), way)

    assert [r.text for r in inner.responses] == ["xy"]
    assert [r.text for r in outer.responses] == ["XY"]
    assert outer.responses[0].usage == usage


@both_ways
async def test_after_may_change_metadata_usage_and_reason_but_not_the_text(way: str) -> None:
    async def after(response: ChatResponse, ctx: RunContext) -> ChatResponse:
        changed = response.with_metadata(seen=True)
        return evolve(changed, usage=Usage(total_tokens=7), finish_reason=FinishReason.LENGTH)

    outer = Noted("a")
    response = await asked(client_of("Hi", outer, Noted("b", after=after)), way)

    assert outer.responses[0].metadata["seen"] is True
    assert response.metadata["seen"] is True
    assert response.usage.total_tokens == 7
    assert response.finish_reason is FinishReason.LENGTH


async def test_usage_and_finish_come_last_and_as_after_left_them() -> None:
    events = [UsageUpdate(Usage(total_tokens=1)), TextDelta("x"), Finish(), TextDelta("y")]
    late = Noted("a", after=lambda response, ctx: response.with_metadata(k=1))

    got = await read(client_of([events], late).stream("Why?"))

    assert got == [
        TextDelta("x"),
        TextDelta("y"),
        UsageUpdate(Usage(total_tokens=1)),
        Finish(FinishReason.STOP, {"k": 1}),
    ]


async def test_a_finish_that_the_provider_forgot_is_made_up_once() -> None:
    class Forgetful:
        provider = model = "forgetful"

        async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
            yield TextDelta("x")

        async def aclose(self) -> None: ...

    got = await read(client_of(Forgetful(), Naive(), Noted("a")).stream("Why?"))

    assert got == [TextDelta("x"), Finish(FinishReason.UNKNOWN)]


async def test_finish_reaches_the_reader_only_when_everything_is_done() -> None:
    log: list[str] = []
    client = client_of("Hi", Noted("a", log), Saver(log), Naive(), Noted("b", log))

    await keep(client.stream("Why?"), log, "read ")

    assert log[-3:-1] == ["b.close finished", "a.close finished"]
    assert log[-1].startswith("read Finish")
    assert "saver.save" in log


async def test_an_advisor_that_is_no_subclass_runs_as_well() -> None:
    class Plain:
        name = "plain"
        seen = 0

        def on_event(self, event: Event, ctx: RunContext) -> Event:
            self.seen += 1
            return event

        def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
            return request

    plain = Plain()
    await client_of("Hi", plain).call("Why?")  # type: ignore[arg-type]

    assert plain.seen == 2


async def test_open_gives_each_activation_a_hook_of_its_own() -> None:
    class Counting(Advisor):
        counts: list[int] = []  # noqa: RUF012  a fake

        def open(self, ctx: RunContext) -> EventHook:
            seen = 0

            def on_event(event: Event, ctx: RunContext) -> Event:
                nonlocal seen
                seen += 1
                self.counts.append(seen)
                return event

            return on_event

    client = client_of("a b", Counting())
    await client.call("Why?")
    await client.call("Why?")

    assert Counting.counts == [1, 2, 3, 1, 2, 3]
