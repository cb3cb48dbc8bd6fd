"""Checks of the hooks themselves, called without the chain, which repairs what it can."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from ...chat import ChatRequest, ChatResponse
from ...client import ChatClient
from ...context import RunContext
from ...events import Event, Finish
from ...hooks import Advisor
from ...messages import UserMessage
from ..kits.loops import claim, ticks
from ..recording import RecordingAdvisor
from ..scripted import ScriptedModel
from .base import Checks
from .bench import advisor_of, answer

__all__ = ["DirectChecks"]


class _Stream:
    """What ``next(request)`` gives here: the script, each event after a round of the loop."""

    def __init__(self, events: list[Event]) -> None:
        self._events = list(events)

    def __aiter__(self) -> _Stream:
        return self

    async def __anext__(self) -> Event:
        await asyncio.sleep(0)
        if not self._events:
            raise StopAsyncIteration
        return self._events.pop(0)

    async def aclose(self) -> None:
        self._events.clear()


def _next(_: ChatRequest, /) -> _Stream:
    return _Stream(answer())


class DirectChecks(Checks):
    """What the hooks do by themselves."""

    def test_around_lets_cancellation_pass(self) -> None:
        """A ``CancelledError`` that comes into an ``around`` comes out of it."""

        async def drained() -> None:
            around = await self._around()
            if around is not None:
                async for _ in around:
                    pass

        self._cancelled_anywhere(drained, "around")

    def test_hooks_let_cancellation_pass(self) -> None:
        """The same for ``before``, ``after`` and ``on_close``."""
        seen = RecordingAdvisor()
        client = ChatClient(ScriptedModel("Yes."), advisors=[seen])
        self.play(partial(client.call, self.prompt))
        ends = {"after": seen.last.response, "on_close": seen.last.outcome}
        for name in ("before", "after", "on_close"):

            async def called(name: str = name) -> None:
                advisor, ctx, request = self._ready()
                hook = _hook(advisor, name)
                if hook is None:
                    return
                if name != "before":
                    await _before(advisor, request, ctx)
                await _awaited(hook(ends.get(name, request), ctx))

            self._cancelled_anywhere(called, name)

    def test_around_lets_generator_exit_pass(self) -> None:
        """Closed at any of its ``yield``, an ``around`` ends, and yields no more."""

        async def main() -> None:
            for count in range(1, len(answer()) + 1):
                around: Any = await self._around()
                close = getattr(around, "aclose", None)
                if around is None or close is None:
                    return
                for _ in range(count):
                    await anext(around, None)
                try:
                    await close()
                except RuntimeError as error:
                    what = f"closed behind event {count}, around goes on: {error}"
                    raise AssertionError(what) from error

        self.play(main)

    def test_nothing_follows_the_finish(self) -> None:
        """Finish is the last that each hook gives: held text goes in front of it."""

        async def main() -> None:
            around = await self._around()
            if around is not None:
                _check_order([event async for event in around], "around")
            advisor, ctx, request = self._ready()
            if isinstance(await _before(advisor, request, ctx), ChatResponse):
                return
            hook: Any = _hook(advisor, "on_event")
            if (made := _hook(advisor, "open")) is not None:
                hook = made(ctx)
            if hook is not None:
                given: list[Any] = []
                for event in answer():
                    out = hook(event, ctx)
                    given += out if isinstance(out, tuple) else (out,)
                _check_order(given, "on_event")

        self.play(main)

    def _ready(self) -> tuple[Advisor, RunContext, ChatRequest]:
        advisor = advisor_of(self.made())
        ctx = RunContext(
            conversation_id=self.conversation_id,
            params=self.params,
            model="scripted:script",
            advisors=(advisor.name or type(advisor).__name__,),
        )
        return advisor, ctx, ChatRequest(UserMessage(self.prompt))

    async def _around(self) -> Any:
        """The stream of its ``around``, if it has one and comes to it."""
        advisor, ctx, request = self._ready()
        around = _hook(advisor, "around")
        if around is None:
            return None
        result = await _before(advisor, request, ctx)
        return None if isinstance(result, ChatResponse) else around(result, _next, ctx)

    def _cancelled_anywhere(self, what: Callable[[], Any], name: str) -> None:
        async def main() -> None:
            rounds, over = 0, False
            while not over:
                task = asyncio.create_task(what())
                await ticks(rounds)
                over = task.done()
                task.cancel()
                await asyncio.wait({task})
                swallowed = not (over or task.cancelled())
                claim(
                    not swallowed, f"{name} swallows the cancellation that comes in round {rounds}"
                )
                rounds += 1

        self.play(main)


def _hook(advisor: Advisor, name: str) -> Callable[..., Any] | None:
    bound = getattr(advisor, name, None)
    if bound is None or getattr(bound, "__func__", None) is getattr(Advisor, name):
        return None
    return bound  # type: ignore[no-any-return]  # authors may use any class


async def _before(advisor: Advisor, request: ChatRequest, ctx: RunContext) -> Any:
    hook = _hook(advisor, "before")
    return request if hook is None else await _awaited(hook(request, ctx))


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _check_order(events: list[Any], hook: str) -> None:
    kinds = [type(event).__name__ for event in events]
    for i, event in enumerate(events[:-1]):
        late = isinstance(event, Finish)
        claim(not late, f"{hook} gives {kinds[i + 1]} behind the finish: give it in front")
