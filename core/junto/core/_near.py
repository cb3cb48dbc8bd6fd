"""The name that somebody meant."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one of ``names`` that is most like ``name``, if one is; from 0 to 1 how much."""
    import difflib  # Only for a mistake.

    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=cutoff)), None)
