"""Every way in which something inside a run ends it, at every place where it can happen."""

from __future__ import annotations

from itertools import combinations, cycle, product

import pytest

from .bench import AROUND, MIXED, STACKS, hook_of, places
from .ways import WAYS, Running, Way


def _makes_sense(way: Way, place: str, mode: str) -> bool:
    if way.name == "timeout around a pull" and hook_of(place) == "on_event":
        # What on_event sees is delivered without a wait that a time-out could end.
        return False
    return mode == "stream" or not way.pulls


def _full(*stacks: str) -> list[tuple[Way, str, str]]:
    return [
        (way, place, stack)
        for stack in stacks
        for place, way in product(places(stack), WAYS)
        if _makes_sense(way, place, "stream")
    ]


@pytest.mark.parametrize(("way", "place", "stack"), _full(*MIXED), ids=str)
async def test_whatever_ends_a_stream_everything_is_closed_once_and_told_the_truth(
    way: Way, place: str, stack: str
) -> None:
    running = Running(way, place, stack, "each", "stream")

    await running.run()

    running.check()


def _in_turns() -> list[tuple[Way, str, str, str, str]]:
    """A fifth of all: each stack, model, way and place meets each other one."""
    found: list[tuple[Way, str, str, str, str]] = []
    # Seven of them, so that they do not fall in with the ways.
    asked = cycle([*product(("each", "batches", "whole"), ("stream", "call")), ("whole", "call")])
    every = [(s, p, w) for s in STACKS for p, w in product(places(s), WAYS)]
    for (stack, place, way), (pieces, mode) in zip(every[::5], asked, strict=False):
        possible = mode if _makes_sense(way, place, mode) else "stream"
        if _makes_sense(way, place, possible):
            found.append((way, place, stack, pieces, possible))
    return found


@pytest.mark.parametrize(("way", "place", "stack", "pieces", "mode"), _in_turns(), ids=str)
async def test_so_does_every_other_stack_model_and_way_of_asking(
    way: Way, place: str, stack: str, pieces: str, mode: str
) -> None:
    running = Running(way, place, stack, pieces, mode)

    await running.run()

    running.check()


def test_the_turns_meet_every_pair() -> None:
    """What the second test is said to try: any two of its dimensions, in every combination."""
    cases = [(w.name, hook_of(p), s, n, m) for w, p, s, n, m in _in_turns()]
    never = {(way.name, "call") for way in WAYS if way.pulls}
    never.add(("timeout around a pull", "on_event"))
    # A stack without an around has no place in one.
    never |= {(hook, stack) for hook in AROUND for stack in ("one", "hooks")}
    for i, j in combinations(range(5), 2):
        met = {(case[i], case[j]) for case in cases}
        all_pairs = set(product({case[i] for case in cases}, {case[j] for case in cases}))

        assert all_pairs - met <= never


async def test_what_left_a_level_is_in_its_partial_response_also_if_it_fails_further_out() -> None:
    running = Running(WAYS[0], "on_event a", "around in the middle", "each", "stream")
    await running.run()

    probes = running.bench.probes
    assert [p.partials[0].text for p in probes] == ["".join(p.left) for p in probes]
