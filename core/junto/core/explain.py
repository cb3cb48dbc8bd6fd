"""What a chain says of itself: who stands where, why, and which traps it walks into."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import asdict, frozen

from .functions import FunctionAdvisor
from .hooks import Phase
from .levels import Level, Stage
from .lints import WATCHED, Lint, lints_of, role_of
from .order import Entry

__all__ = ["ExplainedAdvisor", "Explanation", "explained"]


@frozen
class ExplainedAdvisor:
    """One advisor, where it stands.

    Attributes:
        place: Its place from the outside, from 1.
        name: Its name.
        order: The order that it declares, or was placed with.
        phase: The named phase at or outside that order, such as ``"MEMORY"`` or
            ``"MEMORY+20"``.
        reason: Why it stands there.
        kind: Its class or function, with the module.
        plugin: The name by which it was given, and the distribution that has it; empty
            where it was given itself.
        origin: ``"client"`` or ``"request"``: who brought it.
        hooks: The hooks that it has; no other costs anything.
        stage: Advisors of one number run as one loop; from 1.
        role: What it declares to be.
        buffered: Nothing leaves it before its end.
        holds: How many characters it may keep back.
        isolated: A failure of it does not end the run.
        terminal: It never asks for the rest of the chain.
    """

    place: int
    name: str
    order: int
    phase: str
    reason: str
    kind: str
    plugin: str
    origin: str
    hooks: tuple[str, ...]
    stage: int
    role: str
    buffered: bool
    holds: int
    isolated: bool
    terminal: bool

    @property
    def marks(self) -> tuple[str, ...]:
        """What sets it apart, in words."""
        marks = [word for word in ("buffered", "isolated", "terminal") if getattr(self, word)]
        return (*marks, f"holds {self.holds}") if self.holds else tuple(marks)


@frozen
class Explanation:
    """A chain explained; ``str()`` is for people.

    Attributes:
        advisors: The advisors, outermost first.
        lints: Known traps.
        model: What is asked in the end; may be empty.
    """

    advisors: tuple[ExplainedAdvisor, ...]
    lints: tuple[Lint, ...]
    model: str = ""

    def __str__(self) -> str:
        width = max((len(one.name) for one in self.advisors), default=0)
        lines = ["reader"]
        for one in self.advisors:
            plugin = [f"plugin {one.plugin}"] if one.plugin else []
            what = ", ".join((one.kind, *plugin, f"from the {one.origin}", *one.marks))
            lines.append(f"{one.place:3}  {one.name:{width}}  {one.reason}")
            lines.append(f"     {'':{width}}  {what}")
            lines.append(f"     {'':{width}}  hooks: {', '.join(one.hooks) or 'none'}")
        lines.append(f"model {self.model}".rstrip())
        return "\n".join([*lines, *(f"trap: {lint}" for lint in self.lints)])

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, dictionaries and values, as :meth:`to_json` writes them."""
        return asdict(self)

    def to_json(self, *, indent: int | None = 2) -> str:
        """The explanation as JSON: ``model``, ``advisors`` and ``lints``."""
        return json.dumps(self.as_dict(), indent=indent, ensure_ascii=False)

    def mermaid(self) -> str:
        """A flow chart in Mermaid's language, from the reader to the model."""
        lines = ["flowchart LR", '    reader(["reader"])']
        names = ["reader"]
        for one in self.advisors:
            label = "<br/>".join(map(_quoted, (one.name, f"{one.order} {one.phase}", *one.marks)))
            opening, closing = ("[[", "]]") if one.buffered else ("[", "]")
            lines.append(f'    a{one.place}{opening}"{label}"{closing}')
            names.append(f"a{one.place}")
        lines.append(f'    model(["{_quoted(self.model or "model")}"])')
        path = " <--> ".join([*names, "model"])
        return "\n".join([*lines, f"    {path}"])


def _quoted(text: str) -> str:
    return "".join(
        char if char.isalnum() or char in " _+-.:/" else f"#{ord(char)};" for char in text
    )


def explained(
    entries: Sequence[Entry], stage: Stage, model: str, added: frozenset[int]
) -> Explanation:
    """Explain a chain.

    Args:
        entries: Who stands where.
        stage: The outermost stage that they were compiled into.
        model: What is asked in the end.
        added: The ``id()`` of the advisors that came with the request.
    """
    advisors: list[ExplainedAdvisor] = []
    for i, (entry, (number, level)) in enumerate(zip(entries, _numbered(stage), strict=True)):
        advisors.append(
            ExplainedAdvisor(
                place=i + 1,
                name=entry.name,
                order=entry.order,
                phase=_phase(entry.order),
                reason=_reason(entries, i),
                kind=_kind(entry.advisor),
                plugin=f"{entry.plugin.name} of {entry.plugin.origin}" if entry.plugin else "",
                origin="request" if id(entry.advisor) in added else "client",
                hooks=tuple(h for h in WATCHED if getattr(level, h) is not None),
                stage=number,
                role=role_of(entry),
                buffered=level.buffered,
                holds=int(getattr(entry.advisor, "holds", 0)),
                isolated=level.isolated,
                terminal=bool(getattr(entry.advisor, "terminal", False)),
            )
        )
    return Explanation(tuple(advisors), lints_of(entries), model)


def _numbered(stage: Stage | None) -> Iterator[tuple[int, Level]]:
    number = 1
    while stage is not None:
        for level in stage.levels:
            yield number, level
        stage = stage.inner
        number += 1


def _phase(order: int) -> str:
    below = [phase for phase in Phase if phase <= order]
    if not below:
        return f"{Phase.OUTER.name}{order - Phase.OUTER}"
    more = order - below[-1]
    return f"{below[-1].name}+{more}" if more else below[-1].name


def _reason(entries: Sequence[Entry], i: int) -> str:
    entry = entries[i]
    reason = f"order {entry.order} ({_phase(entry.order)})"
    relations = [_relation(entry, other) for other in entries if other is not entry]
    related = ", ".join(filter(None, relations))
    if entry.moved:
        return f"{reason}, moved: {related}"
    ties = [other.name for other in entries[:i] if other.order == entry.order and not other.moved]
    if ties:
        reason += f", given after {ties[-1]!r}"
    return f"{reason}, {related}" if related else reason


def _relation(entry: Entry, other: Entry) -> str:
    if other.name in entry.before or entry.name in other.after:
        return f"before {other.name!r}"
    if other.name in entry.after or entry.name in other.before:
        return f"after {other.name!r}"
    return ""


def _kind(advisor: object) -> str:
    made_of: Any = type(advisor)
    if isinstance(advisor, FunctionAdvisor):
        function: Any = advisor.function
        made_of = function if hasattr(function, "__qualname__") else function.__class__
    name, module = str(made_of.__qualname__), str(made_of.__module__)
    # From where its users import it, if that is further up.
    parts = module.split(".")
    for i in range(1, len(parts)):
        above = ".".join(parts[:i])
        if getattr(sys.modules.get(above), name, None) is made_of:
            return f"{above}.{name}"
    return f"{module}.{name}"
