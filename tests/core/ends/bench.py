"""The bench: a stack in which every step has a name, and one step at which something happens.

A *place* is a hook and an advisor, such as ``"after b"``, or a step of the model, such as
``"model_mid"``.  Stacks are written as words, one letter an advisor, the outermost first:
``h`` has hooks, ``a`` an ``around`` as well, and a capital changes the text.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from junto.core import (
    Advisor,
    ChatClient,
    ChatRequest,
    ChatResponse,
    ChatStream,
    Event,
    Finish,
    Next,
    Outcome,
    RunContext,
    TextDelta,
)

from .provider import Model

HOOKS = ("before", "open", "on_event", "on_finish", "after", "save", "on_close")
AROUND = ("around_start", "around_mid", "around_end", "around_finally")
MODEL = ("model_open", "model_mid", "model_end", "model_close")
SYNC = frozenset({"open", "on_event", "on_finish"})

MIXED = ("around in the middle", "arounds outside")
"""The two whose product with ways and places is tried in full."""

STACKS = {
    "one": "h",
    "one around": "A",
    "hooks": "hHh",
    "arounds": "aAa",
    "around in the middle": "hah",
    "arounds outside": "AhA",
    "fifty": "h" + "nh" * 12 + "a" + "hn" * 11 + "hh",
    "fifty arounds": "a" + "n" * 24 + "A" + "n" * 23 + "a",
}


def hook_of(place: str) -> str:
    return place.split(" ", maxsplit=1)[0]


def places(stack: str) -> list[str]:
    """Every place of a stack; in a long one, those of its first, middle and last advisor."""
    noted = _noted(STACKS[stack])
    found = [f"{hook} {name}" for name in noted for hook in HOOKS]
    found += [f"{hook} {n}" for n, kind in noted.items() if kind in "aA" for hook in AROUND]
    return [*found, *MODEL]


def closing_places(stack: str) -> list[str]:
    """Those that a run passes when it is left."""
    hooks = {"on_close", "around_finally", "model_close"}
    return [place for place in places(stack) if hook_of(place) in hooks]


def _noted(word: str) -> dict[str, str]:
    ends = {0: "a", len(word) // 2: "b", len(word) - 1: "c"}
    return {ends[i]: kind for i, kind in enumerate(word) if i in ends}


class Bench:
    """One run.

    Attributes:
        log: What happened, in order.
        fired: Whether the place was reached.
        got: What the reader got.
        raised: What the reader was told.
        open_while_closing: How many streams the model had open at each ``on_close``.
    """

    def __init__(
        self,
        stack: str,
        place: str = "",
        happens: Callable[[Bench], Awaitable[None] | None] | None = None,
        pieces: str = "each",
        model: Any = None,
    ) -> None:
        self.place = place
        self.happens = happens
        self.log: list[str] = []
        self.fired = False
        self.got: list[Event] = []
        self.raised: BaseException | None = None
        self.probes: list[Probe] = []
        self.model = Model(self, pieces) if model is None else model
        self.open_while_closing: list[int] = []
        noted = _noted(STACKS[stack])
        advisors: list[Advisor] = []
        names = iter(noted)
        for i, kind in enumerate(word := STACKS[stack]):
            if i in {0, len(word) // 2, len(word) - 1}:
                self.probes.append((AroundProbe if kind in "aA" else Probe)(self, next(names)))
                self.probes[-1].changes = kind.isupper()
                advisors.append(self.probes[-1])
            else:
                advisors.append(Passing() if kind == "n" else Looking())
        self.client = ChatClient(self.model, advisors=advisors)
        self.stream: ChatStream

    def ask(self) -> ChatStream:
        """A stream; nothing has happened then."""
        self.stream = self.client.stream("?")
        return self.stream

    @property
    def text(self) -> str:
        """What the reader has read."""
        return "".join([event.text for event in self.got if isinstance(event, TextDelta)])

    def passes(self, place: str) -> None:
        """A place that cannot wait."""
        if place == self.place and not self.fired:
            self.fired = True
            if self.happens is not None:
                self.happens(self)

    async def at(self, place: str) -> None:
        """A place that can: it always waits for a turn of the loop."""
        await asyncio.sleep(0)
        if place == self.place and not self.fired:
            self.fired = True
            waiting = None if self.happens is None else self.happens(self)
            if waiting is not None:
                await waiting


class Probe(Advisor):
    """Every hook there is, each a place."""

    changes = False

    def __init__(self, bench: Bench, name: str) -> None:
        self.bench = bench
        self.name = name
        self.left: list[str] = []
        self.outcomes: list[Outcome] = []
        self.partials: list[ChatResponse] = []

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        self.bench.log.append(f"before {self.name}")
        await self.bench.at(f"before {self.name}")
        ctx.add_save(self.save)
        return request

    async def save(self, response: ChatResponse) -> None:
        await self.bench.at(f"save {self.name}")

    def open(self, ctx: RunContext) -> Any:
        self.bench.passes(f"open {self.name}")
        return self.sees

    def sees(self, event: Event, ctx: RunContext) -> Event:
        if isinstance(event, Finish):
            self.bench.passes(f"on_finish {self.name}")
        if isinstance(event, TextDelta):
            if "y" in event.text:
                self.bench.passes(f"on_event {self.name}")
            if self.changes:
                event = TextDelta(event.text + self.name)
            self.left.append(event.text)
        return event

    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        await self.bench.at(f"after {self.name}")
        return response

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        self.bench.log.append(f"close {self.name}")
        self.bench.open_while_closing.append(self.bench.model.open_streams)
        self.outcomes.append(outcome)
        self.partials.append(outcome.response)
        await self.bench.at(f"on_close {self.name}")


class AroundProbe(Probe):
    """An ``around`` as well, which waits wherever it can."""

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        at, name = self.bench.at, self.name
        try:
            await at(f"around_start {name}")
            async for event in next(request):
                if isinstance(event, TextDelta) and "y" in event.text:
                    await at(f"around_mid {name}")
                yield event
            await at(f"around_end {name}")
        finally:
            try:
                await at(f"around_finally {name}")
            finally:
                self.bench.log.append(f"around left {name}")


class Looking(Advisor):
    """What fills a long stack: it has hooks that do nothing."""

    def on_event(self, event: Event, ctx: RunContext) -> Event:
        return event

    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        return response


class Passing(Advisor):
    """The same, with an ``around``."""

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event
