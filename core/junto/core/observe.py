"""Looking at a run: what each advisor kept, changed, held, dropped or injected.

An observer is a function of one :class:`Observation`.  It is given to a client or to one
request, or an advisor brings it (``Advisor.observer``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from attrs import define

from .events import Event, ReasoningDelta, Restart, TextDelta

__all__ = ["MODEL", "Observation", "Observer", "Tally", "chars_of"]

MODEL = "(model)"
"""Whom an observation of the model itself names."""


@define
class Tally:
    """What one advisor did in one run, all its activations together.

    Every event that it was given is in the end one of kept, changed, held or dropped.
    What was withheld counts as held if the advisor gave more later on, and else as
    dropped; what it gave beyond that was injected.

    Attributes:
        given: Events that it was given, usage and finish included.
        kept: Passed on at once, as they were.
        changed: Another event went on instead.
        held: Withheld at first, and released with a later one.
        dropped: Withheld for good.
        injected: Events that it added.
        gave: Events that it gave, all together.
        chars_given: Characters of text and reasoning that came in.
        chars_gave: And that went out.
        seconds: Time spent in its own hooks; for an ``around`` without the time spent
            further in, and for the model the time waited for it.
    """

    given: int = 0
    kept: int = 0
    changed: int = 0
    held: int = 0
    dropped: int = 0
    injected: int = 0
    gave: int = 0
    chars_given: int = 0
    chars_gave: int = 0
    seconds: float = 0.0
    _withheld: int = 0

    def count(self, event: Event, outs: Sequence[Event]) -> str:
        """Count what became of one event; give the verdict as far as it is known now."""
        if event.__class__ is Restart:
            self.settle()
        self.given += 1
        self.gave += len(outs)
        given = chars_of(event)
        gave = sum(map(chars_of, outs))
        self.chars_given += given
        self.chars_gave += gave
        if not outs:
            self._withheld += 1
            return "held"
        kept = any(out is event for out in outs)
        self.kept += kept
        self.changed += not kept
        more = len(outs) - 1
        if self._withheld and (more or gave > given):
            self.held += self._withheld
            more = max(0, more - self._withheld)
            self._withheld = 0
        self.injected += more
        return "injected" if more else "kept" if kept else "changed"

    def settle(self) -> None:
        """No more will come: what is withheld now is lost."""
        self.dropped += self._withheld
        self._withheld = 0


def chars_of(event: Event) -> int:
    """The characters of text or reasoning that an event carries."""
    return len(event.text) if isinstance(event, TextDelta | ReasoningDelta) else 0


@define(eq=False)
class Observation:
    """One thing that happened in a run.

    Attributes:
        what: ``"started"``, ``"before"``, ``"event"``, ``"after"``, ``"on_close"``,
            ``"around"`` (it began), ``"asked"`` (the model), ``"advisor"`` (its tally, once a
            run, at the end), ``"ended"``.
        run_id: The run's id.
        at: Seconds since the run began.
        advisor: The advisor's name; ``"(model)"`` for the model, empty for the run.
        activation: Which ``next()`` call it belongs to: ``"0"`` is the run itself,
            ``"0.1"`` the first one inside its ``around``.
        verdict: ``"kept"``, ``"changed"``, ``"held"``, ``"injected"``, ``"answered"`` for a
            ``before`` that short-circuits, ``"raised"``; the outcome's kind at the end.
        seconds: How long it took; ``None`` for what has no length.
        given: What the hook was given: a request, an event, a response or an outcome.
        gave: What it returned.
        tally: With ``"advisor"``.
    """

    what: str
    run_id: str
    at: float
    advisor: str = ""
    activation: str = "0"
    verdict: str = ""
    seconds: float | None = None
    given: Any = None
    gave: Any = None
    tally: Tally | None = None


Observer: TypeAlias = Callable[[Observation], object]
"""Called for each observation, in the run, and so at once.  One that raises is logged and
left out for the rest of the run."""
