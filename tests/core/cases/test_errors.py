"""Cases T31 to T38: what goes wrong, and who is told what."""

from __future__ import annotations

import logging

import pytest

from junto.core import Event, OutcomeKind, RunContext, TextDelta

from ..kit import Naive, Noted, asked, both_ways, client_of, keep, scripted
from .plugins import Retry


def failing(name: str, hook: str, error: BaseException, **more: object) -> Noted:
    def fails(value: object, ctx: RunContext) -> None:
        raise error

    return Noted(name, **{hook: fails}, **more)


@both_ways
async def test_t31_an_error_of_the_model_reaches_everybody_as_the_same_object(way: str) -> None:
    trouble = OSError("cut")
    a1, a2 = Noted("a1"), Noted("a2")
    with pytest.raises(OSError, match="cut") as caught:
        await asked(client_of(["a", "b", trouble], a1, Naive(), a2), way)

    assert caught.value is trouble
    for outcome in (*a1.outcomes, *a2.outcomes):
        assert (outcome.kind, outcome.error) == (OutcomeKind.FAILED, trouble)
        assert outcome.response.text == "ab"


async def test_t31_the_reader_gets_what_came_and_then_the_error() -> None:
    got: list[Event] = []
    stream = client_of(["a", "b", OSError("cut")], Noted("a"), Naive()).stream("?")
    with pytest.raises(OSError, match="cut"):
        await keep(stream, got)

    assert got == [TextDelta("a"), TextDelta("b")]


@both_ways
async def test_t32_an_error_of_the_inner_before_fails_the_outer_and_asks_nobody(way: str) -> None:
    model = scripted("never")
    a1 = Noted("a1")
    with pytest.raises(LookupError):
        await asked(client_of(model, a1, failing("a2", "before", LookupError())), way)

    assert a1.kinds == [OutcomeKind.FAILED]
    assert model.requests == []


@both_ways
async def test_t33_an_error_at_the_third_piece_closes_the_model_and_holds_that_piece(
    way: str,
) -> None:
    trouble = LookupError("third")

    def on_event(event: Event, ctx: RunContext) -> Event:
        if event == TextDelta("c"):
            raise trouble
        return event

    model = scripted(["a", "b", "c", "d"])
    a1 = Noted("a1")
    with pytest.raises(LookupError) as caught:
        await asked(client_of(model, a1, Naive(), Noted("a2", on_event=on_event)), way)

    assert caught.value is trouble
    assert a1.outcomes[0].error is trouble
    assert a1.outcomes[0].response.text == "ab"
    assert model.open_streams == 0


@both_ways
@pytest.mark.parametrize("hook", ["on_close", "after"])
async def test_t34_closing_and_isolated_advisors_fail_without_harm_and_are_reported_once(
    way: str, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    a1 = Noted("a1")
    broken = failing("a2", hook, LookupError("x"), isolated=hook == "after")
    with caplog.at_level(logging.WARNING, "junto.core"):
        response = await asked(client_of("a b", a1, broken), way)

    assert response.text == "a b"
    assert a1.kinds == [OutcomeKind.FINISHED]
    assert len(caplog.records) == 1


@both_ways
async def test_t34_an_after_that_is_not_isolated_ends_the_run_with_its_own_error(way: str) -> None:
    """Law 14 decides: an ``after`` is part of the run, and no error is wrapped in a group."""
    trouble = LookupError("x")
    with pytest.raises(LookupError) as caught:
        await asked(client_of("a b", Noted("a1"), failing("a2", "after", trouble)), way)

    assert caught.value is trouble


@both_ways
@pytest.mark.parametrize("hook", ["before", "on_event", "after"])
async def test_t36_an_isolated_observer_that_fails_is_counted_and_changes_nothing(
    way: str, hook: str
) -> None:
    a1 = Noted("a1")
    broken = failing("log", hook, LookupError("x"), isolated=True)
    response = await asked(client_of("a b", a1, broken, Noted("a2")), way)

    assert response.text == "a b"
    assert a1.outcomes[0].left_out == ("log",)


class Approval(BaseException):
    """Control flow of an application: not an error."""


class ApprovalWanted(Exception):  # noqa: N818  the same, as most would write it
    pass


@both_ways
@pytest.mark.parametrize("kind", [Approval, ApprovalWanted])
async def test_t38_control_flow_passes_a_retry_untouched(
    way: str, kind: type[BaseException]
) -> None:
    interrupt = kind("may I?")
    model = scripted("never")
    asks = failing("asks", "before", interrupt)
    with pytest.raises(kind) as caught:
        await asked(client_of(model, Noted("a1"), Retry("restart"), asks), way)

    assert caught.value is interrupt
    assert len(asks.outcomes) == 1
