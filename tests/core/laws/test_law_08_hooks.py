"""Law 8: hooks that are not overridden cost nothing; neighbours share one loop."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from junto.core import (
    Advisor,
    AdvisorContractError,
    ChatRequest,
    CustomEvent,
    Event,
    EventHook,
    Finish,
    Restart,
    RunContext,
    TextDelta,
)
from junto.core.levels import Stage

from ..kit import Hook, Naive, Noted, client_of, read, texts
from .lab import Provider, Stack, answer, got


class Silent(Advisor):
    """Overrides only what is called once a run."""

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        return request


class Bare:
    """No advisor by birth: one hook, and nothing that could be inherited."""

    def on_event(self, event: Event, ctx: RunContext) -> Event:
        return event


async def calls_of(advisors: list[Any], words: int) -> int:
    """How many Python functions a stream of so many events calls, generators' steps included."""
    count = 0

    def counts(frame: FrameType, what: str, argument: object) -> None:
        nonlocal count
        count += what == "call"

    client = client_of(Provider("events", [TextDelta("a")] * words), *advisors)
    async with client.stream("Why?") as stream:
        # What the garbage collector calls is not counted.
        gc.disable()
        sys.setprofile(counts)
        try:
            await read(stream)
        finally:
            sys.setprofile(None)
            gc.enable()
    return count


async def per_event(make: Callable[[], Any], size: int) -> float:
    few, many = [await calls_of([make() for _ in range(size)], n) for n in (10, 60)]
    return (many - few) / 50


@pytest.mark.parametrize("size", [1, 3, 50])
async def test_law_08_an_advisor_without_a_hook_for_events_costs_nothing_per_event(
    size: int,
) -> None:
    assert await per_event(Silent, size) == await per_event(Silent, 0)


@pytest.mark.parametrize("size", [1, 3, 50])
async def test_law_08_a_hook_for_events_costs_its_own_call_and_no_generator(size: int) -> None:
    assert await per_event(Bare, size) <= await per_event(Silent, 0) + size + 4


def stages(stage: Stage | None) -> list[int]:
    found = []
    while stage is not None:
        found.append(len(stage.levels))
        stage = stage.inner
    return found


def test_law_08_neighbours_share_a_stage_and_an_around_parts_them() -> None:
    hooks: list[Advisor] = [Noted(str(i)) for i in range(4)]
    whole = client_of("x", *hooks).chain.stage
    parted = client_of("x", *hooks[:2], Naive(), *hooks[2:]).chain.stage

    assert stages(whole) == [4]
    assert stages(parted) == [3, 2]


async def test_law_08_which_hooks_there_are_is_asked_once_when_the_chain_is_built(
    way: str, stack: Stack
) -> None:
    asked: list[str] = []

    class Watched(Noted):
        def __getattribute__(self, name: str) -> Any:
            if name in {"before", "on_event", "open", "after", "on_close", "around"}:
                asked.append(name)
            return super().__getattribute__(name)

    client = client_of("a b c", *stack.half(), Watched("watched"), *stack.half())
    at_build = len(asked)
    await got(client, way)
    await got(client, way)

    assert at_build > 0
    assert len(asked) == at_build


@pytest.mark.parametrize(
    ("out", "said"),
    [
        (lambda event: event, "a b"),
        (lambda event: TextDelta("x"), "xx"),
        (lambda event: (event, TextDelta("!")), "a! b!"),
        (lambda event: (), ""),
    ],
    ids=["the event", "another", "a tuple", "nothing"],
)
async def test_law_08_on_event_gives_the_event_another_or_a_tuple(
    way: str, stack: Stack, cut: str, out: Callable[[Event], Any], said: str
) -> None:
    hook = Hook(lambda event: out(event) if isinstance(event, TextDelta) else event)
    model = Provider(cut, answer("a b"))
    answered = await got(client_of(model, *stack.half(), hook, *stack.half()), way)

    assert answered.text == answered.response.text == said


async def test_law_08_none_is_an_error_that_names_the_advisor(way: str, stack: Stack) -> None:
    forgets = Hook(lambda event: None, "forgetful")
    with pytest.raises(AdvisorContractError, match="'forgetful' returned None") as caught:
        await got(client_of("a b", *stack.half(), forgets, *stack.half()), way)

    assert caught.value.advisor == "forgetful"


class Opened(Advisor):
    """Holds everything until finish; counts how often it was opened."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.opened = 0

    def open(self, ctx: RunContext) -> EventHook:
        self.opened += 1
        held: list[str] = []

        def on_event(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            if isinstance(event, TextDelta):
                held.append(event.text)
                return ()
            if isinstance(event, Restart):
                held.clear()
            if isinstance(event, Finish):
                return (TextDelta(f"{self.mark}{''.join(held)}{self.mark}"), event)
            return event

        return on_event


async def test_law_08_open_runs_once_per_activation_and_held_text_is_let_go_inner_levels_first(
    way: str, stack: Stack, cut: str
) -> None:
    outer, inner = Opened("|"), Opened("*")
    model = Provider(cut, answer("a b c"))
    client = client_of(model, *stack.made(), outer, *stack.made(), inner, *stack.made())
    for _ in range(2):
        answered = await got(client, way)
        assert answered.text == answered.response.text == "|*a b c*|"
        if way == "stream":
            assert [type(event) for event in answered.events] == [TextDelta, Finish]

    assert (outer.opened, inner.opened) == (2, 2)


async def test_law_08_a_run_that_fails_or_is_left_discards_what_is_held(
    stack: Stack, cut: str
) -> None:
    seen = Noted("seen")
    model = Provider(cut, [CustomEvent("x.y"), TextDelta("held"), OSError("cut")])
    client = client_of(model, seen, *stack.half(), Opened("|"), *stack.half())
    with pytest.raises(OSError, match="cut"):
        await client.call("Why?")
    if cut != "only whole":
        async with client.stream("Why?") as stream:
            assert await anext(stream) == CustomEvent("x.y")

    assert {outcome.response.text for outcome in seen.outcomes} == {""}
    assert texts([e for o in seen.outcomes for e in o.response.content_events()]) == []
