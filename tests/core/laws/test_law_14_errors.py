"""Law 14: an error passes unwrapped, as the same object, once the provider is closed."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.core import ChatRequest, Event, Next, OutcomeKind, RunContext, TextDelta

from ..kit import Noted, Steer, client_of
from .lab import Provider, Stack, answer, got, noted

HOOKS = ["before", "on_event", "after"]


def failing(hook: str, error: Exception, name: str = "fails", **more: Any) -> Noted:
    def fails(value: object, ctx: RunContext) -> Any:
        raise error

    return Noted(name, **{hook: fails}, **more)


@pytest.mark.parametrize("hook", HOOKS)
async def test_law_14_an_error_of_a_hook_ends_the_run_as_the_same_object(
    way: str, stack: Stack, hook: str
) -> None:
    trouble = LookupError("mine")
    model = Provider("events", answer("a b"))
    first, last = Noted("first"), Noted("last")
    advisors = [first, *stack.half(), failing(hook, trouble), *stack.half(), last]
    with pytest.raises(LookupError) as caught:
        await got(client_of(model, *advisors), way)

    assert caught.value is trouble
    assert caught.value.__cause__ is None
    assert model.open_streams == 0
    assert [outcome.error for outcome in first.outcomes] == [trouble]
    reached = 0 if hook == "before" else 1
    assert len(last.outcomes) == reached


async def test_law_14_an_error_of_the_provider_passes_as_the_same_object(
    way: str, stack: Stack, cut: str
) -> None:
    trouble = OSError("cut")
    model = Provider(cut, [TextDelta("a"), trouble])
    with pytest.raises(OSError, match="cut") as caught:
        await got(client_of(model, *stack.made()), way)

    assert caught.value is trouble
    assert model.open_streams == 0


async def test_law_14_an_error_of_an_around_ends_the_run_when_the_provider_is_closed(
    way: str, stack: Stack, cut: str
) -> None:
    trouble = LookupError("mine")

    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event
            raise trouble

    model = Provider(cut, answer("a b"))
    open_at: list[int] = []

    def on_close(outcome: object, ctx: RunContext) -> None:
        open_at.append(model.open_streams)

    advisors = [Noted("outer", on_close=on_close), *stack.half(), Steer(around), *stack.half()]
    with pytest.raises(LookupError) as caught:
        await got(client_of(model, *advisors), way)

    assert caught.value is trouble
    assert open_at == [0]


async def test_law_14_an_around_may_handle_what_comes_from_inside(
    way: str, stack: Stack, cut: str
) -> None:
    trouble = OSError("cut")
    caught: list[Exception] = []

    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except OSError as error:
            caught.append(error)
            yield TextDelta("Sorry.")

    model = Provider(cut, [trouble])
    answered = await got(client_of(model, *stack.half(), Steer(around), *stack.half()), way)

    assert caught == [trouble]
    assert answered.text == answered.response.text == "Sorry."


@pytest.mark.parametrize("hook", HOOKS)
async def test_law_14_an_isolated_advisor_is_counted_logged_and_left_out(
    way: str, stack: Stack, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    trouble = LookupError("mine")
    isolated = failing(hook, trouble, isolated=True)
    first = Noted("first")
    advisors = [first, *stack.half(), isolated, *stack.half()]
    client = client_of(Provider("events", answer("a b")), *advisors)
    with caplog.at_level(logging.WARNING, "junto.core"):
        answered = await got(client, way)

    assert answered.text == answered.response.text == "a b"
    assert first.outcomes[0].left_out == ("fails",)
    assert {kind for a in noted(advisors) for kind in a.kinds} == {OutcomeKind.FINISHED}
    assert len(caplog.records) == 1
    seen = [entry for entry in isolated.log if entry.startswith("fails.event")]
    assert len(seen) == {"before": 0, "on_event": 1, "after": 2}[hook]
