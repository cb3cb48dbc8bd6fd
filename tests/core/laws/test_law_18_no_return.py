"""Law 18: a new attempt is silent until the run is shown; then it fails, restarts or goes on."""

from __future__ import annotations

from typing import get_args

import pytest

from junto.core import (
    Advisor,
    AssistantMessage,
    ChatRequest,
    CustomEvent,
    Event,
    EventHook,
    Finish,
    OutcomeKind,
    ReasoningDelta,
    Restart,
    RunContext,
    Source,
    TextDelta,
    ToolCallDelta,
    ToolResult,
    collect,
)

from ..cases.plugins import Policy, Retry
from ..kit import Hook, Noted, Saver, Texts, client_of, read, texts
from .lab import Provider, Stack, answer, got, noted, script

BROKEN = script(TextDelta("It "), TextDelta("was"), OSError("cut"))
POLICIES: tuple[Policy, ...] = get_args(Policy)


@pytest.mark.parametrize("policy", POLICIES)
async def test_law_18_an_attempt_that_failed_before_the_run_was_shown_is_silent(
    way: str, stack: Stack, cut: str, policy: Policy
) -> None:
    saver, first = Saver(), Noted("first")
    model = Provider(cut, script(CustomEvent("x.ping"), OSError("cut")), answer("It is so."))
    advisors = [first, saver, *stack.half(), Retry(policy), *stack.half()]
    answered = await got(client_of(model, *advisors), way)

    assert answered.text == answered.response.text == saver.saved[0].text == "It is so."
    assert not any(isinstance(event, Restart) for event in answered.events)
    assert first.kinds == [OutcomeKind.FINISHED]


async def test_law_18_once_shown_a_failure_fails_where_that_is_declared(stack: Stack) -> None:
    trouble = OSError("cut")
    model = Provider("events", script(TextDelta("It "), trouble), answer("never"))
    client = client_of(model, *stack.half(), Retry("fail"), *stack.half())
    with pytest.raises(OSError, match="cut") as caught:
        await read(client.stream("Why?"))

    assert caught.value is trouble
    assert len(model.requests) == 1


async def test_law_18_a_restart_is_seen_by_the_reader_and_voids_every_record(
    stack: Stack,
) -> None:
    saver = Saver()
    model = Provider("events", BROKEN, answer("It is so."))
    outer = stack.made()
    advisors = [saver, *outer, Texts(str.upper), Retry("restart"), *stack.made()]
    answered = await got(client_of(model, *advisors), "stream")

    assert texts(answered.events) == ["IT ", "WAS", "IT", " IS", " SO."]
    assert [i for i, e in enumerate(answered.events) if isinstance(e, Restart)] == [2]
    assert collect(answered.events).text == "IT IS SO."
    assert answered.response.text == saver.saved[0].text == "IT IS SO."
    assert {r.text for advisor in noted(outer) for r in advisor.responses} <= {"IT IS SO."}


async def test_law_18_going_on_from_what_was_shown_repeats_no_text(stack: Stack) -> None:
    saver = Saver()
    model = Provider("events", BROKEN, answer(" so, it is."))
    advisors = [saver, *stack.half(), Retry("continue"), *stack.half()]
    answered = await got(client_of(model, *advisors), "stream")

    assert answered.text == answered.response.text == saver.saved[0].text == "It was so, it is."
    assert model.requests[1].messages[-1] == AssistantMessage("It was")
    assert not any(isinstance(event, Restart) for event in answered.events)


@pytest.mark.parametrize("policy", POLICIES)
async def test_law_18_a_call_has_shown_nothing_so_its_new_attempts_are_silent(
    stack: Stack, cut: str, policy: Policy
) -> None:
    model = Provider(cut, BROKEN, answer("It is so."))
    response = await client_of(model, *stack.half(), Retry(policy), *stack.half()).call("Why?")

    assert response.text == "It is so."


class Asks(Advisor):
    """Notes at every event whether the run has been shown, and whether its reasoning has."""

    def __init__(self) -> None:
        self.told: list[tuple[bool, bool]] = []

    def on_event(self, event: Event, ctx: RunContext) -> Event:
        self.told.append((ctx.shown, ctx.shown_reasoning))
        return event


