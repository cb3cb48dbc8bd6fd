"""Which tags the reasoning advisor takes."""

from __future__ import annotations

import pytest

from junto.advisors import ReasoningAdvisor


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
