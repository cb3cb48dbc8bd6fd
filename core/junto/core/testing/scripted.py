"""A model that answers from a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, get_args

from ..chat import ChatRequest, ChatResponse
from ..events import Event, Finish, TextDelta
from ..usage import FinishReason

__all__ = ["Script", "ScriptedModel", "Step"]

Step: TypeAlias = (
    str | Event | Sequence[Event] | ChatResponse | BaseException | Callable[[], object]
)
"""One step of a script: text, an event, a batch of events from one network read, a whole
response, an error to raise, or a function to call (and to await, if it gives an awaitable)."""

Script: TypeAlias = str | Step | Iterable[Step]

_EVENTS: tuple[type, ...] = get_args(Event)


class ScriptedModel:
    """A chat model for tests: public, deterministic, and without I/O.

    Each request plays the next script; the last one is played again when they run out.
    A script is a text, or a list of steps.  Text is given word by word, so that there is
    a stream to see.  A finish is added at the end unless the script has one, or raises.

    ::

        model = ScriptedModel("Hello, world")
        model = ScriptedModel([TextDelta("Hel"), OSError("cut")], "Hello again")

    Raises:
        TypeError: A script holds something that is no step.

    Attributes:
        requests: Every request that was asked, in order.
        opened: How many streams were begun.
        closed: How many of them have been left, by whatever way.
    """

    provider = "scripted"

    def __init__(self, *scripts: Script, model: str = "script") -> None:
        self._scripts = tuple([_checked(script) for script in scripts or ("",)])
        self.model = model
        self.requests: list[ChatRequest] = []
        self.opened = 0
        self.closed = 0

    @property
    def open_streams(self) -> int:
        """How many streams are open at the moment."""
        return self.opened - self.closed

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event | Sequence[Event]]:
        """Play the next script."""
        script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
        self.requests.append(request)
        self.opened += 1
        finished = False
        try:
            for step in _steps(script):
                if isinstance(step, BaseException):
                    raise step
                if callable(step):
                    result: Any = step()
                    if isinstance(result, Awaitable):
                        await result
                    continue
                batch = _events(step)
                finished = finished or any(isinstance(event, Finish) for event in batch)
                yield batch if len(batch) != 1 else batch[0]
            if not finished:
                yield Finish(FinishReason.STOP, {"model": self.model})
        finally:
            self.closed += 1

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
