"""Known traps that a chain can walk into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from ._near import nearest
from .hooks import Advisor
from .order import Entry
from .signatures import HOOKS

__all__ = ["WATCHED", "ChainWarning", "Lint", "lints_of", "role_of"]

WATCHED = (*HOOKS, "observer")
"""All that an advisor can override to take part."""


class ChainWarning(UserWarning):
    """A chain walks into a known trap; see :attr:`Explanation.lints <junto.core.Explanation>`."""


@frozen
class Lint:
    """One known trap.

    Attributes:
        code: Its short name, such as ``"memory-inside-tools"``.
        advisors: The names of those concerned, the outer one first.
        message: What happens, and what to do.
    """

    code: str
    advisors: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def role_of(entry: Entry) -> str:
    """What an advisor declares to be; may be empty."""
    return str(getattr(entry.advisor, "role", ""))


_INSIDE: dict[tuple[str, str], tuple[str, str]] = {
    ("tools", "memory"): (
        "memory-inside-tools",
        (
            "{inner!r} stands inside the tool loop {outer!r}, so every round loads the "
            "conversation again; give it a lower order"
        ),
    ),
    ("redactor", "logging"): (
        "redactor-outside-logging",
        (
            "{inner!r} stands inside the redactor {outer!r}, so it logs what is to be "
            "removed; give the redactor a higher order"
        ),
    ),
    ("memory", "guard"): (
        "memory-outside-guard",
        (
            "{outer!r} stands outside the guard {inner!r}, so it stores questions that are "
            "refused, and the guard meets them again in the history; give the guard a lower order"
        ),
    ),
    ("retry", "memory"): (
        "memory-inside-retry",
        (
            "{inner!r} stands inside {outer!r}, so every attempt loads the conversation "
            "again; give it a lower order"
        ),
    ),
}
"""Who must not stand inside whom: the outer role, the inner role, the lint."""

_GUARDS = frozenset({"guard", "redactor"})


def lints_of(entries: Sequence[Entry]) -> tuple[Lint, ...]:
    """The known traps that a chain walks into, from the outside in."""
    return tuple(_lints(entries))


def _lints(entries: Sequence[Entry]) -> Iterator[Lint]:
    roles = [(entry, role) for entry in entries if (role := role_of(entry))]
    for entry in entries:
        meant = _meant(entry.advisor)
        if meant is not None:
            wrong, right = meant
            msg = f"{entry.name!r} has no hook, but a method {wrong!r}; rename it to {right!r}"
            yield Lint("misspelt-hook", (entry.name,), msg)
    for i, (outer, role) in enumerate(roles):
        if role in _GUARDS and getattr(outer.advisor, "isolated", False):
            msg = f"{outer.name!r} is isolated, so when it fails everything passes"
            yield Lint("guard-isolated", (outer.name,), msg)
        for inner, inner_role in roles[i + 1 :]:
            found = _INSIDE.get((role, inner_role))
            if found is not None:
                code, msg = found
                names = (outer.name, inner.name)
                yield Lint(code, names, msg.format(outer=outer.name, inner=inner.name))


def _meant(advisor: Advisor) -> tuple[str, str] | None:
    """The method of an advisor without hooks that was meant to be one, and which."""
    for hook in WATCHED:
        own = getattr(advisor, hook, None)
        if own is not None and getattr(own, "__func__", None) is not getattr(Advisor, hook):
            return None
    for kind in type(advisor).__mro__:
        for name, value in vars(kind).items():
            near = nearest(name, WATCHED, 0.75)
            if near is not None and near != name and callable(value):
                return name, near
    return None
