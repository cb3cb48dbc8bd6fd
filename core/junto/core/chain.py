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

from collections.abc import Iterable

from attrs import field, frozen

from .explain import Explanation, explained
from .functions import AdvisorLike, as_item
from .hooks import Advisor, Placement
from .levels import Level, Stage, staged
from .lints import Lint, lints_of
from .order import Entry, arrange, entry_of
from .selection import declared_name, left_out_of, listed

__all__ = ["AdvisorChain"]


def _items(value: Iterable[AdvisorLike]) -> tuple[Advisor | Placement, ...]:
    return tuple([as_item(item) for item in listed("advisors", value)])


@frozen(eq=False)
class AdvisorChain:
    """Advisors in the order in which they will run.  Immutable, shared by all runs.

    Attributes:
        items: What it was made of.
        names: The advisors' names, outermost first.
        entries: The advisors, outermost first, with their orders and relations.

    Raises:
        ChainError: When the relations cannot be satisfied; the text names the pair.
        PluginError: A name leads to no advisor.
        TypeError: For something that is not an advisor, or a hook with a wrong signature.
    """

    items: tuple[Advisor | Placement, ...] = field(default=(), converter=_items)
    _added: frozenset[int] = field(default=frozenset(), alias="added", repr=False, kw_only=True)
    entries: tuple[Entry, ...] = field(init=False)
    stage: Stage = field(init=False, repr=False)
    names: tuple[str, ...] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        entries = arrange([entry_of(item, i) for i, item in enumerate(self.items)])
        object.__setattr__(self, "entries", entries)
        object.__setattr__(self, "names", tuple([entry.name for entry in entries]))
        object.__setattr__(self, "stage", staged([Level.of(entry) for entry in entries]))

    @property
    def lints(self) -> tuple[Lint, ...]:
        """Known traps that this chain walks into."""
        return lints_of(self.entries)

    def explain(self, *, model: str = "") -> Explanation:
        """The chain as it will run: who stands where, and why.

        Args:
            model: What to call the model, such as ``"dashscope:qwq-plus"``.
        """
        return explained(self.entries, self.stage, model, self._added)

    def changed(
        self, add: Iterable[AdvisorLike] = (), without: Iterable[AdvisorLike] = ()
    ) -> AdvisorChain:
        """The chain for one request: some left out, some replaced by name, some added.

        An added advisor that declares a ``name`` takes the place of the one with that
        name; one without is always added, unless it was itself given by name.

        Raises:
            ValueError: ``without`` is about an advisor that is not in the chain.
            PluginError: A name leads to no advisor.
        """
        added = _items(add)
        left_out = left_out_of(self.entries, without)
        if not added and not left_out:
            return self
        kept: list[Advisor | Placement] = []
        new = list(added)
        replaced: set[str] = set()
        for item in self.items:
            entry = entry_of(item, 0)
            if id(entry.advisor) in left_out or entry.name in replaced:
                continue
            place = next((i for i, one in enumerate(new) if declared_name(one) == entry.name), None)
            kept.append(item if place is None else new.pop(place))
            if place is not None:
                replaced.add(entry.name)
        kept += new
        return AdvisorChain(
            kept, added=frozenset([id(entry_of(item, 0).advisor) for item in added])
        )

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return f"AdvisorChain({', '.join(self.names)})"
