"""Cases T05 to T12: how the text is cut, and what each level makes of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from junto.core import (
    Advisor,
    CustomEvent,
    Event,
    Finish,
    ReasoningDelta,
    RunContext,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageUpdate,
)
from junto.core.collect import Record

from ..kit import Hook, Naive, Noted, Saver, Texts, asked, both_ways, client_of, read, texts
from ..laws.lab import script
from .plugins import Redactor

SECRET = "sk-12345"


@given(
    before=st.text("abs sk-", max_size=6),
    after=st.text("abs 12", max_size=6),
    cuts=st.sets(st.integers(1, 19), max_size=8),
)
@settings(max_examples=80)
async def test_t05_no_piece_of_a_secret_leaves_however_it_is_cut(
    before: str, after: str, cuts: set[int]
) -> None:
    text = before + SECRET + after
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [TextDelta(text[a:b]) for a, b in pairwise(places)]
    saver, seen = Saver(), Noted("seen")
    client = client_of([*pieces, Finish()], saver, seen, Redactor(SECRET))
    said = texts(await read(client.stream("?")))

    wanted = text.replace(SECRET, "***")
    assert "".join(said) == wanted
    assert saver.saved[0].text == seen.responses[0].text == wanted
    assert SECRET not in "".join(said)


async def test_t05_text_that_only_begins_like_a_secret_is_let_go_in_the_end() -> None:
    client = client_of([TextDelta("the key is sk-1"), TextDelta("2")], Redactor(SECRET))

    assert (await client.call("?")).text == "the key is sk-12"


@both_ways
async def test_t06_an_upper_casing_advisor_is_seen_by_everybody_from_the_first_piece(
    way: str,
) -> None:
    saver, outer = Saver(), Noted("outer")
    client = client_of("first piece too", outer, saver, Texts(str.upper))
    response = await asked(client, way)

    assert response.text == "FIRST PIECE TOO"
    assert saver.saved[0].text == outer.responses[0].text == response.text
    assert "outer.event FIRST" in outer.log


@both_ways
async def test_t07_the_inner_of_two_transformers_comes_first(way: str) -> None:
    outer = Texts(lambda text: "[" + text)
    inner = Texts(lambda text: "(" + text)
    response = await asked(client_of(["x", "y"], outer, inner), way)

    assert response.text == "[(x[(y"


@both_ways
async def test_t08_dropping_every_piece_leaves_an_answer_that_finished_and_its_cost(
    way: str,
) -> None:
    drops = Hook(lambda event: () if isinstance(event, TextDelta) else event)
    spent = Usage(input_tokens=1, output_tokens=2)
    outer = Noted("outer")
    steps = script(TextDelta("a"), TextDelta("b"), UsageUpdate(spent), Finish())
    response = await asked(client_of(steps, outer, drops), way)

    assert response.text == outer.responses[0].text == ""
    assert outer.responses[0].usage == response.usage == spent
    assert response.finish_reason == "stop"


class Injects(Advisor):
    """Puts text before the first piece, between two, and behind the last."""

    def open(self, ctx: RunContext) -> object:  # type: ignore[override]  # a function, untyped
        first = True

        def on_event(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            nonlocal first
            if isinstance(event, TextDelta):
                mark = "<" if first else "|"
                first = False
                return (TextDelta(mark), event)
            return (TextDelta(">"), event) if isinstance(event, Finish) else event

        return on_event


@both_ways
async def test_t09_what_is_put_before_between_and_behind_stands_where_it_was_put(way: str) -> None:
    outer = Noted("outer")
    response = await asked(client_of(["a", "b"], outer, Naive(), Injects(), Naive()), way)

    assert response.text == outer.responses[0].text == "<a|b>"


@pytest.mark.parametrize("batch", [False, True])
async def test_t10_no_event_is_lost_and_none_changes_its_place(batch: bool) -> None:
    events: list[Event] = [
        TextDelta(""),
        UsageUpdate(Usage(input_tokens=1)),
        ReasoningDelta("hm"),
        TextDelta("a"),
        ToolCallDelta(0, "1", "f", "{}"),
        TextDelta(""),
        UsageUpdate(Usage(input_tokens=2)),
        CustomEvent("x.y"),
    ]
    steps = [events] if batch else events
    got = await read(client_of(steps, Noted("a"), Naive(), Noted("b")).stream("?"))

    content = [event for event in events if not isinstance(event, UsageUpdate)]
    assert got == [*content, UsageUpdate(Usage(input_tokens=2)), Finish(metadata=got[-1].metadata)]  # type: ignore[union-attr]  # the last is a finish


async def test_t12_the_answer_is_put_together_once_per_level_that_changed_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    added: list[int] = []
    original = Record.add

    def counting(self: Record, event: Event) -> None:
        added.append(id(self))
        original(self, event)

    monkeypatch.setattr(Record, "add", counting)
    ten = [Noted(str(i)) for i in range(10)]
    await client_of("a b c", *ten).call("?")
    unchanged, added[:] = len(added), []
    await client_of("a b c", *ten[:5], Texts(str.upper), *ten[5:]).call("?")

    assert unchanged == 3
    assert len(added) == 2 * 3
