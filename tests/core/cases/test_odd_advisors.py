"""What no list foresaw, from the advisor's side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.core import (
    ChatRequest,
    Event,
    Finish,
    Next,
    OutcomeKind,
    Restart,
    RunContext,
    TextDelta,
    Usage,
    UsageUpdate,
)

from ..kit import (
    Hook,
    Naive,
    Noted,
    Saver,
    Steer,
    Texts,
    asked,
    both_ways,
    client_of,
    scripted,
)


@both_ways
async def test_a_hook_that_gives_ten_thousand_events_gives_them_all_one_per_pull(way: str) -> None:
    many = tuple(TextDelta("x") for _ in range(10_000))
    seen: list[int] = []

    def hook(event: Event) -> Any:
        seen.append(1)
        return many if isinstance(event, TextDelta) else event

    client = client_of("a b", Noted("outer"), Hook(hook))
    if way == "call":
        assert (await client.call("?")).text == "x" * 20_000
        return
    async with client.stream("?") as stream:
        for _ in range(10_000):
            await anext(stream)
        assert len(seen) == 1
        assert (await stream.response()).text == "x" * 20_000


@both_ways
@pytest.mark.parametrize("hook", ["before", "after", "on_close"])
async def test_a_hook_may_ask_the_same_client_again(way: str, hook: str) -> None:
    """Such as a summary, made by the client that is being asked: a run of its own."""
    inner: list[str] = []
    runs: set[str] = set()

    async def asks(value: Any, ctx: RunContext) -> Any:
        runs.add(ctx.run_id)
        if ctx.params.get("inner") is None:
            inner.append((await client.call("Sum up!", params={"inner": True})).text)
        return value

    client = client_of("a b", Noted("asks", **{hook: asks}), Naive())
    response = await asked(client, way)

    assert (response.text, inner, len(runs)) == ("a b", ["a b"], 2)


@both_ways
async def test_an_around_may_ask_another_client_and_pass_its_answer_on(way: str) -> None:
    other = client_of("from the other", Noted("theirs"))

    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async with other.stream(messages=request.messages) as stream:
            async for event in stream:
                yield event  # noqa: ASYNC119  the chain closes an around, and so the stream

    saver = Saver()
    response = await asked(client_of("never", saver, Steer(around)), way)

    assert response.text == saver.saved[0].text == "from the other"


@both_ways
async def test_one_instance_twice_in_a_chain_acts_twice(way: str) -> None:
    mark = Texts(lambda text: text + "!")
    noted = Noted("twice")
    response = await asked(client_of("a", mark, noted, mark, noted), way)

    assert response.text == "a!!"
    assert [r.text for r in noted.responses] == ["a", "a!"]
    assert noted.kinds == [OutcomeKind.FINISHED] * 2


@both_ways
async def test_an_around_that_keeps_the_events_it_was_given_changes_nobodys(way: str) -> None:
    kept: list[Event] = []

    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        kept.extend([event async for event in next(request)])
        for event in kept:
            yield event

    response = await asked(client_of("a b", Noted("o"), Steer(around), Noted("i")), way)

    assert response.text == "a b"


@both_ways
async def test_an_around_that_gives_the_events_backwards_still_ends_once_and_last(
    way: str,
) -> None:
    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        for event in [event async for event in next(request)][::-1]:
            yield event

    model = scripted([TextDelta("a"), TextDelta("b"), UsageUpdate(Usage(total_tokens=3)), Finish()])
    response = await asked(client_of(model, Noted("o"), Steer(around)), way)

    assert (response.text, response.finish_reason) == ("ba", "stop")
    assert response.usage == Usage(total_tokens=3)


@both_ways
async def test_an_around_that_swallows_the_end_gives_an_answer_of_unknown_end(way: str) -> None:
    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async for event in next(request):
            if not isinstance(event, Finish):
                yield event

    outer = Noted("outer")
    response = await asked(client_of("a b", outer, Steer(around)), way)

    assert response.text == "a b"
    assert response.finish_reason is not None
    assert outer.kinds == [OutcomeKind.FINISHED]


@both_ways
async def test_an_around_may_pull_from_a_stream_that_has_ended(way: str) -> None:
    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        stream = next(request)
        async for event in stream:
            yield event
        for _ in range(3):
            assert await anext(aiter(stream), None) is None
        await stream.aclose()
        await stream.aclose()

    model = scripted("a b")
    response = await asked(client_of(model, Steer(around), Noted("i")), way)

    assert response.text == "a b"
    assert len(model.requests) == 1


@both_ways
async def test_a_hook_that_makes_a_restart_of_text_voids_what_was_there(way: str) -> None:
    def hook(event: Event) -> Any:
        return (Restart("again"), TextDelta("new")) if event == TextDelta(" b") else event

    saver, outer = Saver(), Noted("outer")
    client = client_of("a b", saver, outer, Hook(hook), Naive())
    response = await asked(client, way)

    assert response.text == saver.saved[0].text == outer.responses[0].text == "new"
