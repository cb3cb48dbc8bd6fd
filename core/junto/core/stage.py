"""The fused hooks of one activation, and what passed each level.

*Positions* count from the inside: position 0 is the stream of the source, position
``j + 1`` the stream after hook ``j``.  A *segment* is a run of positions at which the
stream has been the same so far; it has one record.  A hook that changes an event ends
the segment it stands in, for the rest of the run.

The hooks run from a *plan*, one entry a hook: the hook, where to record what comes in if a
segment ends there, and its place.  It is made anew when a segment is split, which happens
at most once a hook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from .collect import Record
from .context import RunContext
from .contract import checked
from .events import Event, Finish, Restart, UsageUpdate
from .usage import Usage

if TYPE_CHECKING:
    from .levels import Level

__all__ = ["Fused"]

_TERMINAL = (UsageUpdate, Finish)
_CONTENT = frozenset(get_args(Event)) - frozenset(_TERMINAL)

_Note: TypeAlias = "Callable[[Event], None] | None"


class _Segment:
    """Positions up to ``end``, between which no hook has changed anything."""

    __slots__ = ("end", "record", "start")

    def __init__(self, start: int, end: int, record: Record | None) -> None:
        self.start = start
        self.end = end
        self.record = record


class Fused:
    """The hooks of one activation, innermost first, as one step per event.

    Attributes:
        pending: What goes out before the next event is taken, the next one last.
        held: What a buffered stage holds; ``None`` for any other.
        passing: Every event goes out as it came in: nobody hooks in, nothing is held.
        note: Where what goes out is recorded, if anywhere.
    """

    __slots__ = (
        "_ctx",
        "_early",
        "_hooks",
        "_levels",
        "_needed",
        "_plan",
        "_segments",
        "held",
        "note",
        "passing",
        "pending",
    )

    def __init__(
        self,
        hooks: Sequence[Callable[..., Any]],
        levels: Sequence[Level],
        needed: Iterable[int],
        ctx: RunContext,
        *,
        hold: bool = False,
    ) -> None:
        self._hooks = hooks
        self._levels = levels
        self._needed = frozenset(needed)
        self._ctx = ctx
        self._early: dict[int, list[Event]] = {}
        self._segments = [_Segment(0, len(hooks), Record() if self._needed else None)]
        self.pending: list[tuple[int, Event]] = []
        self.held: list[Event] | None = [] if hold else None
        self.passing: bool = not hooks and not hold
        self._make_plan()

    def _make_plan(self) -> None:
        notes: dict[int, _Note] = {}
        for segment in self._segments:
            notes[segment.end] = None if segment.record is None else segment.record.add
        self.note: _Note = notes.pop(len(self._hooks))
        # A hook that ends a segment may change events again without more ado.
        self._plan: list[tuple[Callable[..., Any], _Note, int, bool]] = [
            (hook, notes.get(place), place, place in notes)
            for place, hook in enumerate(self._hooks)
        ]

    def step(self, event: Event, start: int = 0) -> Event | None:
        """Take one event at a position, and lead it outward.

        Returns:
            What goes out now, or ``None``.
        """
        ctx = self._ctx
        for hook, note, place, is_end in self._plan[start:] if start else self._plan:
            if note is not None:
                note(event)
            try:
                out = hook(event, ctx)
            except BaseException:
                if not is_end:
                    # Further in the event has passed.
                    self._split(place, event)
                raise
            if out is not event:
                if not is_end:
                    self._split(place, event)
                if out.__class__ not in _CONTENT:
                    out = self._first_of(place, out)
                    if out is None:
                        return None
                if not is_end:
                    # The rest of the old plan would record this in the wrong places.
                    return self.step(out, place + 1)
                event = out
        if self.note is not None:
            self.note(event)
        return event if self.held is None else self._hold(self.held, event)

    def resume(self) -> Event | None:
        """Take the next of the events that a hook gave several of."""
        position, event = self.pending.pop()
        return self.step(event, position)

    def restart(self, event: Event) -> Event | None:
        """Take a restart: what hooks said of usage and finish is void as well."""
        self._early.clear()
        return self.step(event)

    def show_end(
        self, hook: int, usage: Usage | None, finish: Finish
    ) -> tuple[Usage | None, Finish]:
        """Show usage and finish to one hook; what else it gives becomes pending.

        Returns:
            Usage and finish as they leave it.
        """
        event: Event
        content: list[Event] = []
        given = self._early.pop(hook, [])
        for event in (finish,) if usage is None else (UsageUpdate(usage), finish):
            out = self._hooks[hook](event, self._ctx)
            given += (event,) if out is event else checked(out, self._levels[hook].name)
        usage = None
        for event in given:
            if isinstance(event, UsageUpdate):
                usage = event.usage
            elif isinstance(event, Finish):
                finish = event
            else:
                content.append(event)
        if content:
            if all(segment.end != hook for segment in self._segments):
                self._split(hook)
            self.pending += [(hook + 1, event) for event in reversed(content)]
        return usage, finish

    def record_at(self, position: int) -> Record:
        """What passed one position; nothing, if its hook was never reached."""
        for segment in self._segments:
            if position <= segment.end:
                return segment.record or Record()
        return Record()

    def compact(self) -> None:
        """Keep the records small."""
        for segment in self._segments:
            if segment.record is not None:
                segment.record.compact()

    def _first_of(self, hook: int, out: object) -> Event | None:
        """Of what a hook gave the first goes on now, the rest at the next pulls."""
        content: list[Event] = []
        for event in checked(out, self._levels[hook].name):
            if isinstance(event, _TERMINAL):
                self._early.setdefault(hook, []).append(event)
            else:
                content.append(event)
        self.pending += [(hook + 1, event) for event in reversed(content[1:])]
        return content[0] if content else None

    def _split(self, hook: int, event: Event | None = None) -> None:
        """End a segment at a hook that has changed something for the first time.

        Args:
            hook: Its place.
            event: What came to it, and has not been recorded.
        """
        i = next(i for i, segment in enumerate(self._segments) if hook <= segment.end)
        segment = self._segments[i]
        start, end, record = segment.start, segment.end, segment.record
        inside = any(start <= p <= hook for p in self._needed)
        outside = any(hook < p <= end for p in self._needed)
        given = record
        if record is not None and inside and outside:
            given = record.copy()
        self._segments[i : i + 1] = [
            _Segment(start, hook, record if inside else None),
            _Segment(hook + 1, end, given if outside else None),
        ]
        if event is not None and inside and record is not None:
            record.add(event)
        self._make_plan()

    @staticmethod
    def _hold(held: list[Event], event: Event) -> None:
        # A restart voids what was held, and nothing has been shown that it could void.
        if event.__class__ is Restart:
            held.clear()
        else:
            held.append(event)
