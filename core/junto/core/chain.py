"""The chain: advisors in order, compiled into stages.  How a run works.

**Stages.**  An advisor that only looks at events needs no generator of its own: the
``on_event`` hooks of neighbours are fused into one loop.  Two things end a stage.  An
``around`` steers everything further in, so it is the innermost of its stage, and what
it gets as ``next`` is the stage after it.  A buffered advisor lets nothing out before
its ``after`` has run, so it is the outermost of its stage.  Which hooks an advisor
overrides is asked once, here; a hook that is not overridden does not exist at run time.

**A run** is one question.  The reader pulls the generator of the outermost stage
(``driver.drive``), which pulls its source: an ``around``, the next stage, or the
model.  There is no task and no queue in between, so the reader's pull is the back-pressure.
Each ``next()`` call is one *activation* of the stages further in.

**Levels.**  Events go through a stage's hooks inward-out.  Every advisor's ``after`` and
``on_close`` speak of the stream as it left that advisor, so a stage keeps one record of
the text per *different* stream: all levels share one until a hook changes an event, and
only then does the record split (``stage.py``).

**The end.**  Usage and finish are withheld.  When the source has ended and is closed,
each level from the inside out sees them, releases what it held, and runs its ``after``;
then the saves run, then every ``on_close``, and only then do usage and finish go out.
So whoever has seen ``Finish`` knows that everything is done.  An activation inside an
``around`` runs its ``after`` at its own end, and its ``on_close`` with the rest of the
run, after the saves, or before the next activation if there is one.

**Leaving early** closes from the inside out: inner activations, the source, the hooks.
Whatever an ``around`` opened and dropped is closed before the next delivery or request
(``children.py``).  The event loop knows the outermost generator only, so that a loop
which shuts down cannot close them all at once.  Failures while closing are logged and
collected, and never hide the outcome.

**Context.**  Everything of a run happens inside one :class:`contextvars.Context`, copied
at the first pull.  What a hook sets there is seen further in and at every later pull,
and never by the reader.  An inner activation is *direct* when its first pull comes from
inside that context, as from a plain ``around``; one that a task of the author's own
pulls first has a copy of its own, and can be interrupted on its own.

**Nothing holds itself.**  The stream holds the generator, which holds the activation,
which holds its source and its children; none of them refers back.  So a stream that is
dropped is found out at once, and not by the garbage collector some day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from attrs import field, frozen

from .advisor import Advisor, Placement
from .order import Entry, arrange, entry_of

__all__ = ["AdvisorChain", "Level", "Stage"]


def _items(value: Iterable[Advisor | Placement]) -> tuple[Advisor | Placement, ...]:
    given: Any = value
    if not isinstance(given, Iterable):
        msg = f"advisors is a list of advisors, not {given!r}: write [{type(given).__name__}(…)]"
        raise TypeError(msg)
    return tuple(value)


def _hook(advisor: object, name: str) -> Callable[..., Any] | None:
    """The bound hook, if the advisor has one that is not the base's."""
    bound = getattr(advisor, name, None)
    if bound is None or getattr(bound, "__func__", None) is getattr(Advisor, name):
        return None
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

    @classmethod
    def of(cls, entry: Entry) -> Level:
        """Ask an advisor what it overrides.

        Raises:
            TypeError: An advisor that is isolated and has an ``around``.
        """
        advisor = entry.advisor
        level = cls(
            name=entry.name,
            advisor=advisor,
            before=_hook(advisor, "before"),
            on_event=_hook(advisor, "on_event"),
            open=_hook(advisor, "open"),
            after=_hook(advisor, "after"),
            on_close=_hook(advisor, "on_close"),
            around=_hook(advisor, "around"),
            buffered=bool(getattr(advisor, "buffered", False)),
            isolated=bool(getattr(advisor, "isolated", False)),
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
    """

    levels: tuple[Level, ...]
    inner: Stage | None
    places: tuple[int, ...] = field(init=False)
    befores: _Numbered = field(init=False)
    seers: _Numbered = field(init=False)
    enders: _Numbered = field(init=False)
    recorders: _Numbered = field(init=False)
    closers: _Numbered = field(init=False)

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
        for name, value in found.items():
            object.__setattr__(self, name, tuple(value))

    @property
    def buffered(self) -> bool:
        """Whether its output is held until its end."""
        return bool(self.levels) and self.levels[0].buffered

    @property
    def around(self) -> Level | None:
        """The innermost advisor, if it steers what is further in."""
        return self.levels[-1] if self.levels and self.levels[-1].around else None


def _staged(levels: Sequence[Level]) -> Stage:
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


@frozen(eq=False)
class AdvisorChain:
    """Advisors in the order in which they will run.  Immutable, shared by all runs.

    Raises:
        ChainError: When the relations cannot be satisfied; the text names the pair.
        TypeError: For something that is not an advisor.
    """

    items: tuple[Advisor | Placement, ...] = field(default=(), converter=_items)
    entries: tuple[Entry, ...] = field(init=False)
    stage: Stage = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        entries = arrange([entry_of(item, i) for i, item in enumerate(self.items)])
        object.__setattr__(self, "entries", entries)
        object.__setattr__(self, "stage", _staged([Level.of(entry) for entry in entries]))

    @property
    def names(self) -> tuple[str, ...]:
        """The advisors' names, outermost first."""
        return tuple(entry.name for entry in self.entries)

    def changed(
        self, add: Iterable[Advisor | Placement] = (), without: Iterable[str] = ()
    ) -> AdvisorChain:
        """The chain for one request: some left out, some replaced by name, some added.

        An added advisor that declares a ``name`` takes the place of the one with that
        name; one without is always added.

        Raises:
            ValueError: ``without`` names an advisor that is not in the chain.
        """
        added = tuple(add)
        left_out = (without,) if isinstance(without, str) else tuple(without)
        if not added and not left_out:
            return self
        for name in left_out:
            if name not in self.names:
                msg = f"there is no advisor {name!r} to leave out; there are {list(self.names)}"
                raise ValueError(msg)
        kept = [item for item in self.items if _entry_name(item) not in left_out]
        for item in added:
            _replace_or_add(kept, item)
        return AdvisorChain(kept)

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return f"AdvisorChain({', '.join(self.names)})"


def _entry_name(item: Advisor | Placement) -> str:
    return entry_of(item, 0).name


def _replace_or_add(kept: list[Advisor | Placement], item: Advisor | Placement) -> None:
    advisor = item.advisor if isinstance(item, Placement) else item
    name = getattr(advisor, "name", "")
    places = [i for i, old in enumerate(kept) if name and _entry_name(old) == name]
    if not places:
        kept.append(item)
        return
    kept[places[0]] = item
    for i in reversed(places[1:]):
        del kept[i]
