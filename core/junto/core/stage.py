"""The fused hooks of one activation, and what passed each level.

*Positions* count from the inside: position 0 is the stream of the source, position
``j + 1`` the stream after hook ``j``.  A *segment* is a run of positions at which the
stream has been the same so far; it has one record.  A hook that changes an event ends
the segment it stands in, for the rest of the run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args

from .collect import Record
from .context import RunContext
from .errors import AdvisorContractError
from .events import Event, Finish, Restart, UsageUpdate

__all__ = ["Fused", "checked"]

_EVENTS: tuple[type, ...] = get_args(Event)
_TERMINAL = (UsageUpdate, Finish)


def checked(out: object, name: str) -> tuple[Event, ...]:
    """What a hook returned, as a tuple of events.

    Raises:
        AdvisorContractError: It is neither an event nor a tuple of events.
    """
    if isinstance(out, _EVENTS):
        return (out,)  # type: ignore[return-value]  # just told
    if isinstance(out, tuple) and all(isinstance(event, _EVENTS) for event in out):
        return out
    if inspect.iscoroutine(out):
        out.close()
        what = "a coroutine: on_event is synchronous, await in around"
    elif out is None:
        what = "None: return the event, another one, or () to drop it"
    else:
        what = f"{type(out).__name__}: return an event or a tuple of events"
    msg = f"on_event of advisor {name!r} returned {what}"
    raise AdvisorContractError(msg, advisor=name)


class _Segment:
    """Positions ``start`` to ``end``, between which no hook has changed anything."""

    __slots__ = ("end", "hooks", "record", "start")

    def __init__(self, start: int, end: int, hooks: Sequence[Any], record: Record | None) -> None:
        self.start = start
        self.end = end
        self.hooks = tuple(hooks[start:end])
        self.record = record


class Fused:
    """The hooks of one activation, innermost first, as one step per event."""

    __slots__ = ("_ctx", "_early", "_hooks", "_names", "_needed", "_segments", "held", "pending")

    def __init__(
        self,
        hooks: Sequence[tuple[Callable[..., Any], str]],
        needed: Iterable[int],
        ctx: RunContext,
        *,
        hold: bool = False,
    ) -> None:
        self._hooks = [hook for hook, _ in hooks]
        self._names = [name for _, name in hooks]
        self._needed = sorted(set(needed))
        self._ctx = ctx
        self._early: dict[int, list[Event]] = {}
        record = Record() if self._needed else None
        self._segments = [_Segment(0, len(hooks), self._hooks, record)]
        self.pending: list[tuple[int, Event]] = []
        self.held: list[Event] | None = [] if hold else None

    def step(self, event: Event) -> Event | None:
        """Take one event of the source; give what goes out, or ``None``."""
        return self._on(0, event)

    def resume(self) -> Event | None:
        """Take the next of the events that a hook gave several of."""
        position, event = self.pending.pop()
        return self._enter(position, event)

    def terminal(self, hook: int, event: Event) -> Event | None:
        """Show usage or finish to one hook; what else it gives becomes pending.

        Returns:
            The last usage or finish that the hook gave, ``None`` if it gave none.
        """
        out = self._hooks[hook](event, self._ctx)
        outs = (event,) if out is event else checked(out, self._names[hook])
        content = [e for e in outs if not isinstance(e, _TERMINAL)]
        if content and self._segment_at(hook) is self._segment_at(hook + 1):
            self._split(self._segments.index(self._segment_at(hook)), hook)
        self.pending += [(hook + 1, e) for e in reversed(content)]
        terminals = [e for e in outs if isinstance(e, type(event))]
        return terminals[-1] if terminals else None

    def early(self, hook: int) -> list[Event]:
        """Usage and finish that a hook gave before the end."""
        return self._early.get(hook, [])

    def record_at(self, position: int) -> Record:
        """What passed one position."""
        return self._segment_at(position).record or Record()

    def compact(self) -> None:
        """Keep the records small."""
        for segment in self._segments:
            if segment.record is not None:
                segment.record.compact()

    def _enter(self, position: int, event: Event) -> Event | None:
        """Bring an event in at a position, which is always the start of a segment."""
        for i, segment in enumerate(self._segments):
            if segment.start == position:
                return self._on(i, event)
        raise AssertionError(position)

    def _on(self, i: int, event: Event) -> Event | None:
        """From the start of segment ``i`` outward."""
        while i < len(self._segments):
            segment = self._segments[i]
            place = segment.start
            for hook in segment.hooks:
                out = hook(event, self._ctx)
                if out is not event:
                    return self._changed(i, place, event, out)
                place += 1
            if segment.record is not None:
                segment.record.add(event)
            i += 1
            if i < len(self._segments):
                out = self._hooks[segment.end](event, self._ctx)
                if out is not event:
                    return self._follow(segment.end, out)
        return event if self.held is None else self._hold(self.held, event)

    def _changed(self, i: int, hook: int, event: Event, out: object) -> Event | None:
        """A hook inside segment ``i`` changed an event: the segment ends there."""
        self._split(i, hook)
        record = self._segments[i].record
        if record is not None:
            record.add(event)
        return self._follow(hook, out)

    def _split(self, i: int, hook: int) -> None:
        segment = self._segments[i]
        start, end, record = segment.start, segment.end, segment.record
        inside = any(start <= p <= hook for p in self._needed)
        outside = any(hook < p <= end for p in self._needed)
        kept = record if inside else None
        given = (record.copy() if inside else record) if outside and record else None
        self._segments[i : i + 1] = [
            _Segment(start, hook, self._hooks, kept),
            _Segment(hook + 1, end, self._hooks, given),
        ]

    def _follow(self, hook: int, out: object) -> Event | None:
        """Send what a hook gave outward: the first now, the rest at the next pulls."""
        outs = checked(out, self._names[hook])
        content: list[Event] = []
        for event in outs:
            if isinstance(event, _TERMINAL):
                self._early.setdefault(hook, []).append(event)
            else:
                content.append(event)
        self.pending += [(hook + 1, event) for event in reversed(content[1:])]
        return self._enter(hook + 1, content[0]) if content else None

    @staticmethod
    def _hold(held: list[Event], event: Event) -> None:
        # A restart voids what was held, and nothing has been shown that it could void.
        if event.__class__ is Restart:
            held.clear()
        else:
            held.append(event)

    def _segment_at(self, position: int) -> _Segment:
        for segment in self._segments:
            if segment.start <= position <= segment.end:
                return segment
        raise AssertionError(position)
