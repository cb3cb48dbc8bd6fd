"""Advisors compiled: which hooks each one has, and which of them run as one stage.

The essay on top of ``chain.py`` says what a stage is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from attrs import field, frozen

from .hooks import Advisor
from .order import Entry
from .signatures import HOOKS, check_signature

__all__ = ["Level", "Stage", "staged"]


def _hook(entry: Entry, name: str) -> Callable[..., Any] | None:
    """The bound hook, checked, if the advisor has one that is not the base's."""
    bound = getattr(entry.advisor, name, None)
    if bound is None or getattr(bound, "__func__", None) is getattr(Advisor, name):
        return None
    check_signature(name, entry.name, bound)
    return bound  # type: ignore[no-any-return]  # authors may use any class


@frozen(eq=False)
class Level:
    """One advisor, its hooks resolved; ``None`` where it overrides nothing."""

    name: str
    advisor: Advisor
    before: Callable[..., Any] | None
    on_event: Callable[..., Any] | None
    open: Callable[..., Any] | None
    after: Callable[..., Any] | None
    on_close: Callable[..., Any] | None
    around: Callable[..., Any] | None
    buffered: bool
    isolated: bool
    observer: Callable[..., Any] | None

    @classmethod
    def of(cls, entry: Entry) -> Level:
        """Ask an advisor what it overrides.

        Raises:
            TypeError: A hook has the wrong signature, or an advisor that is isolated has
                an ``around``.
        """
        advisor = entry.advisor
        level = cls(
            name=entry.name,
            advisor=advisor,
            buffered=bool(getattr(advisor, "buffered", False)),
            isolated=bool(getattr(advisor, "isolated", False)),
            **{name: _hook(entry, name) for name in (*HOOKS, "observer")},
        )
        if level.isolated and level.around is not None:
            msg = (
                f"advisor {level.name!r} is isolated and has an around: what an around "
                "has begun cannot be left out, so use the other hooks"
            )
            raise TypeError(msg)
        return level

    @property
    def sees_events(self) -> bool:
        """Whether it has a hook that is called for each event."""
        return self.on_event is not None or self.open is not None

    @property
    def needs_record(self) -> bool:
        """Whether somebody may ask what passed this level."""
        return self.after is not None or self.on_close is not None


_Numbered: TypeAlias = "tuple[tuple[int, Level], ...]"


@frozen(eq=False)
class Stage:
    """Neighbouring advisors that run as one loop, outermost first.

    Attributes:
        levels: The advisors.
        inner: The stage further in; ``None`` for the one that asks the model.
        places: For each level, how many hooks for events stand at it or further in.
        befores: The levels with a ``before``, from the outside in.
        seers: Those with a hook for events, from the inside out, as all that follow.
        enders: Those with something to do when the source has ended.
        recorders: Those that may ask what passed them.
        closers: Those with an ``on_close``.
        observing: Those here and further in that may bring an observer.
        buffered: Its output is held until its end.
        around: The innermost advisor, if it steers what is further in.
    """

    levels: tuple[Level, ...]
    inner: Stage | None
    places: tuple[int, ...] = field(init=False)
    befores: _Numbered = field(init=False)
    seers: _Numbered = field(init=False)
    enders: _Numbered = field(init=False)
    recorders: _Numbered = field(init=False)
    closers: _Numbered = field(init=False)
    observing: tuple[Level, ...] = field(init=False)
    buffered: bool = field(init=False)
    around: Level | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        outward = list(enumerate(self.levels))[::-1]
        counts = [0]
        for _, level in outward:
            counts.append(counts[-1] + level.sees_events)
        found: dict[str, Iterable[Any]] = {
            "places": counts[::-1],
            "befores": [(i, level) for i, level in outward[::-1] if level.before],
            "seers": [(i, level) for i, level in outward if level.sees_events],
            "enders": [(i, level) for i, level in outward if level.sees_events or level.after],
            "recorders": [(i, level) for i, level in outward if level.needs_record],
            "closers": [(i, level) for i, level in outward if level.on_close],
        }
        further_in = () if self.inner is None else self.inner.observing
        own = [level for level in self.levels if level.observer is not None]
        found["observing"] = (*own, *further_in)
        for name, value in found.items():
            object.__setattr__(self, name, tuple(value))
        last = self.levels[-1] if self.levels else None
        steers = last is not None and last.around is not None
        object.__setattr__(self, "buffered", bool(self.levels) and self.levels[0].buffered)
        object.__setattr__(self, "around", last if steers else None)


def staged(levels: Sequence[Level]) -> Stage:
    """Cut levels into stages, and give the outermost one."""
    cuts = [0]
    for i, level in enumerate(levels):
        if level.buffered and i > cuts[-1]:
            cuts.append(i)
        if level.around is not None:
            cuts.append(i + 1)
    stage = Stage(tuple(levels[cuts[-1] :]), None)
    for start, end in zip(cuts[-2::-1], cuts[:0:-1], strict=True):
        stage = Stage(tuple(levels[start:end]), stage)
    return stage
