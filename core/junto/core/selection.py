"""Which advisors of a chain are meant: by name, by plugin, or themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .functions import AdvisorLike
from .hooks import Advisor, Placement
from .order import Entry

__all__ = ["declared_name", "left_out_of", "listed", "made_by_name"]


def listed(keyword: str, value: Iterable[AdvisorLike]) -> Iterable[AdvisorLike]:
    """What was given for a list of advisors, if it is a list.

    Raises:
        TypeError: It is a single one.
    """
    given: Any = value
    if isinstance(given, str) or not isinstance(given, Iterable):
        msg = f"{keyword} is a list of advisors, not {given!r}: write {keyword}=[…]"
        raise TypeError(msg)
    return value


def declared_name(item: Advisor | Placement) -> str | None:
    """The name by which it replaces another; none if it has only its class's."""
    advisor, plugin = (item.advisor, item.plugin) if isinstance(item, Placement) else (item, None)
    return getattr(advisor, "name", "") or (plugin.name if plugin is not None else None)


def left_out_of(entries: Sequence[Entry], without: Iterable[AdvisorLike]) -> set[int]:
    """The ``id()`` of the advisors that are meant.

    Args:
        entries: The advisors of the chain.
        without: Names of advisors or of the plugins that they came from, advisors
            themselves, or the functions that they were made of.

    Raises:
        ValueError: One is not in the chain.
    """
    single: Any = without
    found: set[int] = set()
    for one in (single,) if isinstance(single, str) else listed("without", without):
        meant = [id(entry.advisor) for entry in entries if _is_meant(entry, one)]
        if not meant:
            names = [entry.name for entry in entries]
            msg = f"there is no advisor {one!r} to leave out; there are {names}"
            raise ValueError(msg)
        found.update(meant)
    return found


def _is_meant(entry: Entry, one: AdvisorLike) -> bool:
    if isinstance(one, Placement):
        one = one.advisor
    if isinstance(one, str):
        plugin = entry.plugin.name if entry.plugin is not None else None
        return one == entry.name or one.partition("?")[0] == plugin
    return one is entry.advisor or one is getattr(entry.advisor, "function", None)


def made_by_name(
    given: Iterable[AdvisorLike], items: Sequence[Advisor | Placement]
) -> tuple[Any, ...]:
    """The advisors among ``items`` that were made for a name in what was given."""
    return tuple(
        [
            item.advisor
            for one, item in zip(given, items, strict=True)
            if item is not one and isinstance(item, Placement) and item.plugin is not None
        ]
    )
