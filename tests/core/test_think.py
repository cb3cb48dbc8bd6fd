"""The think-tag splitter: pure, and blind to how the text was cut."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import ReasoningDelta, TextDelta, ThinkSplitter


def split(*pieces: str, started: bool = False, anywhere: bool = False) -> tuple[str, str]:
    splitter = ThinkSplitter(started=started, anywhere=anywhere)
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
        ("thought</think>answer", "", "thought</think>answer"),
        ("<think>a<think>b</think>c</think>d", "a<think>b", "c</think>d"),
        ("<think>ing</think>x", "ing", "x"),
        ("```\n<think>x</think>\n```", "", "```\n<think>x</think>\n```"),
    ],
)
def test_what_is_thinking_and_what_is_not(text: str, reasoning: str, answer: str) -> None:
    assert split(text) == split(*text) == (reasoning, answer)


@pytest.mark.parametrize("tag", ["<thinking>", "<THINK>", "<think >", "< think>", "<think/>"])
def test_a_tag_that_only_looks_like_one_is_text(tag: str) -> None:
    text = f"{tag}a</think>b"

    assert split(text) == split(*text, anywhere=True) == ("", text)


@pytest.mark.parametrize("tag", ["</thinking>", "</THINK>", "</think >", "< /think>", "<think/>"])
def test_a_tag_that_only_looks_like_one_closes_nothing(tag: str) -> None:
    assert split(*f"<think>a{tag}b</think>c") == (f"a{tag}b", "c")


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("abc</think>hi", "abc", "hi"),
        (" \n abc \n</think>\n\nhi", "abc", "hi"),
        ("<think>abc</think>hi", "abc", "hi"),
        ("\n<think>\nabc</think>hi", "abc", "hi"),
        ("<thin", "<thin", ""),
        ("abc", "abc", ""),
        ("</think>hi", "", "hi"),
        (" \n", "", ""),
        ("abc</think>x<think>y</think>", "abc", "x<think>y</think>"),
    ],
)
def test_a_block_that_began_in_the_prompt(text: str, reasoning: str, answer: str) -> None:
    assert split(text, started=True) == split(*text, started=True) == (reasoning, answer)


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>a</think>b", "a", "b"),
        ("b<think>a</think>c", "a", "bc"),
        ("b <think>a</think> c", "a", "b c"),
        ("b<think> a </think> c", "a", "b c"),
        ("b\n\n<think>a</think>\n\nc", "a", "b\n\nc"),
        ("<think>a</think>b<think>c</think>d", "ac", "bd"),
        ("b <think>a</think> <think>c</think> d", "ac", "b d"),
        ("b<think>never closed", "never closed", "b"),
        ("b</think>c", "", "b</think>c"),
        ("`<think>`<think>a</think>", "a", "`<think>`"),
        ("``a ` <think>`` <think>b</think>", "b", "``a ` <think>`` "),
        ("a ` stray\n\n<think>b</think>", "b", "a ` stray\n\n"),
        ("`over\nlines <think>`", "", "`over\nlines <think>`"),
        ("```xml\n<think>x</think>\n```\n<think>a</think>", "a", "```xml\n<think>x</think>\n```\n"),
        ("~~~\n<think>\n```\n<think>\n~~~~\n<think>a", "a", "~~~\n<think>\n```\n<think>\n~~~~\n"),
        (
            "- b\n    ```\n    <think>\n    ```\n<think>a",
            "a",
            "- b\n    ```\n    <think>\n    ```\n",
        ),
        ("```\n<think>\n``` no end\n<think>", "", "```\n<think>\n``` no end\n<think>"),
        ("```\n<think> never closed", "", "```\n<think> never closed"),
        ("```a``` <think>b</think>", "b", "```a``` "),
        ("x ~~~\n<think>b</think>", "b", "x ~~~\n"),
    ],
)
def test_a_tag_anywhere_is_thinking_unless_it_stands_in_code(
    text: str, reasoning: str, answer: str
) -> None:
    assert split(text, anywhere=True) == split(*text, anywhere=True) == (reasoning, answer)


def test_tags_of_ones_own() -> None:
    splitter = ThinkSplitter(opening="[[", closing="]]", anywhere=True)
    events = [event for piece in "a[[b]c]]d" for event in splitter.feed(piece)]

    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "ad"


def test_a_tag_to_find_anywhere_is_not_markdown_itself() -> None:
    with pytest.raises(ValueError, match="backtick"):
        ThinkSplitter(anywhere=True, opening="`think")


@pytest.mark.parametrize("anywhere", [False, True])
@pytest.mark.parametrize(
    ("opening", "closing", "told"),
    [
        ("", "</think>", "opening is a tag such as"),
        ("<think>", "", "closing is a tag such as"),
        ("", "", "opening is a tag such as"),
        (" \n", "</think>", "opening is a tag such as"),
        ("\n<think>", "</think>", "write opening='<think>', not "),
        ("<think>", "</think>\u00a0", "write closing='</think>', not "),
        ("||", "||", "neither begins with the other"),
        ("[think", "[think]", "neither begins with the other"),
        ("[think]", "[think", "neither begins with the other"),
    ],
)
def test_tags_that_cannot_be_found_or_told_apart_are_refused(
    *, opening: str, closing: str, told: str, anywhere: bool
) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        ThinkSplitter(opening=opening, closing=closing, anywhere=anywhere)


def test_a_tag_may_end_with_the_other_or_hold_white_space() -> None:
    splitter = ThinkSplitter(opening="begin thought:", closing="thought:")
    events = [event for piece in "begin thought: a thought: b" for event in splitter.feed(piece)]

    assert (events[0], events[-1]) == (ReasoningDelta("a"), TextDelta("b"))


@pytest.mark.parametrize("anywhere", [False, True])
@pytest.mark.parametrize(
    ("before", "run", "held"),
    [("", "\n", 4), ("<think>a", " ", 4), ("<think>", "\t", 4), ("a", "`", 4)],
)
def test_a_long_run_is_not_copied_for_each_piece(
    *, before: str, run: str, held: int, anywhere: bool
) -> None:
    splitter = ThinkSplitter(anywhere=anywhere)
    splitter.feed(before)
    for _ in range(1000):
        splitter.feed(run)

    assert len(splitter._held) <= held


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


tokens = st.sampled_from(
    ["<think>", "</think>", "<", "</", "th", ">", " ", "\n", "a", "b", "<thi", "`", "```", "~~~"]
)


@given(
    text=st.lists(tokens, max_size=16).map("".join),
    cuts=st.sets(st.integers(0, 80)),
    started=st.booleans(),
    anywhere=st.booleans(),
)
def test_the_cut_makes_no_difference(
    text: str, cuts: set[int], started: bool, anywhere: bool
) -> None:
    places = sorted({0, len(text), *(c for c in cuts if c < len(text))})
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]

    whole = split(text, started=started, anywhere=anywhere)
    assert split(*pieces, started=started, anywhere=anywhere) == whole
