"""A model that answers from a script."""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

from ..chat import ChatRequest, ChatResponse
from ..errors import RejectedRequestError
from ..events import Event, Finish, TextDelta, UsageUpdate
from ..usage import FinishReason
from .steps import Sizes, batches, recut

__all__ = ["Script", "ScriptedModel", "Step"]

Step: TypeAlias = (
    str | Event | Sequence[Event] | ChatResponse | BaseException | Callable[[], object]
)
"""One step of a script: text, an event, a batch of events from one network read, a whole
response, an error to raise, or a function to call (and to await, if it gives an awaitable)."""

Script: TypeAlias = str | Step | Iterable[Step]

_Act: TypeAlias = BaseException | Callable[[], object]

_EVENTS: tuple[type, ...] = get_args(Event)


class ScriptedModel:
    """A chat model for tests: public, deterministic, and without I/O.

    Each request plays the next script; the last one is played again when they run out.
    A script is a text, or a list of steps.  Text is given word by word, so that there is
    a stream to see.  A finish is added at the end unless the script has one, or raises.

    ::

        model = ScriptedModel("Hello, world")
        model = ScriptedModel([TextDelta("Hel"), OSError("cut")], "Hello again")
        model = ScriptedModel(["Hel", hang()], cut=1)

    An error as the first step is one that comes instead of an answer; further on it
    breaks the stream off.

    Args:
        *scripts: What to play, one for each request.
        model: The model's name.
        cut: Cut text, reasoning and arguments anew, in pieces of so many characters.
        batch: Give so many events at once, as if from one network read.
        usage_twice: Give each usage twice, as some providers do.
        finish: Add a finish where the script has none; false for a provider that
            forgets it.
        only: ``"stream"`` or ``"call"``: refuse to be asked the other way.
        at_close: An error to raise when a stream is closed, or a function to call then.

    Raises:
        TypeError: A script holds something that is no step.
        ValueError: ``cut`` or ``batch`` is less than 1, or ``only`` is another word.

    Attributes:
        requests: Every request that was asked, in order.
        opened: How many streams were begun.
        closed: How many of them have been left, by whatever way.
        given: How many events have been given, in all streams.
    """

    provider = "scripted"

    def __init__(
        self,
        *scripts: Script,
        model: str = "script",
        cut: Sizes | None = None,
        batch: Sizes | None = None,
        usage_twice: bool = False,
        finish: bool = True,
        only: Literal["stream", "call"] | None = None,
        at_close: BaseException | Callable[[], object] | None = None,
    ) -> None:
        if only not in {"stream", "call", None}:
            msg = f"only is 'stream' or 'call', not {only!r}"
            raise ValueError(msg)
        edits = [_twice] if usage_twice else []
        if cut is not None:
            edits.append(partial(recut, sizes=cut if isinstance(cut, int) else tuple(cut)))
        self._batch = batch if batch is None or isinstance(batch, int) else tuple(batch)
        self._scripts = tuple([_checked(script) for script in scripts or ("",)])
        self._played = tuple([_edited(_steps(script), edits) for script in self._scripts])
        batches((), 1 if batch is None else self._batch or ())
        self._finish = finish
        self._only = only
        self._at_close = at_close
        self.model = model
        self.requests: list[ChatRequest] = []
        self.opened: int = 0
        self.closed: int = 0
        self.given: int = 0

    @property
    def open_streams(self) -> int:
        """How many streams are open at the moment."""
        return self.opened - self.closed

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event | Sequence[Event]]:
        """Play the next script.

        Raises:
            RejectedRequestError: It was asked in the other way than ``only`` says.
        """
        steps = self._played[min(len(self.requests), len(self._played) - 1)]
        self.requests.append(request)
        if self._only is not None and request.stream != (self._only == "stream"):
            msg = f"this model answers a {self._only} only"
            raise RejectedRequestError(msg)
        self.opened += 1
        finished = False
        try:
            for step in self._batched(steps):
                if isinstance(step, BaseException):
                    raise step
                if callable(step):
                    await _called(step)
                    continue
                batch = _events(step)
                finished = finished or any(isinstance(event, Finish) for event in batch)
                self.given += len(batch)
                yield batch if len(batch) != 1 else batch[0]
            if self._finish and not finished:
                self.given += 1
                yield Finish(FinishReason.STOP, {"model": self.model})
        finally:
            self.closed += 1
            if isinstance(self._at_close, BaseException):
                raise self._at_close
            if self._at_close is not None:
                await _called(self._at_close)

    def _batched(self, steps: list[Step]) -> list[Step]:
        """The steps, with the events between others put together anew."""
        if self._batch is None:
            return steps
        result: list[Step] = []
        for events, act in _runs(steps):
            result += [*batches(events, self._batch), *act]
        return result

    async def aclose(self) -> None:
        """Nothing to free."""

    def __repr__(self) -> str:
        return f"ScriptedModel({', '.join(map(repr, self._scripts))})"


def _checked(script: Any) -> str | list[Step]:
    """A script that can be played again, even if it was made by a generator."""
    if isinstance(script, str):
        return script
    steps = list(script) if _is_list(script) else [script]
    for step in steps:
        if isinstance(step, type):
            msg = f"a script has the class {step.__name__} as a step: make an instance of it"
            raise TypeError(msg)
        if isinstance(step, str | ChatResponse | BaseException) or callable(step):
            continue
        for event in step if _is_list(step) else [step]:
            if not isinstance(event, _EVENTS):
                msg = (
                    "a script is text, events, lists of events, responses, errors and "
                    f"functions; not {event!r}"
                )
                raise TypeError(msg)
    return steps


def _is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | Mapping)


def _steps(script: str | list[Step]) -> list[Step]:
    return _words(script) if isinstance(script, str) else script


def _words(text: str) -> list[Step]:
    words = text.split(" ")
    return [TextDelta(word if i == 0 else " " + word) for i, word in enumerate(words) if text]


def _events(step: Any) -> list[Event]:
    if isinstance(step, str):
        return [TextDelta(step)]
    if isinstance(step, ChatResponse):
        return list(step.events())
    return list(step) if hasattr(step, "__iter__") else [step]


def _runs(steps: Iterable[Step]) -> Iterator[tuple[list[Event], list[_Act]]]:
    """Neighbouring events, and what is done after them, if anything."""
    run: list[Event] = []
    for step in steps:
        if isinstance(step, BaseException) or callable(step):
            yield run, [step]
            run = []
        else:
            run += _events(step)
    yield run, []


def _edited(steps: list[Step], edits: Sequence[Callable[[list[Event]], list[Event]]]) -> list[Step]:
    """The steps, with changes to their events; these are given one by one then."""
    if not edits:
        return steps
    result: list[Step] = []
    for events, act in _runs(steps):
        changed = events
        for edit in edits:
            changed = edit(changed)
        result += [*changed, *act]
    return result


def _twice(events: list[Event]) -> list[Event]:
    return [e for event in events for e in [event] * (1 + isinstance(event, UsageUpdate))]


async def _called(function: Callable[[], object]) -> None:
    result: Any = function()
    if isinstance(result, Awaitable):
        await result
