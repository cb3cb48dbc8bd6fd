"""The think-tag splitter: pure, and blind to how the text was cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import ReasoningDelta, TextDelta, ThinkSplitter


def split(*pieces: str, started: bool = False) -> tuple[str, str]:
    splitter = ThinkSplitter(started=started)
    events = [event for piece in pieces for event in splitter.feed(piece)] + splitter.flush()
    assert all(event.text for event in events)  # type: ignore[union-attr]
    reasoning = "".join(e.text for e in events if isinstance(e, ReasoningDelta))
    return reasoning, "".join(e.text for e in events if isinstance(e, TextDelta))


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("hi", "", "hi"),
        ("", "", ""),
        ("<think>abc</think>hi", "abc", "hi"),
        ("\n <think>\nabc\n</think>\n\nhi\n", "abc", "hi\n"),
        ("<think></think>hi", "", "hi"),
        ("<think>never closed", "never closed", ""),
        ("<think>a</thi", "a</thi", ""),
        ("<think>a</thx</think>b", "a</thx", "b"),
        ("<think>a < b </think>b", "a < b", "b"),
        ("<thin", "", "<thin"),
        ("<thinking>no</thinking>", "", "<thinking>no</thinking>"),
        ("so <think>text</think>", "", "so <think>text</think>"),
        ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
        ("</think>x", "", "</think>x"),
        ("  leading", "", "  leading"),
    ],
)
def test_what_is_thinking_and_what_is_not(text: str, reasoning: str, answer: str) -> None:
    assert split(text) == split(*text) == (reasoning, answer)


def test_a_block_that_began_in_the_prompt() -> None:
    assert split("abc</think>hi", started=True) == ("abc", "hi")


def test_no_piece_of_a_tag_is_ever_shown() -> None:
    splitter = ThinkSplitter()
    pieces = ["<th", "ink>a", "bc</th", "ink>hi"]
    events = [event for piece in pieces for event in splitter.feed(piece)] + splitter.flush()

    assert events == [ReasoningDelta("a"), ReasoningDelta("bc"), TextDelta("hi")]


def test_an_unclosed_block_is_known_as_one() -> None:
    splitter = ThinkSplitter()
    splitter.feed("<think>a")
    splitter.flush()

    assert splitter.unclosed


tokens = st.sampled_from(["<think>", "</think>", "<", "</", "th", ">", " ", "\n", "a", "b", "<thi"])


@given(
    text=st.lists(tokens, max_size=12).map("".join),
    cuts=st.sets(st.integers(0, 60)),
    started=st.booleans(),
)
def test_the_cut_makes_no_difference(text: str, cuts: set[int], started: bool) -> None:
    places = sorted({0, len(text), *(c for c in cuts if c < len(text))})
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]

    assert split(*pieces, started=started) == split(text, started=started)
