"""What becomes of the chain of thought, in each mode."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.advisors import ReasoningAdvisor
from junto.advisors.reasoning import Show
from junto.core import (
    ChatClient,
    ChatResponse,
    Event,
    ReasoningDelta,
    Restart,
    TextDelta,
    ToolCallDelta,
)
from junto.core.testing import ScriptedModel

THINKING: list[Event] = [
    ReasoningDelta("The user "),
    ReasoningDelta("says hi."),
    TextDelta("Hello"),
    TextDelta(" there"),
]


async def run(
    events: list[Event], show: Show = "block", **more: object
) -> tuple[list[str], ChatResponse]:
    advisor = ReasoningAdvisor(show, **more)  # type: ignore[arg-type]  # forwarded keywords
    client = ChatClient(ScriptedModel(events), advisors=[advisor])
    async with client.stream("hi") as stream:
        pieces = [piece async for piece in stream.text()]
        return pieces, await stream.response()


async def test_block_shows_one_block_in_front_of_the_answer_as_it_comes() -> None:
    pieces, response = await run(THINKING)

    assert pieces == ["<think>The user ", "says hi.", "</think>", "Hello", " there"]
    assert response.text == "Hello there"
    assert response.reasoning == "The user says hi."
    assert response.display_text == "".join(pieces)


async def test_pieces_shows_each_piece_in_tags_of_its_own() -> None:
    pieces, response = await run(THINKING, "pieces")

    assert "".join(pieces) == ("<think>The user </think><think>says hi.</think>Hello there")
    assert response.text == "Hello there"


async def test_drop_leaves_no_trace() -> None:
    pieces, response = await run(THINKING, "drop")

    assert "".join(pieces) == "Hello there"
    assert response.reasoning == ""


async def test_apart_keeps_it_out_of_the_text() -> None:
    pieces, response = await run(THINKING, "apart")

    assert "".join(pieces) == "Hello there"
    assert response.reasoning == "The user says hi."


async def test_call_shows_what_the_stream_shows() -> None:
    client = ChatClient(ScriptedModel(THINKING), advisors=[ReasoningAdvisor()])

    response = await client.call("hi")

    assert response.display_text == "<think>The user says hi.</think>Hello there"


@pytest.mark.parametrize("show", ["block", "pieces"])
async def test_a_block_without_an_answer_is_closed(show: Show) -> None:
    pieces, _ = await run([ReasoningDelta("hm")], show)

    assert "".join(pieces) == "<think>hm</think>"


async def test_thinking_in_front_of_a_tool_call_is_closed_first() -> None:
    pieces, response = await run([ReasoningDelta("hm"), ToolCallDelta(0, "1", "look", "{}")])

    assert "".join(pieces) == "<think>hm</think>"
    assert [call.name for call in response.tool_calls] == ["look"]


async def test_a_model_that_thinks_again_gets_a_second_block() -> None:
    events: list[Event] = [
        ReasoningDelta("a"),
        TextDelta("b"),
        ReasoningDelta("c"),
        TextDelta("d"),
    ]

    pieces, _ = await run(events)

    assert "".join(pieces) == "<think>a</think>b<think>c</think>d"


async def test_no_reasoning_shows_no_tags() -> None:
    pieces, _ = await run([TextDelta("plain")])

    assert pieces == ["plain"]


async def test_tags_inside_the_text_become_reasoning() -> None:
    events: list[Event] = [TextDelta("<th"), TextDelta("ink>a"), TextDelta("bc</th")]

    _, response = await run([*events, TextDelta("ink>hi")])

    assert (response.reasoning, response.text) == ("abc", "hi")


async def test_native_reasoning_switches_the_tags_off() -> None:
    _, response = await run([ReasoningDelta("hm"), TextDelta("<think>x</think>y")])

    assert (response.reasoning, response.text) == ("hm", "<think>x</think>y")


async def test_tags_can_be_left_alone() -> None:
    _, response = await run([TextDelta("<think>x</think>y")], tags=False)

    assert response.text == "<think>x</think>y"


async def test_a_tag_later_in_the_answer_is_text() -> None:
    _, response = await run([TextDelta("see <think>x</think>")])

    assert response.text == "see <think>x</think>"


async def test_a_restart_begins_a_new_block() -> None:
    events: list[Event] = [
        ReasoningDelta("a"),
        Restart("again"),
        ReasoningDelta("b"),
        TextDelta("c"),
    ]

    _, response = await run(events)

    assert response.display_text == "<think>b</think>c"


async def test_text_may_follow_a_separator() -> None:
    pieces, _ = await run(THINKING, separator="\n\n")

    assert "".join(pieces) == "<think>The user says hi.</think>\n\nHello there"


def test_an_unknown_mode_names_the_modes() -> None:
    with pytest.raises(ValueError, match="block, pieces, drop, apart"):
        ReasoningAdvisor("loud")  # type: ignore[arg-type]  # the mistake


@given(
    text=st.text(alphabet="<>/think ab\n你", max_size=40),
    cuts=st.lists(st.integers(0, 60), max_size=8),
    show=st.sampled_from(["block", "drop", "apart"]),
)
async def test_how_the_text_is_cut_makes_no_difference(
    text: str, cuts: list[int], show: Show
) -> None:
    whole = f"<think>{text}" if len(cuts) % 2 else text
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces: list[Event] = [TextDelta(whole[a:b]) for a, b in pairwise(places)]

    shown, response = await run(pieces, show)
    shown_whole, response_whole = await run([TextDelta(whole)] if whole else [], show)

    assert "".join(shown) == "".join(shown_whole)
    assert response == response_whole
