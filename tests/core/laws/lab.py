"""What the laws are tried on: stacks of advisors, ways of cutting an answer, ways of asking."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias, get_args

from attrs import frozen

from junto.core import (
    Advisor,
    ChatClient,
    ChatRequest,
    ChatResponse,
    Event,
    EventHook,
    Finish,
    Placement,
    RunContext,
    TextDelta,
    Usage,
    UsageUpdate,
)
from junto.core.testing import ScriptedModel

from ..kit import MODELS, Hook, Naive, Noted, NotedNaive, read, texts

EVENTS: tuple[type, ...] = get_args(Event)

Step: TypeAlias = Event | BaseException | Callable[[], object]

WAYS = ["stream", "call"]

CUTS = ("events", "batches", "only streams", "only whole")
"""How a provider gives its answer: event by event, three at a time, event by event even when it
is asked for the whole, and whole whatever is asked.  The first two answer a call whole."""


class Provider(ScriptedModel):
    """Plays one script a request, cut as a provider of its kind cuts."""

    def __init__(self, cut: str, *scripts: Sequence[Step]) -> None:
        super().__init__(*scripts, model="lab")
        self.cut = cut
        self.plays = scripts
        MODELS.append(self)

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event | Sequence[Event]]:
        script = self.plays[min(len(self.requests), len(self.plays) - 1)]
        self.requests.append(request)
        self.opened += 1
        size = 3 if self.cut == "batches" else 1
        batch: list[Event] = []
        try:
            for step in script:
                event = isinstance(step, EVENTS)
                if batch and not self.whole(request) and (len(batch) == size or not event):
                    yield batch if size > 1 else batch[0]
                    batch = []
                if isinstance(step, BaseException):
                    raise step
                if callable(step):
                    result = step()
                    if isinstance(result, Awaitable):
                        await result
                else:
                    batch.append(step)
            if batch:
                yield batch
        finally:
            self.closed += 1

    def whole(self, request: ChatRequest) -> bool:
        """Whether it gives the answer to a request in one piece."""
        return self.cut == "only whole" or not (request.stream or self.cut == "only streams")


def script(*steps: Step) -> list[Step]:
    """A script, typed as one."""
    return [*steps]


def answer(text: str, usage: Usage | None = None) -> list[Step]:
    """A script: the words of a text, the usage, and a finish."""
    words = text.split(" ")
    said: list[Step] = [TextDelta(word if i == 0 else f" {word}") for i, word in enumerate(words)]
    return [*said, *([] if usage is None else [UsageUpdate(usage)]), Finish()]


class Counting(Advisor):
    """Has state of its own for each activation."""

    def open(self, ctx: RunContext) -> EventHook:
        seen = 0

        def on_event(event: Event, ctx: RunContext) -> Event:
            nonlocal seen
            seen += 1
            return event

        return on_event


@frozen
class Stack:
    """A number of advisors that change nothing and write down what happens to them."""

    kind: str
    size: int

    def made(self, log: list[str] | None = None, name: str = "") -> list[Advisor]:
        log = [] if log is None else log
        return [self._one(i, f"{name}{i:02}", log) for i in range(self.size)]

    def half(self) -> list[Advisor]:
        """One of two parts with something between them: fifty in all."""
        return Stack(self.kind, self.size - self.size // 2).made()

    def _one(self, i: int, name: str, log: list[str]) -> Advisor:
        if self.kind == "hooks":
            return Noted(name, log)
        if self.kind == "arounds":
            return NotedNaive(name, log)
        kinds: list[Callable[[], Advisor]] = [
            lambda: NotedNaive(name, log),
            lambda: Noted(name, log),
            Counting,
            lambda: Naive(name),
            lambda: Hook(lambda event: event, name),
        ]
        return kinds[i % len(kinds)]()

    def __str__(self) -> str:
        return f"{self.size}-{self.kind}" if self.size else "0"


STACKS = [
    Stack("hooks", 0),
    *(Stack(kind, n) for kind in ("hooks", "arounds", "mixture") for n in (1, 3, 50)),
]


def noted(advisors: Iterable[Advisor | Placement]) -> list[Noted]:
    """Those of a stack that wrote something down, outermost first."""
    return [advisor for advisor in advisors if isinstance(advisor, Noted)]


@frozen
class Answer:
    """What came of a question: the text that the caller got, its events, and the response."""

    text: str
    events: list[Event]
    response: ChatResponse


async def got(client: ChatClient, way: str, prompt: str = "Why?", **ask: Any) -> Answer:
    """Ask in one of the two ways; in a stream, the text is what was read."""
    if way == "call":
        response = await client.call(prompt, **ask)
        return Answer(response.text, [], response)
    async with client.stream(prompt, **ask) as stream:
        events = await read(stream)
        return Answer("".join(texts(events)), events, await stream.response())


def hooked(log: Iterable[str], hook: str) -> list[str]:
    """Whose hook ran, in order."""
    entries = (entry.partition(".") for entry in log)
    return [name for name, _, what in entries if what == hook]
