"""A model that answers from a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias

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


class ScriptedModel:
    """A chat model for tests: public, deterministic, and without I/O.

    Each request plays the next script; the last one is played again when they run out.
    A script is a text, or a list of steps.  Text is given word by word, so that there is
    a stream to see.  A finish is added at the end unless the script has one, or raises.

    ::

        model = ScriptedModel("Hello, world")
        model = ScriptedModel([TextDelta("Hel"), OSError("cut")], "Hello again")

    Attributes:
        requests: Every request that was asked, in order.
        opened: How many streams were begun.
        closed: How many of them have been left, by whatever way.
    """

    provider = "scripted"

    def __init__(self, *scripts: Script, model: str = "script") -> None:
        self._scripts: tuple[Script, ...] = scripts or ("",)
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


def _steps(script: Any) -> Iterable[Step]:
    if isinstance(script, str):
        return _words(script)
    return list(script) if hasattr(script, "__iter__") else [script]


def _words(text: str) -> list[Step]:
    words = text.split(" ")
    return [TextDelta(word if i == 0 else " " + word) for i, word in enumerate(words) if text]


def _events(step: Any) -> list[Event]:
    if isinstance(step, str):
        return [TextDelta(step)]
    if isinstance(step, ChatResponse):
        return list(step.events())
    return list(step) if hasattr(step, "__iter__") else [step]
