"""Law 2: who stands where."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import Advisor, AdvisorChain, ChainError, ChatClient, Phase, place

from .kit import Noted, names, scripted


def named(name: str, **attributes: object) -> Advisor:
    advisor = Noted(name)
    for attribute, value in attributes.items():
        setattr(advisor, attribute, value)
    return advisor


def test_a_lower_order_is_further_out() -> None:
    chain = names(named("c", order=3), named("a", order=-1), named("b", order=Phase.OUTER))

    assert chain == ("a", "b", "c")


def test_ties_keep_the_order_of_registration() -> None:
    assert names(*(named(n) for n in "dbcae")) == tuple("dbcae")


def test_the_defaults_stand_outside_the_requests_own_on_a_tie() -> None:
    client = ChatClient(scripted(), advisors=[named("default")])

    assert client.chain.changed([named("own")]).names == ("default", "own")


def test_a_placement_overrides_the_advisors_own_order() -> None:
    assert names(named("a"), place(named("b"), order=-1)) == ("b", "a")


def test_relations_are_read_from_the_class_as_well() -> None:
    class Late(Noted):
        runs_after = ("b",)

    class Early(Noted):
        runs_before = "a"

    assert names(Late("a"), named("b")) == ("b", "a")
    assert names(named("a"), Early("b")) == ("b", "a")


def test_a_relation_that_holds_moves_nobody() -> None:
    chain = names(named("a"), named("b"), place(named("c"), after="a"), named("d"))

    assert chain == ("a", "b", "c", "d")


def test_a_relation_to_somebody_who_is_not_there_says_nothing() -> None:
    assert names(place(named("a"), before="x", after="y")) == ("a",)


def test_a_blocked_advisor_waits() -> None:
    chain = names(place(named("a"), after="c"), named("b"), named("c"), named("d"))

    assert chain == ("b", "c", "a", "d")


def test_one_advisor_that_must_be_outermost_moves_alone() -> None:
    chain = names(named("a"), named("b"), named("c"), place(named("d"), before=["a", "b", "c"]))

    assert chain == ("d", "a", "b", "c")


def test_the_advisor_that_declares_a_relation_is_the_one_that_moves() -> None:
    inward = names(place(named("x"), after="b"), named("a"), named("b"), named("c"))
    outward = names(named("a"), named("b"), named("c"), place(named("x"), before="b"))

    assert inward == ("a", "b", "x", "c")
    assert outward == ("a", "x", "b", "c")


def test_a_cycle_names_its_pair() -> None:
    with pytest.raises(ChainError, match=r"'a' before 'b' before 'a'|'b' before 'a' before 'b'"):
        names(place(named("a"), before="b"), place(named("b"), before="a"))


def test_a_cycle_of_three_is_found_behind_innocent_advisors() -> None:
    with pytest.raises(ChainError, match="contradict") as raised:
        names(
            place(named("x"), after="a"),
            place(named("a"), before="b"),
            place(named("b"), before="c"),
            place(named("c"), before="a"),
        )

    assert "'x'" not in str(raised.value)


def test_a_missing_requirement_names_both() -> None:
    with pytest.raises(ChainError, match="'a' requires 'store'"):
        names(place(named("a"), requires="store"))


def test_an_advisor_behind_one_that_never_asks_cannot_be_reached() -> None:
    with pytest.raises(ChainError, match="'b' cannot be reached: 'a'"):
        names(named("a", terminal=True), named("b"))


def test_an_advisor_class_is_an_error_that_says_so() -> None:
    with pytest.raises(TypeError, match="make an instance"):
        names(Noted)  # type: ignore[arg-type]


@pytest.mark.parametrize("order", ["1", None, True, 1.5])
def test_an_order_is_an_int(order: object) -> None:
    with pytest.raises(TypeError, match="an order is an int"):
        names(named("a", order=order))


def test_something_without_hooks_is_no_advisor() -> None:
    with pytest.raises(TypeError, match="none of the hooks"):
        AdvisorChain([object()])  # type: ignore[list-item]


def test_an_isolated_advisor_may_not_steer() -> None:
    class Wrong(Noted):
        isolated = True

        def around(self, request: Any, next: Any, ctx: Any) -> Any:
            return next(request)

    with pytest.raises(TypeError, match="'x' is isolated and has an around"):
        names(Wrong("x"))


# For each size: which pairs (i, j) demand that i stands outside j.
edges = st.integers(2, 6).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=5).map(
            lambda pairs: {(i, j) for i, j in pairs if i != j}
        ),
    )
)


def kept(order: tuple[int, ...]) -> int:
    """How many stay: the longest part that is still in its old order."""
    return max(
        size
        for size in range(len(order) + 1)
        for part in combinations(order, size)
        if list(part) == sorted(part)
    )


@given(edges)
def test_relations_are_satisfied_with_the_least_movement(
    case: tuple[int, set[tuple[int, int]]],
) -> None:
    n, pairs = case
    valid = [
        order
        for order in permutations(range(n))
        if all(order.index(i) < order.index(j) for i, j in pairs)
    ]
    advisors = [
        place(named(str(i)), before=[str(j) for x, j in sorted(pairs) if x == i]) for i in range(n)
    ]
    if not valid:
        with pytest.raises(ChainError):
            names(*advisors)
        return
    order = tuple(int(name) for name in names(*advisors))

    assert order in valid
    assert kept(order) == max(map(kept, valid))
    if tuple(range(n)) in valid:
        assert order == tuple(range(n))


@given(st.lists(st.integers(-3, 3), max_size=12))
def test_without_relations_the_order_is_the_stable_sort(orders: list[int]) -> None:
    advisors = [named(str(i), order=order) for i, order in enumerate(orders)]

    assert names(*advisors) == tuple(
        str(i) for i in sorted(range(len(orders)), key=orders.__getitem__)
    )


def test_two_of_one_name_given_for_one_request_both_stand_in_the_chain() -> None:
    chain = AdvisorChain([Noted("a"), Noted("b")])

    assert chain.changed([Noted("n"), Noted("n")]).names == ("a", "b", "n", "n")
    assert chain.changed([Noted("a"), Noted("a")]).names == ("a", "b", "a")
