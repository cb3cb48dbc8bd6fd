"""Law 16: a chain and a client are immutable, and serve any number of runs, tasks and loops."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from junto.core import (
    Advisor,
    ChatRequest,
    ChatResponse,
    ContextKey,
    Event,
    EventHook,
    RunContext,
    TextDelta,
)

from ..kit import Noted, Texts, client_of
from .lab import Provider, Stack, Step, answer, got

WORD = ContextKey[str]("test.word")


class Echo(Advisor):
    """Puts the question's text in front of each piece, from three kinds of state."""

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        ctx[WORD] = request.user_text
        await asyncio.sleep(0)
        return request

    def open(self, ctx: RunContext) -> EventHook:
        opened = ctx[WORD]

        def on_event(event: Event, ctx: RunContext) -> Event:
            assert ctx[WORD] == opened
            return TextDelta(f"{opened}:{event.text}") if isinstance(event, TextDelta) else event

        return on_event


async def test_law_16_runs_at_once_never_mix(way: str, stack: Stack, cut: str) -> None:
    turns = random.Random(7)

    async def pause() -> None:
        for _ in range(turns.randrange(4)):
            await asyncio.sleep(0)

    script: list[Step] = [pause, TextDelta("a"), pause, TextDelta("b"), pause]
    client = client_of(Provider(cut, script), *stack.half(), Echo(), *stack.half())
    count = 4 if stack.size == 50 else 25
    answers = await asyncio.gather(*(got(client, way, str(i)) for i in range(count)))

    assert [a.text for a in answers] == [f"{i}:a{i}:b" for i in range(count)]
    assert [a.response.text for a in answers] == [a.text for a in answers]


def test_law_16_several_loops_in_several_threads_share_a_client(way: str, stack: Stack) -> None:
    client = client_of(Provider("events", answer("a b")), *stack.made(), Echo())

    def asks(name: str) -> list[str]:
        async def both() -> list[str]:
            return [(await got(client, way, f"{name}{i}")).text for i in range(3)]

        return asyncio.run(both())

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(asks, "xy"))

    assert found == [[f"{name}{i}:a{name}{i}: b" for i in range(3)] for name in "xy"]


async def test_law_16_an_activations_context_reads_through_and_writes_inside(
    way: str, stack: Stack
) -> None:
    seen: list[tuple[str | None, bool]] = []
    inner_key = ContextKey[str]("test.inner")

    def outside(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        ctx[WORD] = "from outside"
        return request

    def inside(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        seen.append((ctx.get(WORD), inner_key in ctx))
        ctx[inner_key] = ctx[WORD] = "from inside"
        return request

    left: list[str] = []

    def after(response: ChatResponse, ctx: RunContext) -> ChatResponse:
        left.append(ctx[WORD])
        return response

    outer = Noted("outer", before=outside, after=after)
    client = client_of("Yes", outer, *stack.made(), Noted("inner", before=inside))
    for _ in range(2):
        await got(client, way)

    assert seen == [("from outside", False)] * 2
    apart = any(type(a).__name__ in {"Naive", "NotedNaive"} for a in stack.made())
    assert left == ["from outside" if apart else "from inside"] * 2


async def test_law_16_defaults_are_added_replaced_and_left_out_for_one_request(
    way: str, stack: Stack
) -> None:
    def marks(name: str, mark: str) -> Texts:
        return Texts(lambda text: text + mark, name)

    client = client_of(Provider("events", answer("a")), *stack.made(), marks("mark", "!"))
    names = client.chain.names

    async def said(**ask: Any) -> str:
        return (await got(client, way, **ask)).text

    plain, added, replaced, without, again = await asyncio.gather(
        said(),
        said(advisors=[marks("other", "?")]),
        said(advisors=[marks("mark", ".")]),
        said(without=["mark"]),
        said(),
    )

    assert (plain, added, replaced, without, again) == ("a!", "a?!", "a.", "a", "a!")
    assert client.chain.names == names


def test_law_16_a_chain_cannot_be_changed(stack: Stack) -> None:
    given = stack.made()
    chain = client_of("x", *given).chain
    names = chain.names
    given.append(Noted("late"))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        chain.entries = ()  # type: ignore[misc]  # what must not be possible
    with pytest.raises(AttributeError):
        client_of("x").chain = chain  # type: ignore[misc]  # the same

    assert chain.names == names
