"""Law 2: a lower order is further out, ties keep their place, and what cannot be is an error."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import Advisor, AdvisorChain, ChainError, ChatClient, Phase, Placement, place

from ..kit import Noted, names
from .lab import Provider, Stack, answer, got, hooked


def named(name: str, order: int = 0) -> Noted:
    return Noted(name, order=order)


@given(st.lists(st.integers(-3, 3), max_size=50))
def test_law_02_a_lower_order_is_further_out_and_ties_keep_their_place(orders: list[int]) -> None:
    given_ = [named(f"{i:02}", order) for i, order in enumerate(orders)]
    wanted = sorted(given_, key=lambda advisor: advisor.order)

    assert names(*given_) == tuple(advisor.name for advisor in wanted)


async def test_law_02_the_order_is_the_one_in_which_they_run(way: str, stack: Stack) -> None:
    log: list[str] = []
    placed = [
        place(advisor, order=-i) for i, advisor in enumerate(stack.made(log), start=-stack.size)
    ]
    await got(ChatClient(Provider("events", answer("Yes")), advisors=placed), way)

    ran = hooked(log, "before")
    assert ran == sorted(ran, reverse=True)
    assert hooked(log, "close finished") == ran[::-1]


async def test_law_02_the_clients_advisors_stand_outside_the_requests_on_a_tie(
    way: str, stack: Stack
) -> None:
    log: list[str] = []
    client = ChatClient(Provider("events", answer("Yes")), advisors=stack.made(log, "client"))
    await got(client, way, advisors=stack.made(log, "request"))

    ran = hooked(log, "before")
    assert ran == sorted(ran)
    assert len(set(ran)) == len(ran)


def test_law_02_the_phases_are_named_from_the_outside_in() -> None:
    phases = [named(phase.name, phase) for phase in Phase]

    assert names(*phases[::-1]) == tuple(phase.name for phase in Phase)
    assert list(Phase) == sorted(Phase)


@pytest.mark.parametrize("size", [2, 3, 50])
def test_law_02_a_relation_moves_as_few_as_it_can(size: int) -> None:
    stack = [named(f"{i:02}") for i in range(size)]
    valid: list[Advisor | Placement] = [*stack[:-1], place(stack[-1], after="00")]
    moved: list[Advisor | Placement] = [*stack[:-1], place(stack[-1], before="00")]

    assert names(*valid) == names(*stack)
    assert names(*moved) == (stack[-1].name, *names(*stack[:-1]))


@pytest.mark.parametrize("size", [2, 3, 50])
def test_law_02_a_cycle_is_an_error_when_the_chain_is_built_and_names_its_pair(size: int) -> None:
    stack: list[Advisor | Placement] = [named(f"{i:02}") for i in range(size)]
    stack[0] = place(named("00"), after="01")
    stack[1] = place(named("01"), after="00")

    with pytest.raises(ChainError, match=re.escape("'00' before '01' before '00'")):
        AdvisorChain(stack)
    with pytest.raises(ChainError):
        ChatClient(Provider("events", answer("Yes")), advisors=stack)


@pytest.mark.parametrize("size", [1, 3, 50])
def test_law_02_an_unknown_requirement_is_an_error_that_names_both(size: int) -> None:
    stack: list[Advisor | Placement] = [named(f"{i:02}") for i in range(size)]
    stack[-1] = place(named("needy"), requires="missing")

    with pytest.raises(ChainError, match="'needy' requires 'missing'"):
        AdvisorChain(stack)


@pytest.mark.parametrize("size", [1, 3, 50])
def test_law_02_an_advisor_that_cannot_be_reached_is_an_error_that_names_both(size: int) -> None:
    class Canned(Advisor):
        name = "canned"
        terminal = True

    stack = [named(f"{i:02}", Phase.INNER) for i in range(size)]

    with pytest.raises(ChainError, match=r"'00' cannot be reached: 'canned'"):
        AdvisorChain([Canned(), *stack])
