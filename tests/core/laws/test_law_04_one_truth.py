"""Law 4: what left the outermost level is the answer, for the reader, the response and memory."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from junto.core import (
    Advisor,
    AssistantMessage,
    Event,
    EventHook,
    Finish,
    ReasoningDelta,
    ReasoningPart,
    RunContext,
    TextDelta,
)

from ..kit import Hook, Noted, Saver, Texts, client_of, text_of
from .lab import CUTS, STACKS, Provider, Stack, Step, answer, got, noted


class Holds(Advisor):
    """Holds back two characters, and marks them when it lets them go."""

    def open(self, ctx: RunContext) -> EventHook:
        held = ""

        def on_event(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            nonlocal held
            if isinstance(event, TextDelta):
                text, held = held + event.text, ""
                text, held = text[:-2], text[-2:]
                return (TextDelta(text),) if text else ()
            if isinstance(event, Finish):
                return (TextDelta(f"<{held}>"), event)
            return event

        return on_event


class Doubles(Advisor):
    """Gives each piece twice."""

    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        return (event, event) if isinstance(event, TextDelta) else event


CHANGES: dict[str, Callable[[], Advisor]] = {
    "upper": lambda: Texts(str.upper),
    "prefix": lambda: Texts(lambda text: "+" + text),
    "drops": lambda: Hook(lambda event: () if isinstance(event, TextDelta) else event),
    "doubles": Doubles,
    "holds": Holds,
}


async def test_law_04_reader_response_and_memory_hold_the_same(
    way: str, stack: Stack, cut: str
) -> None:
    for change in CHANGES.values():
        saver = Saver()
        model = Provider(cut, answer("It is so."))
        advisors = [saver, *stack.half(), change(), *stack.half()]
        answered = await got(client_of(model, *advisors), way)

        assert answered.text == answered.response.text == saver.saved[0].text
        assert saver.saved[0] is answered.response


async def test_law_04_each_level_sees_the_text_of_its_own_level(
    way: str, stack: Stack, cut: str
) -> None:
    outer, inner = stack.made(), stack.made()
    model = Provider(cut, answer("it is"))
    first, last = Noted("first"), Noted("last")
    shout = Texts(str.upper)
    bracket = Texts(lambda text: f"[{text}]")
    answered = await got(
        client_of(model, first, bracket, *outer, shout, *inner, last),
        way,
    )

    assert answered.text == "[IT][ IS]"
    assert [r.text for r in first.responses] == ["[IT][ IS]"]
    assert {r.text for advisor in noted(outer) for r in advisor.responses} <= {"IT IS"}
    assert {r.text for advisor in noted(inner) for r in advisor.responses} <= {"it is"}
    assert [r.text for r in last.responses] == ["it is"]
    assert last.outcomes[0].response.text == "it is"
    assert first.outcomes[0].response.text == "[IT][ IS]"


async def test_law_04_shown_reasoning_stays_reasoning_at_every_level(
    way: str, stack: Stack, cut: str
) -> None:
    def show(event: Event) -> Event:
        if not isinstance(event, ReasoningDelta):
            return event
        return ReasoningDelta(event.text, shown=f"({event.text})")

    saver, outermost = Saver(), Noted("outermost")
    script: list[Step] = [ReasoningDelta("so it is"), *answer("Yes.")]
    advisors = [outermost, saver, *stack.half(), Hook(show), *stack.half()]
    answered = await got(client_of(Provider(cut, script), *advisors), way)

    assert answered.text == answered.response.text == saver.saved[0].text == "Yes."
    assert outermost.responses[0].text == "Yes."
    assert answered.response.reasoning == "so it is"
    assert answered.response.display_text == "(so it is)Yes."
    kept = saver.saved[0].message
    assert kept.parts[0] == ReasoningPart("so it is", shown="(so it is)")
    assert kept.without_reasoning() == AssistantMessage("Yes.")


async def test_law_04_the_view_prints_what_display_text_has(stack: Stack, cut: str) -> None:
    script = [ReasoningDelta("hm", shown="<hm>"), ReasoningDelta("silent"), *answer("Yes.")]
    client = client_of(Provider(cut, script), *stack.made())

    printed = await text_of(client.stream("Why?"))

    assert printed == (await client.call("Why?")).display_text == "<hm>Yes."


pieces = st.lists(
    st.one_of(
        st.text("ab <>é字", max_size=4).map(TextDelta),
        st.text("ab", max_size=3).map(ReasoningDelta),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(
    events=pieces,
    cut=st.sampled_from(CUTS),
    stack=st.sampled_from([stack for stack in STACKS if stack.size < 50]),
    changes=st.lists(st.sampled_from(sorted(CHANGES)), max_size=4),
)
async def test_law_04_no_cut_and_no_stack_parts_the_reader_from_the_response(
    events: list[Event], cut: str, stack: Stack, changes: list[str]
) -> None:
    saver = Saver()
    script = [*events, Finish()]
    advisors = [saver, *stack.made(), *[CHANGES[change]() for change in changes]]
    streamed = await got(client_of(Provider(cut, script), *advisors), "stream")
    called = await got(client_of(Provider(cut, script), *advisors), "call")

    assert streamed.text == streamed.response.text == saver.saved[0].text
    assert called.response == streamed.response
