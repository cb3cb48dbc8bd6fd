"""Who stands where: orders, ties, and relations by name.

The base order is the stable sort by ``order``: ties keep the order of registration,
the client's defaults first.  Relations move an advisor only when they are violated, and
then as few advisors as can be: the rest keeps its order.  Where there is a choice, those
move that declared a relation, and else those that stand too far out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from attrs import evolve, frozen

from .errors import ChainError
from .hooks import Advisor, Placement
from .observe import MODEL
from .plugins.found import Plugin
from .signatures import HOOKS

__all__ = ["Entry", "arrange", "entry_of", "name_of"]

_Edges: TypeAlias = "dict[int, set[int]]"


@frozen(eq=False)
class Entry:
    """An advisor with its name, its order and its relations, resolved.

    ``moved`` says that a relation put it elsewhere than its order would, ``plugin`` where
    it came from, if it was given by name.
    """

    advisor: Advisor
    name: str
    order: int
    before: frozenset[str]
    after: frozenset[str]
    requires: frozenset[str]
    moved: bool = False
    plugin: Plugin | None = None


def name_of(advisor: Advisor, plugin: Plugin | None = None) -> str:
    """The advisor's own name, or its plugin's, or its class's."""
    own: str = getattr(advisor, "name", "")
    return own or (plugin.name if plugin is not None else type(advisor).__name__)


def entry_of(item: Advisor | Placement, position: int) -> Entry:
    """Resolve what a user put into a list of advisors.

    Raises:
        TypeError: For a class instead of an instance, or anything without hooks.
    """
    placed = item if isinstance(item, Placement) else Placement(item)
    advisor: Any = placed.advisor
    _check(advisor, position)
    name = name_of(advisor, placed.plugin)
    if name == MODEL:
        msg = f"no advisor can be named {MODEL!r}: that is what a trace calls the model"
        raise TypeError(msg)
    order = getattr(advisor, "order", 0) if placed.order is None else placed.order
    if isinstance(order, bool) or not isinstance(order, int):
        msg = f"advisor {name!r} has order {order!r}: an order is an int"
        raise TypeError(msg)
    return Entry(
        advisor,
        name,
        int(order),
        _set(advisor, "runs_before", placed.before),
        _set(advisor, "runs_after", placed.after),
        _set(advisor, "requires", placed.requires),
        plugin=placed.plugin,
    )


def _check(advisor: object, position: int) -> None:
    if isinstance(advisor, type):
        msg = f"advisor {position} is the class {advisor.__name__}: make an instance of it"
        raise TypeError(msg)
    if not any(callable(getattr(advisor, hook, None)) for hook in HOOKS):
        msg = (
            f"advisor {position} is {advisor!r}, which has none of the hooks "
            f"{', '.join(HOOKS)}: subclass junto.core.Advisor, or give a function"
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
    order = _sorted(inner)
    if len(order) < len(base):
        _raise_cycle(base, inner, set(order))
    behind = _all_behind(inner, order)
    wrong = {i: [j for j in behind if i < j and i in behind[j]] for i in sorted(behind)}
    mirrored = {j: [i for i in wrong if j in wrong[i]] for j in wrong}

    def innocent(stay: list[int]) -> int:
        """How many move that declared nothing."""
        moved = (entry for i, entry in enumerate(base) if i not in stay)
        return sum(not (entry.before or entry.after) for entry in moved)

    stay = min(_staying(wrong), _staying(mirrored), key=innocent)
    held = {i: set(js) for i, js in inner.items()}
    for i, j in pairwise(stay):
        held[i].add(j)
    return [base[i] if i in stay else evolve(base[i], moved=True) for i in _sorted(held)]


def _sorted(inner: _Edges) -> list[int]:
    """Kahn's algorithm, taking the first place that is free; less than all on a cycle."""
    open_ = dict.fromkeys(inner, 0)
    for js in inner.values():
        for j in js:
            open_[j] += 1
    free = [i for i, count in open_.items() if count == 0]
    heapq.heapify(free)
    result: list[int] = []
    while free:
        i = heapq.heappop(free)
        result.append(i)
        for j in inner[i]:
            open_[j] -= 1
            if open_[j] == 0:
                heapq.heappush(free, j)
    return result


def _all_behind(inner: _Edges, order: list[int]) -> _Edges:
    """For each place, all that must come after it, whether it says so or another does."""
    behind: _Edges = {}
    for i in reversed(order):
        behind[i] = inner[i].union(*(behind[j] for j in inner[i]))
    return behind


def _staying(wrong: dict[int, list[int]]) -> list[int]:
    """The most places that can keep their order; of several such sets, the innermost.

    Two that stand the wrong way round cannot both stay.  Being the wrong way round is
    transitive, so those who stay are a largest antichain of a partial order: what a
    greatest matching of wrong pairs leaves uncovered (Dilworth, König).

    Args:
        wrong: For each place, the places further in that must come before it.  With the
            pairs turned round, the outermost set is found.
    """
    partner: dict[int, int] = {}

    def matched(i: int, seen: set[int]) -> bool:
        for j in wrong[i]:
            if j not in seen:
                seen.add(j)
                if j not in partner or matched(partner[j], seen):
                    partner[j] = i
                    return True
        return False

    for i in wrong:
        matched(i, set())
    free = [i for i in wrong if i not in partner.values()]
    reached: set[int] = set()
    for i in free:
        for j in wrong[i]:
            if j not in reached:
                reached.add(j)
                free.append(partner[j])
    return sorted(set(free) - reached)


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
