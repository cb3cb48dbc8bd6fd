"""Laws 13 and 16: what a run keeps to itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

import pytest

from junto.core import (
    Advisor,
    ChatClient,
    ChatOptions,
    ChatRequest,
    ContextKey,
    Event,
    Next,
    Outcome,
    RunContext,
    SystemMessage,
    TextDelta,
    UserMessage,
    place,
)

from .kit import Hook, Naive, Noted, Steer, client_of, read, scripted, text_of

VAR: ContextVar[str] = ContextVar("VAR", default="unset")


class Seeing:
    """A model that notes what it sees in the context at each pull."""

    provider = model = "seeing"

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
        try:
            for i in range(3):
                self.seen.append(VAR.get())
                await asyncio.sleep(0)
                yield TextDelta(str(i))
        finally:
            self.seen.append(f"close {VAR.get()}")

    async def aclose(self) -> None: ...


class Sets(Advisor):
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        self.token = VAR.set("run")
        return request

    def on_event(self, event: Event, ctx: RunContext) -> Event:
        self.seen.append(VAR.get())
        return event

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        self.seen.append(f"close {VAR.get()}")
        VAR.reset(self.token)


@pytest.mark.parametrize("naive", [0, 2])
async def test_what_a_hook_sets_is_seen_inside_on_every_pull_and_never_by_the_reader(
    naive: int,
) -> None:
    VAR.set("reader")
    model, sets = Seeing(), Sets()
    stream = client_of(model, sets, *(Naive(str(i)) for i in range(naive))).stream("?")
    async for _ in stream:
        assert VAR.get() == "reader"

    assert model.seen == ["run", "run", "run", "close run"]
    assert sets.seen == ["run"] * 4 + ["close run"]
    assert VAR.get() == "reader"


async def test_a_pull_or_a_close_from_another_task_happens_in_the_runs_context() -> None:
    model, sets = Seeing(), Sets()
    stream = client_of(model, sets, Naive()).stream("?")
    for _ in range(2):
        await asyncio.create_task(_pull(stream))
    await asyncio.create_task(stream.aclose())

    assert model.seen == ["run", "run", "close run"]
    assert sets.seen == ["run", "run", "close run"]


async def _pull(stream: Any) -> Event:
    VAR.set("other")
    return await anext(stream)


async def test_the_context_is_copied_at_the_first_pull() -> None:
    model = Seeing()
    VAR.set("made")
    stream = client_of(model).stream("?")
    VAR.set("pulled")
    await anext(stream)
    VAR.set("later")
    await anext(stream)
    await stream.aclose()

    assert model.seen == ["pulled", "pulled", "close pulled"]


async def test_what_an_around_sets_is_seen_further_in() -> None:
    async def sets(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        token = VAR.set("around")
        try:
            async for event in next(request):
                yield event
        finally:
            VAR.reset(token)

    model = Seeing()
    async with client_of(model, Naive(), Steer(sets), Naive("b")).stream("?") as stream:
        await anext(stream)
        await anext(stream)
        assert VAR.get() == "unset"

    assert model.seen == ["around", "around", "close around"]


async def test_an_activation_of_another_task_keeps_a_copy_of_its_own() -> None:
    async def splits(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        async def drain(name: str) -> list[Event]:
            VAR.set(name)
            return [event async for event in next(request)]

        first, second = await asyncio.gather(drain("one"), drain("two"))
        seen.append(VAR.get())
        for event in first + second:
            yield event

    seen: list[str] = []

    class Sees(Noted):
        async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
            seen.append(f"close {VAR.get()}")

    model = Seeing()
    await client_of(model, Sets(), Steer(splits), Sees("a")).call("?")

    assert sorted(model.seen) == sorted(["one"] * 3 + ["two"] * 3 + ["close one", "close two"])
    assert seen == ["run", "close two", "close one"]


async def test_current_task_is_the_readers_everywhere() -> None:
    reader = asyncio.current_task()
    seen: list[Any] = []

    def look(value: Any, ctx: RunContext) -> Any:
        seen.append(asyncio.current_task())
        return value

    hooks = dict.fromkeys(("before", "on_event", "after", "on_close"), look)

    await client_of("x", Noted("a", **hooks), Naive(), Noted("b", **hooks)).call("?")

    assert set(seen) == {reader}
    assert len(seen) == 10


async def test_a_hundred_runs_at_once_never_mix() -> None:
    key = ContextKey[str]("mine")

    async def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        ctx[key] = request.user_text
        await asyncio.sleep(0)
        return request

    def marks(event: Event, ctx: RunContext) -> Event:
        return TextDelta(f"{event.text}{ctx[key]};") if isinstance(event, TextDelta) else event

    async def slowly() -> None:
        await asyncio.sleep(0)

    client = client_of(
        ["a", slowly, "b", slowly, "c"], Noted("x", before=before, on_event=marks), Naive()
    )
    answers = await asyncio.gather(*(text_of(client.stream(str(i))) for i in range(100)))

    assert answers == [f"a{i};b{i};c{i};" for i in range(100)]


def test_one_client_serves_several_loops_and_threads() -> None:
    client = client_of("a b", Noted("x"), Naive())
    got: list[str] = []

    def ask() -> None:
        got.extend(asyncio.run(client.call("?")).text for _ in range(3))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == ["a b"] * 12


async def test_one_advisor_may_stand_twice_in_a_chain() -> None:
    twice = Hook(lambda e: TextDelta(e.text + "!") if isinstance(e, TextDelta) else e)

    assert (await client_of("x", twice, twice).call("?")).text == "x!!"


async def test_the_context_knows_the_call() -> None:
    seen: list[RunContext] = []

    def notes(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        seen.append(ctx)
        return request

    noted = Noted("a", before=notes)
    client = ChatClient(scripted("x"), advisors=[noted], params={"top_k": 3, "lang": "en"})
    async with client.stream("?", conversation_id="42", params={"top_k": 5}) as stream:
        await read(stream)

    ctx = seen[0]
    assert ctx is stream.context
    assert (ctx.conversation_id, ctx.streaming, ctx.advisors) == ("42", True, ("a",))
    assert dict(ctx.params) == {"top_k": 5, "lang": "en"}
    assert ctx.model == "scripted:script"
    assert len(ctx.run_id) == 32


async def test_a_child_reads_through_and_writes_inside() -> None:
    key, other = ContextKey[int]("key"), ContextKey[int]("other")
    outer = RunContext()
    outer[key] = 1
    inner = outer.child()
    inner[other] = 2

    assert (inner[key], inner.run_id) == (1, outer.run_id)
    assert other not in outer
    inner[key] = 3
    assert outer[key] == 1
    assert outer.get(other) is None
    with pytest.raises(KeyError):
        outer[other]


async def test_advisors_are_added_replaced_and_left_out_for_one_request() -> None:
    client = client_of("x", Noted("a"), Noted("b"))

    async def chain(**ask: Any) -> tuple[str, ...]:
        async with client.stream("?", **ask) as stream:
            await read(stream)
            return stream.context.advisors

    class Nameless(Advisor):
        def on_event(self, event: Event, ctx: RunContext) -> Event:
            return event

    mine = Noted("b")
    assert await chain(advisors=[Noted("c")]) == ("a", "b", "c")
    assert await chain(advisors=[mine]) == ("a", "b")
    assert mine.log != []
    assert await chain(without=["a"]) == ("b",)
    assert await chain(without="a") == ("b",)
    assert await chain(advisors=[Nameless(), Nameless()]) == ("a", "b", "Nameless", "Nameless")
    assert await chain(advisors=[place(Noted("c"), before="b")]) == ("a", "c", "b")
    assert await chain() == ("a", "b")
    with pytest.raises(ValueError, match="no advisor 'z' to leave out"):
        await chain(without=["z"])


async def test_a_derived_client_leaves_the_first_as_it_was() -> None:
    model = scripted("x")
    client = ChatClient(model, system="one", options={"top_p": 0.5}, advisors=[Noted("a")])
    derived = client.mutate(system="two", options={"seed": 1}, advisors=[Noted("b")], without="a")
    await derived.call("?")
    await client.call("?")

    assert [r.system for r in model.requests] == ["two", "one"]
    assert model.requests[0].options == ChatOptions(top_p=0.5, seed=1)
    assert model.requests[1].options == ChatOptions(top_p=0.5)
    assert (derived.chain.names, client.chain.names) == (("b",), ("a",))


async def test_fluent_and_plain_give_the_same_request() -> None:
    model = scripted("x")
    client = ChatClient(model, system="default", options={"seed": 1}, params={"p": 1})
    added = Noted("n")
    await client.call(
        "Why?",
        system="Be brief.",
        options={"top_p": 0.7},
        advisors=[added],
        conversation_id="1",
        params={"q": 2},
    )
    prompt = client.prompt("Why?").system("Be brief.").options(top_p=0.7)
    await prompt.advisors(added).conversation("1").params(q=2).call()
    async with prompt.stream() as stream:
        await read(stream)

    first, second, third = model.requests
    assert first == second
    assert third.stream
    assert first.messages == (SystemMessage("Be brief."), UserMessage("Why?"))
    assert first.options == ChatOptions(seed=1, top_p=0.7)


async def test_a_prompt_is_a_value() -> None:
    model = scripted("x")
    base = ChatClient(model).prompt("a")
    left, right = base.user("b"), base.user("c")
    await left.call()
    await right.call()

    assert [[m.text for m in r.messages] for r in model.requests] == [["a", "b"], ["a", "c"]]


async def test_nothing_to_ask_is_an_error() -> None:
    client = client_of("x")
    with pytest.raises(ValueError, match="nothing to ask"):
        client.stream()
    with pytest.raises(TypeError, match="'top_p' is no keyword"):
        client.stream("?", top_p=0.7)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="did you mean 'top_p'"):
        client.stream("?", options={"top_pp": 0.7})


def test_a_client_wants_a_model() -> None:
    with pytest.raises(TypeError, match="asks a ChatModel"):
        ChatClient(object())  # type: ignore[arg-type]
