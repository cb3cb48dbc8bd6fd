"""Which tags the reasoning advisor takes."""

from __future__ import annotations

import pytest

from junto.advisors import ReasoningAdvisor
from junto.core import (
    ChatClient,
    Event,
    ReasoningDelta,
    ReasoningPart,
    TextDelta,
    ToolCallDelta,
)
from junto.core.testing import ScriptedModel


@pytest.mark.parametrize(
    ("opening", "closing", "told"),
    [
        ("", "</think>", "opening"),
        ("<think>", "\n", "closing"),
        ("<think>\n", "</think>", "write opening='<think>'"),
        ("<think>", "\n</think>", "write closing='</think>'"),
        ("||", "||", "neither begins with the other"),
    ],
)
def test_tags_that_cannot_be_found_are_refused_when_it_is_made(
    opening: str, closing: str, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        ReasoningAdvisor(opening=opening, closing=closing)


def test_tags_that_are_only_printed_may_end_a_line() -> None:
    assert ReasoningAdvisor(tags=False, opening="<think>\n").opening == "<think>\n"


def test_a_tag_of_one_character_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two characters"):
        ReasoningAdvisor(opening="«", closing="»")


async def test_what_follows_a_tool_call_in_the_same_message_is_text() -> None:
    script: list[Event] = [
        TextDelta("thought</think>Hello "),
        ToolCallDelta(0, "1", "tool", "{}"),
        TextDelta("world"),
    ]
    advisor = ReasoningAdvisor(started=True, anywhere=True)

    response = await ChatClient(ScriptedModel([*script]), advisors=[advisor]).call("?")

    assert (response.text, response.reasoning) == ("Hello world", "thought")


async def test_a_seal_in_the_midst_of_a_tag_lets_no_half_of_it_out() -> None:
    script: list[Event] = [
        ReasoningDelta("a </th", signature="s1"),
        ReasoningDelta("ink> b"),
        TextDelta("x"),
    ]

    response = await ChatClient(ScriptedModel([*script]), advisors=[ReasoningAdvisor()]).call("?")

    assert response.display_text == "<think>a <\\/think> b</think>x"
    assert response.reasoning == "a </think> b"
    assert [
        part.signature for part in response.message.parts if isinstance(part, ReasoningPart)
    ] == ["s1"]
