"""Law 5, saving: once per run, after the outermost ``after`` and before any ``on_close``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.core import (
    Advisor,
    ChatRequest,
    ChatResponse,
    Event,
    Finish,
    Next,
    OutcomeKind,
    RunContext,
    SaveError,
    TextDelta,
)

from ..kit import Noted, Saver, Texts, client_of
from .lab import Provider, Stack, answer, got, hooked, noted


class Retry(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except OSError:
            async for event in next(request):
                yield event


async def test_law_05_a_save_runs_after_every_after_and_before_every_close(
    way: str, stack: Stack, cut: str
) -> None:
    log: list[str] = []
    saver = Saver(log)
    model = Provider(cut, answer("yes"))
    advisors = [Noted("outer", log), Texts(str.upper), *stack.made(log), saver, *stack.made(log)]
    answered = await got(client_of(model, *advisors), way)

    place = log.index("saver.save")
    assert hooked(log, "save") == ["saver"]
    assert hooked(log[:place], "after") == hooked(log, "after")
    assert hooked(log[:place], "close finished") == []
    assert saver.saved[0].text == answered.text == "YES"


async def test_law_05_the_end_reaches_the_reader_only_after_the_saves(
    stack: Stack, cut: str
) -> None:
    saver = Saver()
    saved_at_end: list[int] = []
    client = client_of(Provider(cut, answer("Yes")), *stack.made(), saver)
    async with client.stream("Why?") as stream:
        saved_at_end.extend([len(saver.saved) async for event in stream if type(event) is Finish])

    assert saved_at_end == [1]


async def test_law_05_a_save_that_fails_fails_the_run_and_carries_the_response(
    way: str, stack: Stack, cut: str
) -> None:
    trouble = OSError("the disk is full")

    async def save(response: ChatResponse) -> None:
        raise trouble

    class Broken(Advisor):
        async def before(self, request: ChatRequest, ctx: RunContext) -> Any:
            ctx.add_save(save)
            return request

    advisors = [*stack.half(), Broken(), *stack.half()]
    with pytest.raises(SaveError) as caught:
        await got(client_of(Provider(cut, answer("Yes it is")), *advisors), way)

    assert caught.value.response is not None
    assert caught.value.response.text == "Yes it is"
    assert caught.value.__cause__ is trouble
    assert {kind for a in noted(advisors) for kind in a.kinds} <= {OutcomeKind.FAILED}


async def test_law_05_a_save_of_an_attempt_that_failed_is_forgotten(
    way: str, stack: Stack, cut: str
) -> None:
    saver = Saver()
    model = Provider(cut, [OSError()], answer("Yes"))
    answered = await got(client_of(model, *stack.half(), Retry(), saver, *stack.half()), way)

    assert [response.text for response in saver.saved] == [answered.text] == ["Yes"]


async def test_law_05_nothing_is_saved_when_the_run_fails(way: str, stack: Stack, cut: str) -> None:
    saver = Saver()
    model = Provider(cut, [TextDelta("Yes"), OSError("cut")])
    with pytest.raises(OSError, match="cut"):
        await got(client_of(model, *stack.made(), saver), way)

    assert saver.saved == []
