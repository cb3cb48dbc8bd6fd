"""Laws 4, 10 and 15: the reader, the response and what is saved are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from junto.core import (
    Advisor,
    CustomEvent,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    RunContext,
    Source,
    TextDelta,
    ToolCallDelta,
    ToolCallPart,
    ToolResult,
    Usage,
    UsageUpdate,
    collect,
)
from junto.core.collect import Record

from .kit import Hook, Naive, Noted, Saver, Texts, client_of, keep, read, scripted, text_of, texts


class HoldsLast(Advisor):
    """Holds back the last character until more comes."""

    def open(self, ctx: RunContext) -> Any:
        held = ""

        def on_event(event: Event, ctx: RunContext) -> Any:
            nonlocal held
            if isinstance(event, TextDelta):
                text = held + event.text
                out, held = text[:-1], text[-1:]
                return TextDelta(out) if out else ()
            if isinstance(event, Finish) and held:
                out, held = held, ""
                return (TextDelta(out), event)
            return event

        return on_event


def splits(event: Event) -> Any:
    if isinstance(event, TextDelta):
        return tuple(TextDelta(character) for character in event.text)
    return event


class DropsEverySecond(Advisor):
    """Drops every second character of the stream, wherever it was cut."""

    def open(self, ctx: RunContext) -> Any:
        count = 0

        def on_event(event: Event, ctx: RunContext) -> Any:
            nonlocal count
            if isinstance(event, TextDelta):
                kept = "".join(c for i, c in enumerate(event.text, count) if i % 2 == 0)
                count += len(event.text)
                return TextDelta(kept) if kept else ()
            return event

        return on_event


def appends(event: Event) -> Any:
    return (TextDelta("."), event) if isinstance(event, Finish) else event


KINDS: list[Callable[[], Advisor]] = [
    lambda: Texts(str.upper),
    lambda: Texts(str.swapcase),
    HoldsLast,
    DropsEverySecond,
    lambda: Hook(splits, "splits"),
    lambda: Hook(appends, "appends"),
    lambda: Noted("noted"),
    Naive,
]

stacks = st.lists(st.sampled_from(KINDS), max_size=8)
cuts = st.lists(st.text(max_size=6), max_size=8)


@settings(max_examples=150)
@given(pieces=cuts, batch=st.integers(1, 4), stack=stacks)
async def test_reader_response_and_save_agree_however_the_text_was_cut(
    pieces: list[str], batch: int, stack: list[Callable[[], Advisor]]
) -> None:
    def ask(pieces: list[str], batch: int) -> tuple[Saver, Any]:
        deltas = [TextDelta(piece) for piece in pieces]
        reads = [deltas[i : i + batch] for i in range(0, len(deltas), batch)]
        saver = Saver()
        return saver, client_of(scripted(reads), saver, *(make() for make in stack)).stream("?")

    saver, stream = ask(pieces, batch)
    shown = await text_of(stream)
    _, whole = ask(["".join(pieces)] if any(pieces) else [], 1)

    assert (await stream.response()).text == shown == saver.saved[0].text
    assert await text_of(whole) == shown


async def test_an_outer_transformer_sees_what_the_inner_one_gave() -> None:
    stream = client_of("x y", Texts("[{}".format, "a"), Texts("({}".format, "b")).stream("?")

    assert await text_of(stream) == "[(x[( y"


async def test_each_level_sees_the_text_of_its_own_level() -> None:
    inner, middle, outer = Noted("c"), Noted("b"), Noted("a")
    client = client_of(
        "x", outer, Texts(lambda t: t + "2"), middle, Texts(lambda t: t + "1"), inner
    )

    response = await client.call("?")

    assert [a.responses[0].text for a in (inner, middle, outer)] == ["x", "x1", "x12"]
    assert [a.outcomes[0].response.text for a in (inner, middle, outer)] == ["x", "x1", "x12"]
    assert response.text == "x12"


async def test_dropping_everything_leaves_an_empty_answer_that_finished() -> None:
    noted = Noted("a")
    drops = Hook(lambda e: () if isinstance(e, TextDelta) else e)

    got = await read(client_of("x y", noted, drops).stream("?"))

    assert [type(event) for event in got] == [Finish]
    assert noted.responses[0].text == ""


async def test_held_text_is_let_go_in_front_of_finish_inner_levels_first() -> None:
    def holds(name: str) -> Advisor:
        return Hook(lambda e: (TextDelta(name), e) if isinstance(e, Finish) else e, name)

    got = await read(client_of("x", holds("a"), holds("b"), Naive(), holds("c")).stream("?"))

    assert texts(got) == ["x", "c", "b", "a"]
    assert isinstance(got[-1], Finish)


async def test_what_a_hook_lets_go_on_usage_comes_before_what_it_lets_go_on_finish() -> None:
    def hook(event: Event) -> Any:
        if isinstance(event, UsageUpdate):
            return (TextDelta("1"), TextDelta("2"), event)
        return (TextDelta("3"), TextDelta("4"), event) if isinstance(event, Finish) else event

    model = scripted([UsageUpdate(Usage(total_tokens=1))])

    assert await text_of(client_of(model, Hook(hook)).stream("?")) == "1234"


async def test_a_hook_may_give_usage_with_finish() -> None:
    usage = UsageUpdate(Usage(total_tokens=5, estimated=True))
    adds = Hook(lambda e: (usage, e) if isinstance(e, Finish) else e)

    response = await client_of("x", Noted("a"), adds).call("?")

    assert response.usage == usage.usage


async def test_a_finish_that_a_hook_gave_early_counts_unless_it_passes_another_on() -> None:
    def blocks(event: Event) -> Any:
        if isinstance(event, TextDelta):
            return (TextDelta("no"), Finish(FinishReason.CONTENT_FILTER))
        return () if isinstance(event, Finish) else event

    got = await read(client_of("x", Noted("a"), Hook(blocks)).stream("?"))

    assert got == [TextDelta("no"), Finish(FinishReason.CONTENT_FILTER)]


async def test_several_outputs_go_out_one_per_pull_before_the_hook_is_called_again() -> None:
    log: list[str] = []

    def triples(event: Event) -> Any:
        if isinstance(event, TextDelta):
            log.append(f"hook {event.text}")
            return tuple(TextDelta(f"{event.text}{i}") for i in range(3))
        return event

    client = client_of([[TextDelta("a"), TextDelta("b")]], Noted("outer", log), Hook(triples))
    await keep(client.stream("?").text(), log, "read ")

    assert log[1:-3] == [
        "hook a",
        *(x for i in range(3) for x in (f"outer.event a{i}", f"read a{i}")),
        "hook b",
        *(x for i in range(3) for x in (f"outer.event b{i}", f"read b{i}")),
    ]


async def test_hooks_never_run_ahead_of_the_reader() -> None:
    noted = Noted("a")
    batch = [TextDelta(str(i)) for i in range(5)]
    async with client_of([batch], noted).stream("?") as stream:
        async for _ in stream:
            break

    assert [entry for entry in noted.log if "event" in entry] == ["a.event 0"]


async def test_shown_reasoning_is_rendered_by_text_and_kept_out_of_the_answer() -> None:
    def shows(event: Event) -> Event:
        if isinstance(event, ReasoningDelta):
            return ReasoningDelta(event.text, shown=f"<{event.text}>")
        return event

    model = scripted([ReasoningDelta("hm"), ReasoningDelta("m"), TextDelta("Yes")])
    stream = client_of(model, Hook(shows)).stream("?")

    assert await text_of(stream) == "<hm><m>Yes"
    response = await stream.response()
    assert (response.text, response.reasoning, response.display_text) == (
        "Yes",
        "hmm",
        "<hm><m>Yes",
    )


async def test_no_event_is_lost_and_none_changes_its_place() -> None:
    events: list[Event] = [
        TextDelta(""),
        ReasoningDelta("r", None, "seal"),
        Source("http://x"),
        TextDelta("t"),
        ToolCallDelta(0, "1", "f", "{"),
        ToolCallDelta(0, "", "", "}"),
        CustomEvent("my.event", 1),
        ToolResult("1", "f", "4"),
        TextDelta("end"),
    ]
    got = await read(client_of([events], Naive(), Noted("a")).stream("?"))

    assert got[:-1] == events
    assert all(a is b for a, b in zip(got, events, strict=False))


async def test_a_record_is_kept_once_per_different_stream() -> None:
    made = 0
    original = Record.__init__

    def counting(self: Record) -> None:
        nonlocal made
        made += 1
        original(self)

    Record.__init__ = counting  # type: ignore[method-assign]
    try:
        await client_of("a b c", *(Noted(str(i)) for i in range(10))).call("?")
        unchanged = made
        made = 0
        upper = Texts(str.upper)
        noted = [Noted(str(i)) for i in range(10)]
        await client_of("a b c", *noted[:5], upper, *noted[5:]).call("?")
    finally:
        Record.__init__ = original  # type: ignore[method-assign]

    assert (unchanged, made) == (1, 2)


def test_a_record_keeps_text_and_not_events() -> None:
    record = Record()
    for _ in range(10_000):
        record.add(TextDelta("ab"))
        record.compact()

    assert len(record.pieces) <= 512
    assert record.messages()[0].text == "ab" * 10_000


async def test_a_long_answer_is_compacted_on_its_way() -> None:
    stream = client_of([TextDelta("ab")] * 3_000, Texts(str.upper), Noted("n")).stream("?")
    await read(stream)
    fused = stream._act.fused

    assert all(len(fused.record_at(place).pieces) < 600 for place in (0, 2))


content = st.one_of(
    st.text(max_size=3).map(TextDelta),
    st.builds(ReasoningDelta, st.text(max_size=3), st.none() | st.text(max_size=2)),
    st.builds(ToolCallDelta, st.integers(0, 2), st.text(max_size=1), st.text(max_size=1)),
    st.builds(ToolResult, st.text(max_size=1), st.text(max_size=1), st.text(max_size=2)),
    st.builds(Source, st.text(max_size=2)),
)


@given(before=st.lists(content, max_size=8), after=st.lists(content, max_size=8))
def test_a_copied_record_goes_its_own_way(before: list[Any], after: list[Any]) -> None:
    record = Record()
    for event in before:
        record.add(event)
    was = record.messages()
    twin = record.copy()
    for event in after:
        twin.add(event)

    assert record.messages() == was == collect(before).messages
    assert record.sources == [event for event in before if isinstance(event, Source)]
    assert twin.messages() == collect([*before, *after]).messages


@given(st.lists(content, max_size=8))
def test_a_response_turned_into_events_gives_the_response(events: list[Any]) -> None:
    response = collect(events)

    assert collect(response.events()).text == response.text
    assert collect(response.events()).reasoning == response.reasoning


async def test_the_pieces_of_tool_calls_are_joined_by_their_index() -> None:
    pieces: list[Event] = [
        ToolCallDelta(0, "1", "f", "{"),
        ToolCallDelta(1, "2", "g"),
        ToolCallDelta(0, "", "", "}"),
    ]
    response = await client_of([pieces], Noted("a")).call("?")

    assert response.tool_calls == (ToolCallPart("1", "f", "{}"), ToolCallPart("2", "g", ""))


async def test_an_empty_delta_does_not_split_the_parts_of_an_answer() -> None:
    whole = [ReasoningDelta("ab"), TextDelta("cd")]
    cut: list[Event] = [
        TextDelta(""),
        ReasoningDelta("a"),
        TextDelta(""),
        ReasoningDelta("b"),
        TextDelta("c"),
        ReasoningDelta(""),
        TextDelta("d"),
    ]

    responses = [await client_of([*events]).call("?") for events in (whole, cut)]

    assert responses[0].messages == responses[1].messages
