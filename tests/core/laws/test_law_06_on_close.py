"""Law 6: ``on_close`` runs exactly once for each that was reached, however it ended."""

from __future__ import annotations

import asyncio
import logging

import pytest

from junto.core import (
    ChatRequest,
    ChatResponse,
    Finish,
    OutcomeKind,
    RunContext,
    StreamClosedError,
    TextDelta,
    Usage,
    UsageUpdate,
)
from junto.core import run as run_module

from ..kit import Noted, client_of
from .lab import Provider, Stack, Step, answer, got, hooked, noted

SPENT = Usage(input_tokens=3, output_tokens=2)


async def test_law_06_a_finished_run_closes_each_once(way: str, stack: Stack, cut: str) -> None:
    advisors = [Noted("first"), *stack.made(), Noted("last")]
    await got(client_of(Provider(cut, answer("It is so.", SPENT)), *advisors), way)

    for advisor in noted(advisors):
        (outcome,) = advisor.outcomes
        assert (outcome.kind, outcome.error, outcome.ok) == (OutcomeKind.FINISHED, None, True)
        assert outcome.response.text == "It is so."
        assert outcome.usage == outcome.response.usage == SPENT


async def test_law_06_a_failed_run_tells_each_the_original_error_and_the_part_that_came(
    way: str, stack: Stack, cut: str
) -> None:
    trouble = OSError("cut")
    model = Provider(cut, [TextDelta("It "), TextDelta("is"), trouble])
    advisors = [Noted("first"), *stack.made(), Noted("last")]
    with pytest.raises(OSError, match="cut"):
        await got(client_of(model, *advisors), way)

    whole = model.whole(model.requests[0])
    for advisor in noted(advisors):
        (outcome,) = advisor.outcomes
        assert outcome.kind is OutcomeKind.FAILED
        assert outcome.error is trouble
        assert outcome.response.text == ("" if whole else "It is")
        assert outcome.response.finish_reason is None


async def test_law_06_a_cancelled_run_closes_each_once(way: str, stack: Stack, cut: str) -> None:
    waiting = asyncio.Event()

    async def hangs() -> None:
        waiting.set()
        await asyncio.get_running_loop().create_future()

    model = Provider(cut, [TextDelta("It "), hangs, TextDelta("is")])
    advisors = [Noted("first"), *stack.made(), Noted("last")]
    task = asyncio.create_task(got(client_of(model, *advisors), way))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    for advisor in noted(advisors):
        (outcome,) = advisor.outcomes
        assert outcome.kind is OutcomeKind.CANCELLED
        assert isinstance(outcome.error, asyncio.CancelledError)


async def test_law_06_a_run_that_the_reader_leaves_closes_each_once(stack: Stack, cut: str) -> None:
    model = Provider(cut, answer("It is so."))
    advisors = [Noted("first"), *stack.made(), Noted("last")]
    async with client_of(model, *advisors).stream("Why?") as stream:
        await anext(stream)

    assert [advisor.kinds for advisor in noted(advisors)] == [
        [OutcomeKind.ABANDONED] for _ in noted(advisors)
    ]
    assert noted(advisors)[0].outcomes[0].response.text == "It"
    with pytest.raises(StreamClosedError):
        await stream.response()


async def test_law_06_a_short_circuited_run_closes_those_that_were_reached(
    way: str, stack: Stack, cut: str
) -> None:
    def before(request: ChatRequest, ctx: RunContext) -> ChatResponse:
        return ChatResponse.of("cached")

    reached = [*stack.made(), Noted("cache", before=before)]
    unreached: list[str] = []
    model = Provider(cut, answer("never"))
    await got(client_of(model, *reached, *stack.made(unreached)), way)

    assert {tuple(a.kinds) for a in noted(reached)} == {(OutcomeKind.SHORT_CIRCUITED,)}
    assert unreached == []


async def test_law_06_a_before_that_fails_closes_itself_and_those_further_out(
    way: str, stack: Stack
) -> None:
    def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        raise OSError("no")

    reached = [*stack.made(), Noted("fails", before=before)]
    unreached: list[str] = []
    with pytest.raises(OSError, match="no"):
        await got(client_of("never", *reached, *stack.made(unreached)), way)

    assert {tuple(a.kinds) for a in noted(reached)} == {(OutcomeKind.FAILED,)}
    assert unreached == []


async def test_law_06_the_usage_known_so_far_is_told(stack: Stack, cut: str) -> None:
    script: list[Step] = [UsageUpdate(SPENT), *answer("It is so."), Finish()]
    advisors = [*[a for a in stack.made() if type(a) is Noted], Noted("last")]
    async with client_of(Provider(cut, script), *advisors).stream("Why?") as stream:
        await anext(stream)

    assert {advisor.outcomes[0].usage for advisor in noted(advisors)} == {SPENT}
    assert stream.outcome is not None
    assert stream.outcome.usage == SPENT


async def test_law_06_a_failure_while_closing_is_kept_and_logged_and_changes_nothing(
    way: str, stack: Stack, cut: str, caplog: pytest.LogCaptureFixture
) -> None:
    trouble = OSError("cannot close")

    def on_close(outcome: object, ctx: RunContext) -> None:
        raise trouble

    log: list[str] = []
    outer = Noted("outer", log)
    advisors = [outer, *stack.made(log), Noted("broken", log, on_close=on_close)]
    with caplog.at_level(logging.WARNING, "junto.core"):
        answered = await got(client_of(Provider(cut, answer("Yes")), *advisors), way)

    assert answered.text == "Yes"
    assert outer.kinds == [OutcomeKind.FINISHED]
    assert outer.outcomes[0].cleanup_errors == [trouble]
    assert hooked(log, "close finished") == hooked(log, "before")[::-1]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_law_06_a_close_that_hangs_is_given_up(
    way: str, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "CLOSE_SECONDS", 0.001)

    async def on_close(outcome: object, ctx: RunContext) -> None:
        await asyncio.get_running_loop().create_future()

    advisors = [Noted("outer"), *stack.half(), Noted("hangs", on_close=on_close), *stack.half()]
    answered = await got(client_of("Yes", *advisors), way)

    assert answered.text == "Yes"
    assert all(advisor.kinds == [OutcomeKind.FINISHED] for advisor in noted(advisors))
    errors = noted(advisors)[0].outcomes[0].cleanup_errors
    assert [type(error) for error in errors] == [TimeoutError]
