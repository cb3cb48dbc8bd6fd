"""Law 3: requests go outward-in; events, ``after`` and ``on_close`` inward-out."""

from __future__ import annotations

from collections.abc import AsyncIterator

from junto.core import ChatRequest, ChatResponse, Event, Next, OutcomeKind, RunContext, UserMessage

from ..kit import Noted, NotedNaive, Steer, client_of
from .lab import Provider, Stack, answer, got, hooked, noted


async def test_law_03_requests_go_in_and_all_else_comes_out(
    way: str, stack: Stack, cut: str
) -> None:
    log: list[str] = []
    model = Provider(cut, answer("It is"))
    advisors = stack.made(log)
    await got(client_of(model, *advisors), way)

    inward = [advisor.name for advisor in noted(advisors)]
    outward = inward[::-1]
    assert hooked(log, "before") == inward
    for seen in ("event It", "event  is", "Finish", "after", "close finished"):
        assert hooked(log, seen) == outward
    if inward:
        assert log.index(f"{inward[-1]}.before") < log.index(f"{outward[0]}.event It")
        assert log.index(f"{inward[0]}.after") < log.index(f"{outward[0]}.close finished")


async def test_law_03_each_before_sees_the_request_as_those_further_out_left_it(
    way: str, stack: Stack
) -> None:
    seen: list[list[str]] = []

    def adds(word: str) -> Noted:
        def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
            seen.append([m.text for m in request.messages])
            return request.with_messages([*request.messages, UserMessage(word)])

        return Noted(word, before=before)

    model = Provider("events", answer("It is"))
    await got(client_of(model, adds("outer"), *stack.made(), adds("inner")), way)

    assert seen == [["Why?"], ["Why?", "outer"]]
    assert [m.text for m in model.requests[0].messages] == ["Why?", "outer", "inner"]


async def test_law_03_within_one_advisor_around_stands_inside_before_and_outside_nothing_else(
    way: str, stack: Stack
) -> None:
    log: list[str] = []
    model = Provider("events", answer("Yes"))
    await got(client_of(model, NotedNaive("a", log), *stack.made()), way)

    assert log == [
        "a.before",
        "a.around",
        "a.event Yes",
        "a.around left",
        "a.Finish",
        "a.after",
        "a.close finished",
    ]


class Twice(Noted):
    """Asks the rest of the chain twice, and gives what the second answer brings."""

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for _ in next(request):
            pass
        async for event in next(request):
            yield event


async def test_law_03_entering_again_repeats_only_what_is_inside(
    way: str, stack: Stack, cut: str
) -> None:
    outer: list[str] = []
    middle: list[str] = []
    inner: list[str] = []
    model = Provider(cut, answer("first"), answer("second"))
    advisors = [*stack.made(outer), Twice("twice", middle), *stack.made(inner)]
    answered = await got(client_of(model, *advisors), way)

    count = len(noted(stack.made()))
    assert answered.text == answered.response.text == "second"
    assert len(model.requests) == 2
    for hook in ("before", "after", "close finished"):
        assert len(hooked(outer, hook)) == count
        assert len(hooked(middle, hook)) == 1
        assert len(hooked(inner, hook)) == 2 * count
    assert hooked(inner, "event first") == hooked(inner, "event second")
    assert hooked(outer, "event first") == []


async def test_law_03_before_may_answer_and_nothing_further_in_is_reached(
    way: str, stack: Stack, cut: str
) -> None:
    async def before(request: ChatRequest, ctx: RunContext) -> ChatResponse:
        return ChatResponse.of("from the cache")

    inner: list[str] = []
    model = Provider(cut, answer("never"))
    outer, cache = stack.made(), Noted("cache", before=before)
    answered = await got(client_of(model, *outer, cache, *stack.made(inner)), way)

    assert answered.text == answered.response.text == "from the cache"
    assert (model.requests, inner) == ([], [])
    for advisor in (*noted(outer), cache):
        assert [response.text for response in advisor.responses] == ["from the cache"]
        assert advisor.kinds == [OutcomeKind.SHORT_CIRCUITED]


async def test_law_03_what_an_around_gives_passes_its_own_hooks(way: str, stack: Stack) -> None:
    log: list[str] = []

    async def around(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
        for event in ChatResponse.of("my own").content_events():
            yield event

    class Own(Steer, Noted):
        def __init__(self) -> None:
            Noted.__init__(self, "own", log)
            self._around = around

    answered = await got(client_of("never", *stack.half(), Own(), *stack.half()), way)

    assert answered.text == "my own"
    assert hooked(log, "event my own") == hooked(log, "after") == ["own"]
