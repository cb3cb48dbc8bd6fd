"""What becomes of the chain of thought, in each mode."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.advisors import ReasoningAdvisor
from junto.advisors.reasoning import Show
from junto.core import (
    ChatClient,
    ChatResponse,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    ReasoningPart,
    Restart,
    Source,
    StreamClosedError,
    TextDelta,
    ToolCallDelta,
    ToolResult,
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


async def test_a_source_or_an_empty_piece_ends_no_block() -> None:
    events: list[Event] = [
        ReasoningDelta(""),
        TextDelta(""),
        Source("https://example.org"),
        ReasoningDelta("a"),
        TextDelta(""),
        Source("https://example.com"),
        ReasoningDelta("b"),
        ReasoningDelta(""),
        TextDelta("c"),
    ]

    pieces, _ = await run(events)

    assert "".join(pieces) == "<think>ab</think>c"


async def test_an_empty_native_piece_leaves_the_tags_on() -> None:
    _, response = await run([ReasoningDelta(""), Source("x"), TextDelta("<think>a</think>b")])

    assert (response.reasoning, response.text) == ("a", "b")


async def test_a_seal_without_a_thought_passes_and_shows_no_block() -> None:
    pieces, response = await run([ReasoningDelta("", signature="s"), TextDelta("a")])

    assert "".join(pieces) == "a"
    assert response.message.parts[0] == ReasoningPart("", signature="s")


TAGS_INSIDE = "if </think> or <think> or < or </thi"


@pytest.mark.parametrize("size", [1, 2, 5, 100])
async def test_a_tag_inside_the_thought_breaks_no_block(size: int) -> None:
    pieces = [TAGS_INSIDE[i : i + size] for i in range(0, len(TAGS_INSIDE), size)]

    _, response = await run([*map(ReasoningDelta, pieces), TextDelta("b")])

    inside = r"if <\/think> or <\think> or < or </thi"
    assert response.display_text == f"<think>{inside}</think>b"
    assert response.reasoning == TAGS_INSIDE


async def test_a_piece_with_a_tag_inside_is_one_block() -> None:
    pieces, _ = await run([ReasoningDelta("a</think>b")], "pieces")

    assert "".join(pieces) == r"<think>a<\/think>b</think>"


async def test_a_message_after_a_tool_may_begin_with_thinking() -> None:
    events: list[Event] = [
        TextDelta("<think>a</think>"),
        ToolCallDelta(0, "1", "look", "{}"),
        ToolResult("1", "look", "found"),
        TextDelta("<thi"),
        TextDelta("nk>b</think>c<think>d"),
    ]

    pieces, response = await run(events)

    assert "".join(pieces) == "<think>a</think><think>b</think>c<think>d"
    assert (response.reasoning, response.text) == ("ab", "c<think>d")


async def test_native_reasoning_leaves_tags_off_after_a_tool() -> None:
    events: list[Event] = [
        ReasoningDelta("a"),
        ToolCallDelta(0, "1", "look", "{}"),
        ToolResult("1", "look", "found"),
        TextDelta("<think>b"),
    ]

    _, response = await run(events)

    assert (response.reasoning, response.text) == ("a", "<think>b")


async def test_a_block_that_began_in_the_prompt() -> None:
    _, response = await run([TextDelta("a</think>b")], started=True)

    assert (response.reasoning, response.text) == ("a", "b")


async def test_tags_anywhere_are_found_when_asked_for_but_not_in_code() -> None:
    text = "b <think>a</think> `<think>`"

    pieces, response = await run([TextDelta(text)], anywhere=True)

    assert (response.reasoning, response.text) == ("a", "b `<think>`")
    assert "".join(pieces) == "b <think>a</think>`<think>`"


@pytest.mark.parametrize("show", get_args(Show))
@pytest.mark.parametrize("text", ["<think>a", "<think>a ", "<think>", "<think>a</thi"])
async def test_a_block_that_is_never_closed_is_told(show: Show, text: str) -> None:
    _, response = await run([TextDelta(text)], show)

    assert response.metadata["unclosed_reasoning"] is True
    assert response.text == ""


@pytest.mark.parametrize(("text", "started"), [("a", False), ("", True), ("a</think>", True)])
async def test_a_block_that_is_closed_is_not_told(text: str, started: bool) -> None:
    _, response = await run([TextDelta(text)], started=started)

    assert "unclosed_reasoning" not in response.metadata


async def test_a_limit_of_tokens_in_the_midst_of_a_thought_closes_the_block() -> None:
    pieces, response = await run([ReasoningDelta("hm"), Finish(FinishReason.LENGTH)])

    assert "".join(pieces) == response.display_text == "<think>hm</think>"
    assert (response.text, response.finish_reason) == ("", FinishReason.LENGTH)


@pytest.mark.parametrize(
    "events", [[ReasoningDelta("a"), ReasoningDelta("b")], [TextDelta("<think>a"), TextDelta("b")]]
)
async def test_leaving_in_the_midst_of_a_thought_is_clean(events: list[Event]) -> None:
    model = ScriptedModel(events)
    client = ChatClient(model, advisors=[ReasoningAdvisor()])

    async with client.stream("hi") as stream:
        async for piece in stream.text():
            assert piece == "<think>a"
            break

    with pytest.raises(StreamClosedError) as caught:
        await stream.response()
    assert caught.value.response is not None
    assert (caught.value.response.text, caught.value.response.reasoning) == ("", "a")
    assert caught.value.response.display_text == "<think>a"
    assert model.open_streams == 0


async def test_an_error_in_the_midst_of_a_thought_is_the_error() -> None:
    model = ScriptedModel([ReasoningDelta("a"), OSError("cut")])
    stream = ChatClient(model, advisors=[ReasoningAdvisor()]).stream("hi")

    text = stream.text()
    assert await anext(text) == "<think>a"
    with pytest.raises(OSError, match="cut"):
        await anext(text)

    assert stream.outcome is not None
    assert stream.outcome.response.reasoning == "a"


async def test_a_restart_forgets_half_a_tag() -> None:
    events: list[Event] = [ReasoningDelta("a<"), Restart("again"), ReasoningDelta("b")]

    _, response = await run(events)

    assert response.display_text == "<think>b</think>"


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
