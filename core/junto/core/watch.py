"""How a run is looked at: its hooks and streams, wrapped.

When nobody looks there is no ``Watch``, and nothing is wrapped.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast

from ._logging import Logger, get_logger, told_of
from .chat import ChatRequest, ChatResponse
from .context import Outcome
from .events import Event, Finish, UsageUpdate
from .hooks import EventStream
from .observe import MODEL, Observation, Observer, Tally, chars_of

__all__ = ["Steering", "Watch"]

log: Logger = get_logger("junto.core")

_END = frozenset({Finish, UsageUpdate})


class Watch:
    """The observers of one run, and the tallies of its advisors."""

    __slots__ = ("_begun", "_observers", "_run_id", "tallies")

    def __init__(self, observers: Sequence[Observer], run_id: str, names: Sequence[str]) -> None:
        self._observers = list(observers)
        self._run_id = run_id
        self._begun = time.perf_counter()
        self.tallies: dict[str, Tally] = {name: Tally() for name in (*names, MODEL)}

    def started(self, request: ChatRequest) -> None:
        """The run begins: its clock starts."""
        self._begun = time.perf_counter()
        self.tell("started", given=request)

    def tell(self, what: str, **values: Any) -> None:
        """Tell every observer."""
        at = time.perf_counter() - self._begun
        observation = Observation(what, self._run_id, at, **values)
        for observer in tuple(self._observers):
            try:
                observer(observation)
            except Exception as error:  # noqa: BLE001  who only looks must not harm the run
                self._observers.remove(observer)
                log.warning("observer.left_out", observer=repr(observer), **told_of(error))

    @staticmethod
    def now() -> float:
        """The clock that it goes by, in seconds."""
        return time.perf_counter()

    def called(
        self, what: str, name: str, path: str, *, begun: float, given: Any, gave: Any
    ) -> None:
        """A ``before``, ``after`` or ``on_close`` has run; it gave ``None`` if it raised."""
        seconds = time.perf_counter() - begun
        self.tallies[name].seconds += seconds
        verdict = "kept" if gave is given else "raised" if gave is None else "changed"
        if what == "before" and isinstance(gave, ChatResponse):
            verdict = "answered"
        self.tell(
            what,
            advisor=name,
            activation=path,
            verdict=verdict,
            seconds=seconds,
            given=given,
            gave=gave,
        )

    def hook(self, name: str, path: str, hook: Callable[..., Any]) -> Callable[..., Any]:
        """A hook for events that is looked at."""
        tally = self.tallies[name]

        def watched(event: Event, ctx: Any) -> Any:
            begun = time.perf_counter()
            out: Any = None
            try:
                out = hook(event, ctx)
            finally:
                seconds = time.perf_counter() - begun
                tally.seconds += seconds
                outs = cast("tuple[Event, ...]", out if isinstance(out, tuple) else (out,))
                verdict = "raised" if out is None else tally.count(event, outs)
                if event.__class__ is Finish:
                    tally.settle()
                self.tell(
                    "event",
                    advisor=name,
                    activation=path,
                    verdict=verdict,
                    seconds=seconds,
                    given=event,
                    gave=() if out is None else outs,
                )
            return cast("object", out)

        return watched

    def steering(self, name: str, path: str) -> Steering:
        """What an ``around`` is looked at with, or the model if that is its name."""
        self.tell("asked" if name == MODEL else "around", advisor=name, activation=path)
        return Steering(self, name, path)

    def ended(self, outcome: Outcome) -> None:
        """The run is over: tell the tallies, and how it ended."""
        for name, tally in self.tallies.items():
            tally.settle()
            self.tell("advisor", advisor=name, tally=tally)
        self.tell("ended", verdict=outcome.kind.value, given=outcome)


class Steering:
    """What passes one ``around``, or comes from the model."""

    __slots__ = ("_count", "_name", "_numbers", "_path", "_pulled", "_watch", "tally", "within")

    def __init__(self, watch: Watch, name: str, path: str) -> None:
        self._watch = watch
        self._name = name
        self._path = path
        self.tally: Tally = watch.tallies[name]
        # Seconds spent further in.
        self.within: float = 0.0
        # What it has got and not given, by number, and the numbers by identity: one object
        # may come several times.
        self._count = 0
        self._pulled: dict[int, Event] = {}
        self._numbers: dict[int, list[int]] = {}

    def source(self, stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Its own stream, looked at."""
        return _Source(stream, self)

    def pulled(self, stream: EventStream) -> EventStream:
        """What ``next()`` gave, looked at."""
        return _Pulled(stream, self)

    def given(self, event: Event) -> None:
        """It has got an event from further in."""
        self.tally.given += 1
        self.tally.chars_given += chars_of(event)
        self._count += 1
        self._pulled[self._count] = event
        self._numbers.setdefault(id(event), []).append(self._count)

    def gave(self, got: Any, seconds: float) -> None:
        """It has given an event; the model, perhaps a batch of them."""
        self.tally.seconds += seconds
        for event in cast("Sequence[Event]", got if isinstance(got, list | tuple) else (got,)):
            verdict = "" if self._name == MODEL else self._verdict(event)
            self.tally.gave += 1
            self.tally.chars_gave += chars_of(event)
            self._watch.tell(
                "event",
                advisor=self._name,
                activation=self._path,
                verdict=verdict,
                seconds=seconds,
                gave=(event,),
            )

    def _verdict(self, event: Event) -> str:
        tally, pulled = self.tally, self._pulled
        numbers = self._numbers.get(id(event))
        if numbers:
            number = numbers[0]
            self._settle(number)
            if number == self._count:
                tally.kept += 1
                return "kept"
            tally.held += 1
            return "held"
        # It is made of the latest of its kind that was not given, and what is longer than
        # that also of those before.
        alike = [n for n, one in pulled.items() if one.__class__ is event.__class__]
        content = alike or [n for n, one in pulled.items() if one.__class__ not in _END]
        if not content:
            tally.injected += 1
            return "injected"
        latest = pulled[content[-1]]
        self._settle(content.pop())
        tally.changed += 1
        if chars_of(event) > chars_of(latest):
            tally.held += len(content)
            for number in content:
                self._settle(number)
        return "changed"

    def _settle(self, number: int) -> None:
        """It is known what became of one that was got."""
        key = id(self._pulled.pop(number))
        numbers = self._numbers[key]
        numbers.remove(number)
        if not numbers:
            del self._numbers[key]

    def over(self) -> None:
        """It has ended: what it has not given is dropped."""
        self.tally.dropped += len(self._pulled)
        self._pulled.clear()
        self._numbers.clear()


class _Source:
    """A stream that is looked at as it is pulled."""

    __slots__ = ("_steering", "_stream")

    def __init__(self, stream: AsyncIterator[Any], steering: Steering) -> None:
        self._stream = stream
        self._steering = steering

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        steering = self._steering
        begun, within = time.perf_counter(), steering.within
        try:
            event = await self._stream.__anext__()
        except BaseException:
            steering.tally.seconds += time.perf_counter() - begun - (steering.within - within)
            steering.over()
            raise
        steering.gave(event, time.perf_counter() - begun - (steering.within - within))
        return event

    async def aclose(self) -> None:
        close: Any = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()
        self._steering.over()


class _Pulled:
    """What ``next(request)`` gives to an ``around`` that is looked at."""

    __slots__ = ("_steering", "_stream")

    def __init__(self, stream: EventStream, steering: Steering) -> None:
        self._stream = stream
        self._steering = steering

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        begun = time.perf_counter()
        try:
            event: Event = await self._stream.__anext__()
        finally:
            self._steering.within += time.perf_counter() - begun
        self._steering.given(event)
        return event

    async def aclose(self) -> None:
        await self._stream.aclose()
