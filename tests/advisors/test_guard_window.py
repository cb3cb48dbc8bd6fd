"""What a window lets out before the verdict, however the answer is cut."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.advisors import (
    Block,
    Check,
    GuardAdvisor,
    Replace,
    SafeGuardAdvisor,
    Verdict,
    Window,
    window,
)
from junto.core import ChatClient, Event, ReasoningDelta, Restart, TextDelta
from junto.core.testing import ScriptedModel, Step


def cut(text: str, cuts: set[int]) -> Iterator[str]:
    places = sorted({0, len(text), *(c for c in cuts if c < len(text))})
    for start, end in pairwise(places):
        yield text[start:end]


def blocks(passage: str) -> Check:
    def check(text: str) -> Verdict:
        return Block("passage") if passage in text else None

    return check


async def let_out(guard: GuardAdvisor, events: list[Event]) -> tuple[str, str, bool]:
    """What left as text and as reasoning before the verdict, and whether there was one."""
    text = reasoning = ""
    async with ChatClient(ScriptedModel(events), advisors=[guard]).stream("?") as stream:
        async for event in stream:
            if isinstance(event, Restart) or event == TextDelta(guard.refusal):
                return text, reasoning, True
            if isinstance(event, TextDelta):
                text += event.text
            elif isinstance(event, ReasoningDelta):
                reasoning += event.text
    return text, reasoning, False


numbers = st.text(alphabet="0123456789", min_size=1, max_size=24)
letters = st.text(alphabet="ab \nü", max_size=30)


@given(
    before=letters,
    passage=numbers,
    after=letters,
    cuts=st.sets(st.integers(0, 80)),
    n=st.integers(1, 16),
    every=st.integers(1, 5),
    thought=st.booleans(),
    words=st.booleans(),
)
async def test_no_more_of_a_passage_leaves_than_the_window_says(
    *,
    before: str,
    passage: str,
    after: str,
    cuts: set[int],
    n: int,
    every: int,
    thought: bool,
    words: bool,
) -> None:
    mode = window(n, every=every)
    guard = GuardAdvisor(blocks(passage), mode)
    if words:
        guard = SafeGuardAdvisor([passage], mode=mode, whole_words=False)
    kind = ReasoningDelta if thought else TextDelta
    text = f"{before}{passage}{after}"

    shown = await let_out(guard, [kind(piece) for piece in cut(text, cuts)])
    whole = await let_out(guard, [kind(text)])

    assert shown == whole
    assert shown[2]
    left = shown[1] if thought else shown[0]
    assert text.startswith(left)
    assert max(0, len(left) - len(before)) <= mode.leak(len(passage)) == max(0, len(passage) - n)


@given(
    text=st.text(alphabet="ab1 ", max_size=60),
    cuts=st.sets(st.integers(0, 60)),
    n=st.integers(1, 12),
    every=st.integers(1, 5),
    context=st.integers(0, 8),
    switch=st.integers(0, 60),
)
async def test_what_was_replaced_is_the_same_for_every_cut(
    *, text: str, cuts: set[int], n: int, every: int, context: int, switch: int
) -> None:
    def check(text: str) -> Verdict:
        return Replace(text.replace("1a", "[***]").replace("b b", ""))

    mode = window(n, every=every, context=context)
    cuts = {*cuts, switch}

    def events(cuts: set[int]) -> list[Event]:
        places = [0]
        made: list[Event] = []
        for piece in cut(text, cuts):
            thought = places[0] >= switch
            made.append(ReasoningDelta(piece, shown=piece) if thought else TextDelta(piece))
            places[0] += len(piece)
        return made

    assert await let_out(GuardAdvisor(check, mode), events(cuts)) == await let_out(
        GuardAdvisor(check, mode), events({switch})
    )
    left, _, blocked = await let_out(GuardAdvisor(check, mode), events(cuts))
    if n >= 5 and context >= 4 and not blocked and switch >= len(text):
        assert left == check(text).text  # type: ignore[union-attr]  # it always replaces


@given(text=st.text(max_size=40), cuts=st.sets(st.integers(0, 40)), n=st.integers(1, 12))
async def test_what_is_not_blocked_passes_whole_and_the_last_is_held(
    text: str, cuts: set[int], n: int
) -> None:
    fed, asked = [0], list[str]()
    guard = GuardAdvisor(asked.append, window(n))
    steps: list[Step] = []
    for piece in cut(text, cuts):
        steps += [partial(fed.append, len(piece)), TextDelta(piece)]
    shown = ""
    async with ChatClient(ScriptedModel(steps), advisors=[guard]).stream("?") as stream:
        async for piece in stream.text():
            shown += piece
            if shown != text:
                assert sum(fed) - len(shown) <= guard.holds == n

    assert shown == text
    assert asked[1:] == [*(text[: i + 1] for i in range(len(text))), *([text] if text else [])]


async def test_the_check_is_asked_after_each_so_many_characters() -> None:
    asked: list[str] = []
    guard = GuardAdvisor(asked.append, window(2, every=4), sides="output")

    await ChatClient(ScriptedModel("ab cdefghi j"), advisors=[guard]).call("?")

    assert asked == ["ab c", "ab cdefg", "ab cdefghi j", "ab cdefghi j"]


async def test_a_long_answer_is_seen_from_a_space_on() -> None:
    asked: list[int] = []

    def check(text: str) -> Verdict:
        asked.append(len(text))
        return Block("too late") if "first" in text and "last" in text else None

    guard = GuardAdvisor(check, window(10, context=90), sides="output")
    text = "first " + "word " * 100 + "last"

    assert (await ChatClient(ScriptedModel(text), advisors=[guard]).call("?")).text == text
    assert max(asked) <= 201


def test_a_window_prints_as_it_was_written_and_says_what_it_holds() -> None:
    assert repr(window(200)) == "window(200)"
    assert repr(window(200, every=50, context=9)) == "window(200, every=50, context=9)"
    assert (window(200).holds, window(200, every=50).holds) == (200, 249)
    assert window(200) == Window(200)


@pytest.mark.parametrize("numbers", [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_a_window_of_nothing_is_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        window(numbers[0], every=numbers[1], context=numbers[2])
