"""Law 10: no task and no queue stand between the provider and the reader."""

from __future__ import annotations

import asyncio

from junto.core import Advisor, Event, Finish, RunContext, TextDelta

from ..kit import Hook, client_of, texts
from .lab import Provider, Stack, answer, got, hooked


async def test_law_10_no_task_is_made(way: str, stack: Stack, cut: str) -> None:
    tasks: list[int] = []
    current: set[asyncio.Task[object] | None] = set()

    def counts(event: Event) -> Event:
        tasks.append(len(asyncio.all_tasks()))
        current.add(asyncio.current_task())
        return event

    before = len(asyncio.all_tasks())
    model = Provider(cut, [lambda: counts(Finish()), *answer("a b c")])
    await got(client_of(model, Hook(counts), *stack.made(), Hook(counts)), way)

    assert set(tasks) == {before}
    assert current == {asyncio.current_task()}


async def test_law_10_hooks_never_run_ahead_of_the_reader(stack: Stack, cut: str) -> None:
    log: list[str] = []
    outer: list[Event] = []
    inner: list[Event] = []

    def notes(seen: list[Event]) -> Hook:
        def hook(event: Event) -> Event:
            seen.append(event)
            return event

        return Hook(hook)

    model = Provider(cut, answer("a b c d"))
    client = client_of(model, notes(outer), *stack.made(log), notes(inner))
    async with client.stream("Why?") as stream:
        for pulled in range(1, 5):
            await anext(stream)
            assert len(inner) == len(outer) == pulled
        assert hooked(log, "after") == []


async def test_law_10_the_provider_is_asked_for_more_only_when_the_reader_wants_more(
    stack: Stack,
) -> None:
    given = 0

    def gives() -> None:
        nonlocal given
        given += 1

    script = [step for word in "abcd" for step in (gives, TextDelta(word))]
    async with client_of(Provider("events", script), *stack.made()).stream("Why?") as stream:
        for pulled in range(1, 5):
            await anext(stream)
            assert given <= pulled + 1


class Thrice(Advisor):
    """Gives each piece three times; notes when it is called."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        if not isinstance(event, TextDelta):
            return event
        self.calls.append(event.text)
        return tuple(TextDelta(f"{event.text}{i}") for i in range(3))


async def test_law_10_several_outputs_go_out_one_per_pull_before_the_hook_is_called_again(
    stack: Stack, cut: str
) -> None:
    thrice = Thrice()
    called: list[int] = []
    read: list[Event] = []
    model = Provider(cut, answer("a b"))
    async with client_of(model, *stack.half(), thrice, *stack.half()).stream("Why?") as stream:
        async for event in stream:
            read.append(event)
            called.append(len(thrice.calls))

    assert texts(read) == ["a0", "a1", "a2", " b0", " b1", " b2"]
    assert called[:6] == [1, 1, 1, 2, 2, 2]
