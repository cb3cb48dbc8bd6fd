"""Who stands where: orders, ties, and relations by name.

The base order is the stable sort by ``order``: ties keep the order of registration,
the client's defaults first.  Relations move an advisor only when they are violated, and
then as few advisors as possible: both the order that lets blocked advisors wait and the
one that pulls their blockers forward are made, and the one that moves fewer wins (the
first on a tie).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from attrs import frozen

from .advisor import Advisor, Placement
from .errors import ChainError

__all__ = ["Entry", "arrange", "entry_of", "name_of"]

_Edges: TypeAlias = "dict[int, set[int]]"


@frozen(eq=False)
class Entry:
    """An advisor with its name, its order and its relations, resolved."""

    advisor: Advisor
    name: str
    order: int
    before: frozenset[str]
    after: frozenset[str]
    requires: frozenset[str]


def name_of(advisor: Advisor) -> str:
    """The advisor's own name, or its class's."""
    return getattr(advisor, "name", "") or type(advisor).__name__


def entry_of(item: Advisor | Placement, position: int) -> Entry:
    """Resolve what a user put into a list of advisors.

    Raises:
        TypeError: For a class instead of an instance, or anything without hooks.
    """
    placed = item if isinstance(item, Placement) else Placement(item)
    advisor = placed.advisor
    _check(advisor, position)
    order = getattr(advisor, "order", 0) if placed.order is None else placed.order
    if isinstance(order, bool) or not isinstance(order, int):
        msg = f"advisor {name_of(advisor)!r} has order {order!r}: an order is an int"
        raise TypeError(msg)
    return Entry(
        advisor,
        name_of(advisor),
        int(order),
        _set(advisor, "runs_before", placed.before),
        _set(advisor, "runs_after", placed.after),
        _set(advisor, "requires", placed.requires),
    )


_HOOKS = ("before", "on_event", "open", "after", "on_close", "around")


def _check(advisor: object, position: int) -> None:
    if isinstance(advisor, type):
        msg = f"advisor {position} is the class {advisor.__name__}: make an instance of it"
        raise TypeError(msg)
    if not any(callable(getattr(advisor, hook, None)) for hook in _HOOKS):
        msg = (
            f"advisor {position} is {advisor!r}, which has none of the hooks "
            f"{', '.join(_HOOKS)}: subclass junto.core.Advisor"
        )
        raise TypeError(msg)


def _set(advisor: Advisor, attribute: str, more: tuple[str, ...]) -> frozenset[str]:
    own: str | Iterable[str] = getattr(advisor, attribute, ())
    return frozenset([own] if isinstance(own, str) else own) | frozenset(more)


def arrange(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Put entries in order, outermost first.

    Raises:
        ChainError: A cycle, a missing requirement or an unreachable advisor; the text
            names the pair.
    """
    base = sorted(entries, key=lambda entry: entry.order)
    names = {entry.name for entry in base}
    for entry in base:
        for missing in sorted(entry.requires - names):
            msg = f"advisor {entry.name!r} requires {missing!r}, which is not in the chain"
            raise ChainError(msg)
    inner = _edges(base)
    if any(i > j for i, js in inner.items() for j in js):
        base = _rearranged(base, inner)
    for place, entry in enumerate(base[:-1]):
        if getattr(entry.advisor, "terminal", False):
            msg = (
                f"advisor {base[place + 1].name!r} cannot be reached: {entry.name!r}, "
                "further out, never asks for the rest of the chain"
            )
            raise ChainError(msg)
    return tuple(base)


def _edges(base: list[Entry]) -> _Edges:
    """For each place, those that must come after it."""
    inner: _Edges = {i: set() for i in range(len(base))}
    for i, entry in enumerate(base):
        for j, other in enumerate(base):
            if i == j:
                continue
            if other.name in entry.before:
                inner[i].add(j)
            if other.name in entry.after:
                inner[j].add(i)
    return inner


def _rearranged(base: list[Entry], inner: _Edges) -> list[Entry]:
    outer: _Edges = {i: set() for i in inner}
    for i, js in inner.items():
        for j in js:
            outer[j].add(i)
    waiting = _sorted(inner, outer, 1)
    if len(waiting) < len(base):
        _raise_cycle(base, inner, set(waiting))
    forward = _sorted(outer, inner, -1)[::-1]
    best = min((waiting, forward), key=_moved)
    return [base[i] for i in best]


def _sorted(following: _Edges, blocking: _Edges, sign: int) -> list[int]:
    """Kahn's algorithm, taking the first free place (the last, for ``sign`` -1)."""
    open_ = {i: len(js) for i, js in blocking.items()}
    free = [sign * i for i, count in open_.items() if count == 0]
    heapq.heapify(free)
    result: list[int] = []
    while free:
        i = sign * heapq.heappop(free)
        result.append(i)
        for j in following[i]:
            open_[j] -= 1
            if open_[j] == 0:
                heapq.heappush(free, sign * j)
    return result


def _moved(order: list[int]) -> int:
    """How many entries are not part of the longest run that kept its order."""
    kept: list[int] = []
    for i in order:
        longest = max((kept[k] for k, j in enumerate(order[: len(kept)]) if j < i), default=0)
        kept.append(longest + 1)
    return len(order) - max(kept, default=0)


def _raise_cycle(base: list[Entry], inner: _Edges, done: set[int]) -> None:
    """Follow the edges among what is left until a place comes again."""
    left = set(inner) - done
    # Something that waits for ever is on a cycle or behind one: walk outward.
    path = [min(left)]
    while True:
        i = path[-1]
        j = min(k for k in left if i in inner[k])
        if j in path:
            circle = [*path[path.index(j) :], j][::-1]
            break
        path.append(j)
    text = " before ".join(repr(base[i].name) for i in circle)
    msg = f"the advisors' relations contradict each other: {text}"
    raise ChainError(msg)
