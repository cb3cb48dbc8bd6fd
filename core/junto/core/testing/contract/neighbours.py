"""Advisors that stand beside the one under test, and make trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from ...chat import ChatRequest, ChatResponse
from ...context import Outcome, RunContext
from ...events import Event, Finish, Restart
from ...hooks import Advisor, EventHook, Next

__all__ = ["AskTwice", "Fault", "FaultAround", "faults_in"]


class Fault(Advisor):
    """Fails in one hook, or has the reader cancelled there.

    Attributes:
        hook: Which hook.
        error: What to raise there; ``None`` to cancel ``reader``.
        reader: The task that reads.
        reached: Whether it came to that.
    """

    def __init__(self, hook: str, error: BaseException | None = None) -> None:
        self.name: str = f"contract.fault in {hook}"
        self.hook = hook
        self.error = error
        self.reader: asyncio.Task[Any] | None = None
        self.reached: bool = False

    def _strike(self, hook: str) -> None:
        if hook != self.hook or (self.reached and self.error is None):
            return
        self.reached = True
        if self.error is not None:
            raise self.error
        if self.reader is not None:
            self.reader.cancel()

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        """Fail, or register a save that does."""
        self._strike("before")
        await asyncio.sleep(0)
        if self.hook == "save":

            async def save(_: ChatResponse) -> None:
                self._strike("save")
                await asyncio.sleep(0)

            ctx.add_save(save, key=self)
        return request

    def open(self, ctx: RunContext) -> EventHook:
        """Fail at the second event."""
        count = 0

        def on_event(event: Event, _: RunContext) -> Event:
            nonlocal count
            count += 1
            if count == 2:
                self._strike("on_event")
            return event

        return on_event

    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        """Fail."""
        self._strike("after")
        await asyncio.sleep(0)
        return response

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        """Fail."""
        self._strike("on_close")
        await asyncio.sleep(0)


class FaultAround(Fault):
    """The same for the inside of an ``around``."""

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        """Fail behind the first event."""
        async for event in next(request):
            yield event
            self._strike("around")
            await asyncio.sleep(0)


def faults_in(error: Callable[[str], BaseException | None]) -> Iterator[Fault]:
    """A neighbour for each hook, but ``on_close``, with the error that it raises there."""
    for hook in ("before", "on_event", "after", "save"):
        yield Fault(hook, error(hook))
    yield FaultAround("around", error("around"))


class AskTwice(Advisor):
    """Drops the first answer after some events, restarts, and asks again."""

    name = "contract.ask twice"

    def __init__(self, count: int) -> None:
        self.count = count

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        """Ask twice."""
        left = self.count
        async for event in next(request):
            if not left or isinstance(event, Finish):
                break
            left -= 1
            yield event
        yield Restart("contract")
        async for event in next(request):
            yield event
