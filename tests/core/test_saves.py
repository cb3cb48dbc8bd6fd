"""Law 5: ``after``, buffered advisors, and saves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from junto.core import (
    AdvisorContractError,
    ChatRequest,
    ChatResponse,
    Event,
    Finish,
    OutcomeKind,
    ReasoningDelta,
    RunContext,
    SaveError,
    StreamClosedError,
    TextDelta,
)

from .kit import (
    Hanging,
    Naive,
    Noted,
    Saver,
    Steer,
    Texts,
    asked,
    both_ways,
    client_of,
    keep,
    read,
    scripted,
    text_of,
    texts,
)


def rewrites(response: ChatResponse, ctx: RunContext) -> ChatResponse:
    return response.with_text(response.text.upper())


@both_ways
async def test_an_after_that_changes_delivered_text_is_an_error_that_says_so(way: str) -> None:
    with pytest.raises(AdvisorContractError, match=r"'a' changed the answer.*buffered = True"):
        await asked(client_of("Hi", Noted("a", after=rewrites)), way)


@both_ways
async def test_a_buffered_advisor_may_rewrite_the_whole_answer(way: str) -> None:
    saver, outer = Saver(), Noted("a")
    rewriter = Noted("b", after=rewrites, buffered=True)
    inner = Noted("c")

    response = await asked(client_of("Hi you", saver, outer, rewriter, inner), way)

    assert response.text == saver.saved[0].text == outer.responses[0].text == "HI YOU"
    assert inner.outcomes[0].response.text == "Hi you"
    assert rewriter.outcomes[0].response.text == outer.outcomes[0].response.text == "HI YOU"


async def test_a_buffered_answer_that_is_unchanged_goes_out_as_it_came() -> None:
    events: list[Event] = [TextDelta("a"), ReasoningDelta("r"), TextDelta("b")]

    got = await read(client_of([events], Noted("a", buffered=True)).stream("?"))

    assert all(a is b for a, b in zip(got, events, strict=False))


async def test_a_buffered_answer_that_is_changed_goes_out_as_one_event_per_part() -> None:
    events = [ReasoningDelta("r"), TextDelta("a"), TextDelta("b")]
    client = client_of([events], Noted("a", after=rewrites, buffered=True))

    got = await read(client.stream("?"))

    assert got[:-1] == [ReasoningDelta("r"), TextDelta("AB")]


async def test_nothing_leaves_a_buffered_advisor_before_its_after_has_run() -> None:
    log: list[str] = []
    buffered = Noted("b", log, buffered=True)

    stream = client_of("x y", Noted("a", log), buffered).stream("?")
    await keep(stream.text(), log, "read ")

    assert log.index("b.after") < log.index("a.event x") < log.index("read x")
    assert log.index("read x") < log.index("a.event  y")


async def test_buffered_advisors_inside_one_another_and_inside_arounds() -> None:
    log: list[str] = []
    stack = [
        Noted("a", log, buffered=True, after=lambda r, c: r.with_text(r.text + "1")),
        Naive(),
        Noted("b", log, buffered=True, after=lambda r, c: r.with_text(r.text + "2")),
        Texts(str.upper),
        Noted("c", log, buffered=True, after=lambda r, c: r.with_text(r.text + "3")),
    ]

    assert await text_of(client_of("x", *stack).stream("?")) == "X321"
    assert [e for e in log if e.endswith("close finished")] == [
        "c.close finished",
        "b.close finished",
        "a.close finished",
    ]


async def test_a_veto_leaves_no_trace_of_the_answer_outside() -> None:
    def veto(response: ChatResponse, ctx: RunContext) -> ChatResponse:
        raise ValueError("no")

    outer = Noted("a")
    guard = Noted("b", after=veto, buffered=True)
    stream = client_of("secret", outer, guard).stream("?")
    seen: list[Any] = []
    with pytest.raises(ValueError, match="no"):
        await keep(stream, seen)

    assert seen == []
    assert outer.outcomes[0].response.text == guard.outcomes[0].response.text == ""
    assert stream.outcome is not None
    assert stream.outcome.response.text == ""


async def test_a_buffered_answer_that_is_left_early_was_never_seen() -> None:
    stream = client_of(Hanging("secret"), Noted("a", buffered=True)).stream("?")
    with pytest.raises(TimeoutError):
        async with stream, asyncio.timeout(0.01):
            await read(stream)

    with pytest.raises(StreamClosedError) as raised:
        await stream.response()
    assert raised.value.response is not None
    assert raised.value.response.text == ""


@both_ways
async def test_saves_run_once_in_order_with_what_left_the_outermost_level(way: str) -> None:
    log: list[str] = []
    first, second = Saver(log, "first"), Saver(log, "second")

    response = await asked(client_of("x", first, Texts(str.upper), Naive(), second), way)

    assert log == ["first.save", "second.save"]
    assert first.saved[0].text == second.saved[0].text == response.text == "X"


@both_ways
async def test_a_save_that_fails_fails_the_run_and_carries_the_response(way: str) -> None:
    problem = OSError("disk full")

    def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        async def save(response: ChatResponse) -> None:
            raise problem

        ctx.add_save(save)
        return request

    outer, inner = Noted("a", before=before), Noted("b")
    stream = client_of("Hi", outer, Naive(), inner).stream("?")
    with pytest.raises(SaveError, match="disk full") as raised:
        await (stream.response() if way == "stream" else client_of("Hi", outer, inner).call("?"))

    assert raised.value.__cause__ is problem
    assert raised.value.response is not None
    assert raised.value.response.text == "Hi"
    assert inner.kinds == outer.kinds == [OutcomeKind.FAILED]
    assert outer.outcomes[0].error is raised.value
    if way == "stream":
        with pytest.raises(SaveError) as again:
            await stream.response()
        assert again.value is raised.value


async def test_the_reader_of_a_run_whose_save_fails_never_sees_finish() -> None:
    def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        async def save(response: ChatResponse) -> None:
            raise OSError

        ctx.add_save(save)
        return request

    seen: list[Event] = []
    with pytest.raises(SaveError):
        await keep(client_of("Hi", Noted("a", before=before)).stream("?"), seen)

    assert seen == [TextDelta("Hi")]


async def test_a_save_asked_for_in_any_hook_runs() -> None:
    saved: list[str] = []

    def asks(name: str) -> Any:
        def hook(value: Any, ctx: RunContext) -> Any:
            async def save(response: ChatResponse) -> None:
                saved.append(name)

            ctx.add_save(save, key=name)
            return value

        return hook

    hooks = {name: asks(name) for name in ("before", "on_event", "after")}
    await client_of("x", Naive(), Noted("a", **hooks)).call("?")

    assert saved == ["before", "on_event", "after"]


async def test_an_advisor_inside_a_retry_saves_once() -> None:
    async def retry(request: ChatRequest, next: Any) -> Any:
        for _ in range(3):
            try:
                async for event in next(request):
                    yield event
            except OSError:
                continue
            return

    saver = Saver()
    model = scripted([OSError()], [TextDelta("x")])

    await client_of(model, Steer(retry), saver).call("?")

    assert [r.text for r in saver.saved] == ["x"]


async def test_nothing_is_saved_after_an_early_exit() -> None:
    saver = Saver()
    async with client_of("a b c", saver).stream("?") as stream:
        async for _ in stream:
            break

    assert saver.saved == []


async def test_a_save_sees_metadata_as_the_outermost_after_left_it() -> None:
    saver = Saver()
    late = Noted("a", after=lambda r, c: r.with_metadata(k=1))

    got = await read(client_of("x", late, saver).stream("?"))

    assert saver.saved[0].metadata["k"] == 1
    assert texts(got) == ["x"]
    assert isinstance(got[-1], Finish)