@pytest.mark.parametrize(
    ("event", "shows"),
    [
        (TextDelta("a"), (True, False)),
        (ToolCallDelta(0, "1", "f"), (True, False)),
        (ToolResult("1", "f", "4"), (True, False)),
        (ReasoningDelta("hm"), (False, True)),
        (CustomEvent("x.y"), (False, False)),
    ],
    ids=["text", "tool call", "tool result", "reasoning", "custom"],
)
async def test_law_18_a_run_is_shown_by_text_and_tools_and_reasoning_is_told_apart(
    stack: Stack, event: Event, shows: tuple[bool, bool]
) -> None:
    model = Provider("only streams", script(event, CustomEvent("x.then"), Finish()))
    for way, shown in (("stream", shows), ("call", (False, False))):
        asks = Asks()
        await got(client_of(model, *stack.half(), asks, *stack.half()), way)
        assert asks.told == [(False, False), shown, shown]


async def test_law_18_what_never_left_the_outermost_level_shows_nothing(stack: Stack) -> None:
    hides = Hook(lambda event: () if event == TextDelta("It ") else event)
    model = Provider("events", script(TextDelta("It "), OSError("cut")), answer("Yes."))
    advisors = [hides, *stack.half(), Retry("fail"), *stack.half()]
    events = await read(client_of(model, *advisors).stream("Why?"))

    assert events == [TextDelta("Yes."), Finish()]


async def test_law_18_reasoning_counts_where_that_is_declared(stack: Stack) -> None:
    broken = script(ReasoningDelta("hm"), OSError("cut"))

    def asked(*, counts: bool) -> list[Advisor]:
        return [*stack.half(), Retry("fail", reasoning_counts=counts), *stack.half()]

    lenient = client_of(Provider("events", broken, answer("Yes.")), *asked(counts=False))
    strict = client_of(Provider("events", broken, answer("Yes.")), *asked(counts=True))

    events = await read(lenient.stream("Why?"))
    assert [type(e) for e in events] == [ReasoningDelta, Restart, TextDelta, Finish]
    with pytest.raises(OSError, match="cut"):
        await read(strict.stream("Why?"))


@pytest.mark.parametrize(
    "shown", [Source("https://example.org"), ToolResult("1", "f", "4"), ReasoningDelta("hm")]
)
async def test_law_18_a_restart_is_never_swallowed_when_the_reader_has_part_of_the_answer(
    stack: Stack, shown: Event
) -> None:
    model = Provider("events", script(shown, OSError("cut")), script(shown, *answer("Yes.")))
    answered = await got(client_of(model, *stack.made(), Retry("restart")), "stream")

    assert [type(e) for e in answered.events[:3]] == [type(shown), Restart, type(shown)]
    assert collect(answered.events) == answered.response


class Holds(Advisor):
    """Holds all text until the end, and forgets it on a restart as it should."""

    def open(self, ctx: RunContext) -> EventHook:
        held: list[str] = []

        def on_event(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            match event:
                case TextDelta():
                    held.append(event.text)
                    return ()
                case Restart():
                    held.clear()
                case Finish():
                    return (TextDelta("".join(held)), event)
                case _:
                    pass
            return event

        return on_event


@pytest.mark.parametrize("buffered", [False, True])
async def test_law_18_every_held_event_resets_on_a_restart(
    way: str, stack: Stack, cut: str, buffered: bool
) -> None:
    holds = Noted("buffer", buffered=True) if buffered else Holds()
    saver = Saver()
    model = Provider(cut, BROKEN, answer("It is so."))
    advisors = [saver, *stack.made(), holds, *stack.made(), Retry("restart"), *stack.made()]
    answered = await got(client_of(model, *advisors), way)

    assert answered.text == answered.response.text == saver.saved[0].text == "It is so."
    assert not any(isinstance(event, Restart) for event in answered.events)


async def test_law_18_the_context_of_an_inner_activation_knows_as_well(stack: Stack) -> None:
    told: list[bool] = []

    def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        told.append(ctx.shown)
        return request

    model = Provider("events", BROKEN, answer("Yes."))
    await got(client_of(model, *stack.made(), Retry(), Noted("in", before=before)), "stream")

    assert told == [False, True]
