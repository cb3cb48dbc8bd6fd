"""Every way in which something inside a run ends it, at every place where it can happen."""

from __future__ import annotations

import pytest

from .bench import hook_of, places
from .ways import WAYS, Running, Way


def _product(*stacks: str) -> list[tuple[Way, str, str]]:
    return [
        (way, place, stack)
        for stack in stacks
        for place in places(stack)
        for way in WAYS
        # What on_event sees is delivered without a wait that a time-out could end.
        if not (way.name == "timeout around a pull" and hook_of(place) == "on_event")
    ]


@pytest.mark.parametrize(
    ("way", "place", "stack"), _product("around in the middle", "arounds outside"), ids=str
)
async def test_whatever_ends_a_stream_everything_is_closed_once_and_told_the_truth(
    way: Way, place: str, stack: str
) -> None:
    running = Running(way, place, stack, "each", "stream")

    await running.run()

    running.check()
