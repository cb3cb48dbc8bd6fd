"""The fused hooks of one activation, and what passed each level.

*Positions* count from the inside: position 0 is the stream of the source, position
``j + 1`` the stream after hook ``j``.  A *segment* is a run of positions at which the
stream has been the same so far; it has one record.  A hook that changes an event ends
the segment it stands in, for the rest of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import length_hint
from typing import TYPE_CHECKING, Any, get_args

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


class _Segment:
    """Positions ``start`` to ``end``, between which no hook has changed anything."""

    __slots__ = ("end", "hooks", "record", "start")

    def __init__(self, start: int, end: int, hooks: Sequence[Any], record: Record | None) -> None:
        self.start = start
        self.end = end
        self.hooks = tuple(hooks[start:end])
        self.record = record


class Fused:
    """The hooks of one activation, innermost first, as one step per event.

    Attributes:
        pending: What goes out before the next event is taken, the next one last.
        held: What a buffered stage holds; ``None`` for any other.
        passing: Every event goes out as it came in: nobody hooks in, nothing is held.
        note: Where such an event is recorded, if anywhere.
    """

    __slots__ = (
        "_ctx",
        "_early",
        "_hooks",
        "_levels",
        "_needed",
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
        record = Record() if self._needed else None
        self._segments = [_Segment(0, len(hooks), hooks, record)]
        self.pending: list[tuple[int, Event]] = []
        self.held: list[Event] | None = [] if hold else None
        self.passing = not hooks and not hold
        self.note = None if record is None else record.add

    def stepper(self) -> Callable[[Event], Event | None]:
        """The fast form of ``step``: one plain loop while nobody has changed anything."""
        hooks, ctx, note, held = tuple(self._hooks), self._ctx, self.note, self.held
        segments, changed = self._segments, self._changed

        def step(event: Event) -> Event | None:
            if len(segments) > 1:
                return self.step(event)
            out: Any = event
            rest = iter(hooks)
            try:
                for hook in rest:
                    out = hook(event, ctx)
                    if out is not event:
                        break
            except BaseException:
                self._failed(0, len(hooks) - 1 - length_hint(rest), event)
                raise
            if out is not event:
                # Counting the hooks as they run would cost more than this.
                return changed(0, len(hooks) - 1 - length_hint(rest), event, out)
            if note is not None:
                note(event)
            return event if held is None else self._hold(held, event)

        return step

    def step(self, event: Event, i: int = 0) -> Event | None:
        """Take one event, from the start of segment ``i`` outward.

        Returns:
            What goes out now, or ``None``.
        """
        segments, ctx = self._segments, self._ctx
        while True:
            segment = segments[i]
            out: Any = event
            rest = iter(segment.hooks)
            try:
                for hook in rest:
                    out = hook(event, ctx)
                    if out is not event:
                        break
            except BaseException:
                self._failed(i, segment.end - 1 - length_hint(rest), event)
                raise
            if out is not event:
                return self._changed(i, segment.end - 1 - length_hint(rest), event, out)
            if segment.record is not None:
                segment.record.add(event)
            i += 1
            if i == len(segments):
                return event if self.held is None else self._hold(self.held, event)
            out = self._hooks[segment.end](event, ctx)
            if out is not event:
                if out.__class__ not in _CONTENT:
                    out = self._first_of(segment.end, out)
                    if out is None:
                        return None
                event = out

    def _changed(self, i: int, hook: int, event: Event, out: Any) -> Event | None:
        """A hook in the midst of segment ``i`` has changed an event for the first time."""
        self._split(i, hook)
        record = self._segments[i].record
        if record is not None:
            record.add(event)
        first = out if out.__class__ in _CONTENT else self._first_of(hook, out)
        return None if first is None else self.step(first, i + 1)

    def _failed(self, i: int, hook: int, event: Event) -> None:
        """A hook in the midst of segment ``i`` has raised: further in, the event has passed."""
        if i < len(self._segments) and self._segments[i].start <= hook < self._segments[i].end:
            self._split(i, hook)
            record = self._segments[i].record
            if record is not None:
                record.add(event)

    def resume(self) -> Event | None:
        """Take the next of the events that a hook gave several of."""
        position, event = self.pending.pop()
        return self.step(event, self._index(position))

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
            i = self._index(hook)
            if self._segments[i].end != hook:
                self._split(i, hook)
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

    def _split(self, i: int, hook: int) -> None:
        """End a segment at a hook that has changed an event for the first time."""
        segment = self._segments[i]
        start, end, record = segment.start, segment.end, segment.record
        inside = any(start <= p <= hook for p in self._needed)
        outside = any(hook < p <= end for p in self._needed)
        given = record
        if record is not None and inside and outside:
            given = record.copy()
        self._segments[i : i + 1] = [
            _Segment(start, hook, self._hooks, record if inside else None),
            _Segment(hook + 1, end, self._hooks, given if outside else None),
        ]

    @staticmethod
    def _hold(held: list[Event], event: Event) -> None:
        # A restart voids what was held, and nothing has been shown that it could void.
        if event.__class__ is Restart:
            held.clear()
        else:
            held.append(event)

    def _index(self, position: int) -> int:
        """The segment that a position is in."""
        for i, segment in enumerate(self._segments):
            if position <= segment.end:
                return i
        raise IndexError(position)
