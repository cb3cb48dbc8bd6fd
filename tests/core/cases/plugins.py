"""Small advisors of the kinds that are not shipped, as the author of a plugin would write them.

They declare no order, so that a test puts them where it wants them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias

from junto.core import (
    Advisor,
    AssistantMessage,
    ChatRequest,
    ChatResponse,
    CustomEvent,
    Event,
    EventHook,
    Finish,
    Next,
    ReasoningDelta,
    Restart,
    RunContext,
    TextDelta,
    ToolMessage,
    ToolResult,
    UserMessage,
    collect,
)

Policy: TypeAlias = Literal["fail", "restart", "continue"]


class Retry(Advisor):
    """Asks again when the connection breaks.

    Args:
        policy: What to do when the reader has seen something of the attempt that failed: let it
            fail, void it and begin anew, or have the model go on from there.
        attempts: How often it asks at most.
        reasoning_counts: Whether reasoning that was shown counts as something seen.
    """

    name = "retry"
    role = "retry"

    def __init__(
        self, policy: Policy = "restart", *, attempts: int = 3, reasoning_counts: bool = False
    ) -> None:
        self.policy = policy
        self.attempts = attempts
        self.reasoning_counts = reasoning_counts

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        said, left = "", False
        for attempt in range(1, self.attempts + 1):
            prefix = [AssistantMessage(said)] if said else []
            asked = request.with_messages([*request.messages, *prefix])
            try:
                async for event in next(asked):
                    left = True
                    if isinstance(event, TextDelta):
                        said += event.text
                    yield event
                return
            except OSError as error:
                shown = ctx.shown or (self.reasoning_counts and ctx.shown_reasoning)
                if attempt == self.attempts or (shown and self.policy == "fail"):
                    raise
                if shown and said and self.policy == "continue":
                    continue
                if left:
                    yield Restart(type(error).__name__)
                said, left = "", False


class Hedge(Advisor):
    """Asks several times at once; the first to say something goes on, the others are closed."""

    name = "hedge"

    def __init__(self, width: int = 2) -> None:
        self.width = width

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        streams = [next(request) for _ in range(self.width)]
        pulls = [asyncio.ensure_future(anext(stream)) for stream in streams]
        done, _ = await asyncio.wait(pulls, return_when=asyncio.FIRST_COMPLETED)
        winner = min(pulls.index(pull) for pull in done)
        for place, (stream, pull) in enumerate(zip(streams, pulls, strict=True)):
            if place != winner:
                await stream.aclose()
                await asyncio.wait([pull])
                _ = pull.cancelled() or pull.exception()
        yield pulls[winner].result()
        async for event in streams[winner]:
            yield event


class Tools(Advisor):
    """Runs the tools that the model asks for, and asks it again with what they say."""

    name = "tools"
    role = "tools"

    def __init__(self, tools: Mapping[str, Callable[..., object]], *, rounds: int = 5) -> None:
        self.tools = tools
        self.rounds = rounds

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        for _ in range(self.rounds):
            events: list[Event] = []
            async for event in next(request):
                events.append(event)
                yield event
            response = collect(events)
            answers: list[ToolMessage] = []
            for call in response.tool_calls:
                result = str(self.tools[call.name](**json.loads(call.arguments or "{}")))
                yield ToolResult(call.id, call.name, result)
                answers.append(ToolMessage(result, call_id=call.id, name=call.name))
            if not answers:
                return
            request = request.with_messages([*request.messages, *response.messages, *answers])


class SingleFlight(Advisor):
    """Equal questions that are asked at the same time share one answer.

    The first one asks.  If it is given up, the next in line asks in its stead: what an
    advisor has asked for belongs to its run, and ends with it.
    """

    name = "single-flight"

    def __init__(self) -> None:
        self.flights: dict[object, asyncio.Future[ChatResponse | None]] = {}

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        key = request.messages
        while (flight := self.flights.get(key)) is not None:
            # Whoever waits may be cancelled; the flight may not.
            response = await asyncio.shield(flight)
            if response is not None:
                for event in response.events():
                    yield event
                return
        flight = self.flights[key] = asyncio.get_running_loop().create_future()
        events: list[Event] = []
        done: ChatResponse | None = None
        try:
            async for event in next(request):
                events.append(event)
                yield event
            done = collect(events)
        finally:
            del self.flights[key]
            flight.set_result(done)


class Redactor(Advisor):
    """Replaces a secret, wherever the text is cut; drops reasoning that has it in it."""

    name = "redactor"
    role = "redactor"

    def __init__(self, secret: str, instead: str = "***") -> None:
        self.secret = secret
        self.instead = instead
        self.holds = len(secret) - 1

    def open(self, ctx: RunContext) -> EventHook:
        held = ""

        def on_event(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            nonlocal held
            if isinstance(event, Restart):
                held = ""
                return event
            if isinstance(event, ReasoningDelta) and self.secret in event.text:
                return ()
            if isinstance(event, TextDelta):
                text = (held + event.text).replace(self.secret, self.instead)
                keep = self._kept(text)
                held, text = text[len(text) - keep :], text[: len(text) - keep]
                return (TextDelta(text),) if text else ()
            if held and isinstance(event, Finish):
                return (TextDelta(held), event)
            return event

        return on_event

    def _kept(self, text: str) -> int:
        """How much of the end may be the beginning of the secret."""
        lengths = range(min(self.holds, len(text)), 0, -1)
        return next((n for n in lengths if self.secret.startswith(text[-n:])), 0)


class Numbers(Advisor):
    """Structured output: wants a JSON list of numbers, and has it repaired if it is none.

    What is there so far goes out as a ``numbers.partial`` event, each one longer than the last.
    """

    name = "numbers"

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        for _ in range(3):
            text, count = "", 0
            async for event in next(request):
                yield event
                if isinstance(event, TextDelta):
                    text += event.text
                    so_far = _numbers(text.strip("[] \n").split(",")[:-1])
                    if len(so_far) > count:
                        count = len(so_far)
                        yield CustomEvent("numbers.partial", so_far)
            try:
                _checked(json.loads(text))
            except ValueError as error:
                yield Restart("not a list of numbers")
                told = UserMessage(f"Not a list of numbers: {error}")
                request = request.with_messages([*request.messages, AssistantMessage(text), told])
            else:
                return
        raise ValueError("no list of numbers in three attempts")


def _numbers(parts: Iterable[str]) -> list[int]:
    return [int(part) for part in parts if part.strip().isdigit()]


def _checked(value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
        msg = f"{value!r} is no list of numbers"
        raise ValueError(msg)
