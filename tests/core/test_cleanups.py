"""Cleanups of a run: once, at its very end, however it ends and wherever they were added."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from junto.core import (
    Advisor,
    ChatClient,
    ChatRequest,
    Event,
    Next,
    Outcome,
    OutcomeKind,
    RunContext,
    TextDelta,
)
from junto.core.testing import ScriptedModel, hang


class Holder(Advisor):
    """Adds a cleanup in each activation, under one key."""

    name = "holder"

    def __init__(self) -> None:
        self.told: list[tuple[OutcomeKind, str]] = []
        self.log: list[str] = []
        self.found: list[bool] = []

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        self.found.append(self in ctx.cleanups)
        ctx.add_cleanup(self.over, key=self)
        return request

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        self.log.append("on_close")

    async def over(self, outcome: Outcome) -> None:
        self.log.append("cleanup")
        self.told.append((outcome.kind, outcome.response.text))


class Twice(Advisor):
    """Asks again, for the same answer."""

    order = 0

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for _ in next(request):
            pass
        async for event in next(request):
            yield event


class Shout(Advisor):
    order = 1

    def on_event(self, event: Event, ctx: RunContext) -> Event:
        return TextDelta(event.text.upper()) if isinstance(event, TextDelta) else event


async def test_a_cleanup_is_told_of_what_left_the_outermost_level_after_every_on_close() -> None:
    holder = Holder()
    client = ChatClient(ScriptedModel("quiet"), advisors=[Twice(), Shout(), holder])

    await client.call("hi")

    assert holder.told == [(OutcomeKind.FINISHED, "QUIET")]
    assert holder.log == ["on_close", "on_close", "cleanup"]
    assert holder.found == [False, True]


async def test_a_cleanup_runs_after_an_error_and_after_a_break() -> None:
    holder = Holder()
    model = ScriptedModel([TextDelta("a"), OSError("cut")], "one two")
    client = ChatClient(model, advisors=[holder])

    with pytest.raises(OSError, match="cut"):
        await client.call("hi")
    async with client.stream("hi") as stream:
        await anext(stream)

    assert holder.told == [(OutcomeKind.FAILED, "a"), (OutcomeKind.ABANDONED, "one")]


async def test_a_cleanup_runs_when_the_reader_is_cancelled() -> None:
    holder, pause = Holder(), hang()
    client = ChatClient(ScriptedModel([TextDelta("a"), pause]), advisors=[holder])
    task = asyncio.create_task(client.call("hi"))
    await pause.reached()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert holder.told == [(OutcomeKind.CANCELLED, "a")]


async def test_a_cleanup_that_fails_changes_nothing_and_is_kept() -> None:
    class Fails(Holder):
        async def over(self, outcome: Outcome) -> None:
            raise OSError("in vain")

    async with ChatClient(ScriptedModel("yes"), advisors=[Fails()]).stream("hi") as stream:
        response = await stream.response()

    assert response.text == "yes"
    assert stream.outcome is not None
    assert [str(error) for error in stream.outcome.cleanup_errors] == ["in vain"]
