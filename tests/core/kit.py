"""Advisors that note what happens to them, and ways to read a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from junto.core import (
    Advisor,
    AdvisorChain,
    ChatClient,
    ChatRequest,
    ChatResponse,
    Event,
    Next,
    Outcome,
    OutcomeKind,
    Placement,
    RunContext,
    TextDelta,
)
from junto.core.testing import Script, ScriptedModel

MODELS: list[ScriptedModel] = []
"""Every model of a test: the conftest looks whether one was left open."""


def scripted(*scripts: Script) -> ScriptedModel:
    model = ScriptedModel(*scripts)
    MODELS.append(model)
    return model


def client_of(model: Any, *advisors: Advisor | Placement) -> ChatClient:
    if isinstance(model, str | list):
        model = scripted(model)
    return ChatClient(model, advisors=advisors)


def names(*advisors: Advisor | Placement) -> tuple[str, ...]:
    return AdvisorChain(advisors).names


class Noted(Advisor):
    """Writes down each hook, as ``"name.hook"``; hooks given by keyword run as well."""

    def __init__(self, name: str, log: Any = None, **hooks: Any) -> None:
        self.name = name
        self.log: list[str] = [] if log is None else log
        self.hooks = hooks
        self.outcomes: list[Outcome] = []
        self.responses: list[ChatResponse] = []
        for attribute in ("order", "buffered", "isolated"):
            if attribute in hooks:
                setattr(self, attribute, hooks[attribute])

    def note(self, what: str) -> None:
        self.log.append(f"{self.name}.{what}")

    async def before(self, request: ChatRequest, ctx: RunContext) -> Any:
        self.note("before")
        return await self._does("before", request, ctx)

    def on_event(self, event: Event, ctx: RunContext) -> Any:
        self.note(f"event {event.text}" if isinstance(event, TextDelta) else type(event).__name__)
        hook = self.hooks.get("on_event")
        return event if hook is None else hook(event, ctx)

    async def after(self, response: ChatResponse, ctx: RunContext) -> Any:
        self.note("after")
        self.responses.append(response)
        return await self._does("after", response, ctx)

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        self.note(f"close {outcome.kind}")
        self.outcomes.append(outcome)
        await self._does("on_close", outcome, ctx)

    async def _does(self, hook: str, value: Any, ctx: RunContext) -> Any:
        function = self.hooks.get(hook)
        if function is None:
            return value
        result = function(value, ctx)
        return await result if hasattr(result, "__await__") else result

    @property
    def kinds(self) -> list[OutcomeKind]:
        return [outcome.kind for outcome in self.outcomes]


class Hook(Advisor):
    """One ``on_event``, given as a function of the event."""

    def __init__(self, hook: Callable[[Event], Any], name: str = "hook") -> None:
        self.name = name
        self.hook = hook

    def on_event(self, event: Event, ctx: RunContext) -> Any:
        return self.hook(event)


class Naive(Advisor):
    """The ``around`` that people write."""

    def __init__(self, name: str = "naive") -> None:
        self.name = name

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event


class Steer(Advisor):
    """An ``around`` given as a function."""

    def __init__(self, around: Callable[..., Any], name: str = "steer") -> None:
        self.name = name
        self._around = around

    def around(self, request: ChatRequest, next: Next, ctx: RunContext) -> Any:
        return self._around(request, next)


class NotedNaive(Noted):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        self.note("around")
        try:
            async for event in next(request):
                yield event
        finally:
            self.note("around left")


class Saver(Advisor):
    """Keeps what it is asked to save."""

    def __init__(self, log: list[str] | None = None, name: str = "saver") -> None:
        self.name = name
        self.log = [] if log is None else log
        self.saved: list[ChatResponse] = []

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        async def save(response: ChatResponse) -> None:
            self.log.append(f"{self.name}.save")
            self.saved.append(response)

        ctx.add_save(save, key=self)
        return request


class Texts(Advisor):
    """Changes text by a function, one delta at a time."""

    def __init__(self, change: Callable[[str], str], name: str = "texts") -> None:
        self.name = name
        self.change = change

    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        return TextDelta(self.change(event.text)) if isinstance(event, TextDelta) else event


class Hanging:
    """A model that gives some text and then waits for ever; it notes how it is left."""

    provider = "hanging"
    model = "hanging"

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.waiting = asyncio.Event()
        self.log: list[str] = []

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event | Sequence[Event]]:
        self.log.append("open")
        try:
            for text in self.texts:
                yield TextDelta(text)
            self.waiting.set()
            await asyncio.get_running_loop().create_future()
        except BaseException as error:
            self.log.append(type(error).__name__)
            raise
        finally:
            self.log.append("closed")

    async def aclose(self) -> None:
        pass


async def read(stream: Any) -> list[Event]:
    return [event async for event in stream]


async def keep(stream: Any, log: list[Any], says: str = "") -> None:
    """Read a stream, and write down each thing as it comes."""
    async for thing in stream:
        log.append(f"{says}{thing}" if says else thing)  # noqa: PERF401  one at a time


async def text_of(stream: Any) -> str:
    return "".join([piece async for piece in stream.text()])


def texts(events: Sequence[Any]) -> list[str]:
    return [event.text for event in events if isinstance(event, TextDelta)]


async def asked(client: ChatClient, way: str, prompt: str = "Why?") -> ChatResponse:
    """Ask in one of the two ways."""
    if way == "call":
        return await client.call(prompt)
    async with client.stream(prompt) as stream:
        return await stream.response()


both_ways = pytest.mark.parametrize("way", ["stream", "call"])
