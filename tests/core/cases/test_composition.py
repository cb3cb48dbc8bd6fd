"""Cases T48 to T54: how a chain is put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from junto.core import (
    Advisor,
    AdvisorChain,
    ChainError,
    ChainWarning,
    ChatClient,
    ChatRequest,
    Event,
    Next,
    RunContext,
    TextDelta,
    place,
)

from ..kit import Hook, Noted, Texts, asked, both_ways, client_of, names, read, scripted, texts


def test_t48_a_constraint_that_holds_moves_nobody_and_one_that_does_not_moves_one() -> None:
    a, b, c, d = (Noted(name) for name in "ABCD")

    assert names(place(a, before="B"), b, c, d) == ("A", "B", "C", "D")
    assert names(a, b, place(c, before="A"), d) == ("C", "A", "B", "D")


def test_t49_equal_orders_stand_as_they_were_given_and_explain_says_so() -> None:
    client = client_of("x", Noted("first"), Noted("second"))
    explanation = client.explain(advisors=[Noted("mine")])

    assert [one.name for one in explanation.advisors] == ["first", "second", "mine"]
    assert [one.origin for one in explanation.advisors] == ["client", "client", "request"]
    assert "given after 'first'" in explanation.advisors[1].reason


def test_t50_a_cycle_and_a_missing_requirement_are_errors_that_name_the_pair() -> None:
    with pytest.raises(ChainError, match="'a' before 'b' before 'a'"):
        AdvisorChain([place(Noted("a"), before="b"), place(Noted("b"), before="a")])
    with pytest.raises(ChainError, match="'a' requires 'b'"):
        AdvisorChain([place(Noted("a"), requires="b")])


@pytest.mark.parametrize(
    ("outer", "inner"), [("tools", "memory"), ("redactor", "logging")], ids="-".join
)
def test_t50_a_known_trap_is_a_warning_that_names_the_pair(outer: str, inner: str) -> None:
    def roled(role: str) -> Advisor:
        advisor = Hook(lambda event: event, role)
        advisor.role = role
        return advisor

    with pytest.warns(ChainWarning, match=f"'{inner}' stands inside.*'{outer}'"):
        client = ChatClient(scripted("x"), advisors=[roled(outer), roled(inner)])

    assert [lint.advisors for lint in client.explain().lints] == [(outer, inner)]


@both_ways
async def test_t51_advisors_of_one_call_change_that_call_alone(way: str) -> None:
    client = client_of("a", Texts(lambda text: text + "!", "mark"))

    async def said(**ask: Any) -> str:
        if way == "call":
            return (await client.call("?", **ask)).text
        return "".join(texts(await read(client.stream("?", **ask))))

    plain, added, replaced, without, again = await asyncio.gather(
        said(),
        said(advisors=[Texts(str.upper)]),
        said(advisors=[Texts(lambda text: text + "?", "mark")]),
        said(without=["mark"]),
        said(),
    )

    assert (plain, added, replaced, without, again) == ("a!", "A!", "a?", "a", "a!")
    assert client.chain.names == ("mark",)


async def test_t53_a_client_with_more_advisors_leaves_a_running_stream_as_it_is() -> None:
    client = client_of("a b", Noted("first"))
    late = Noted("late")
    async with client.stream("?") as stream:
        await anext(stream)
        more = client.mutate(advisors=[late])
        await stream.response()

    assert late.log == []
    assert (client.chain.names, more.chain.names) == (("first",), ("first", "late"))


class Shouts:
    """An object that is called like a function."""

    async def __call__(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for event in next(request):
            yield TextDelta(event.text.upper()) if isinstance(event, TextDelta) else event


async def marks(
    mark: str, request: ChatRequest, next: Next, ctx: RunContext
) -> AsyncIterator[Event]:
    async for event in next(request):
        yield TextDelta(event.text + mark) if isinstance(event, TextDelta) else event


class SyncBefore(Advisor):
    def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:  # type: ignore[override]  # what people write
        return request.with_system("Be brief.")


@both_ways
@pytest.mark.parametrize(
    ("make", "said"),
    [(Shouts, "A"), (lambda: partial(marks, "!"), "a!"), (SyncBefore, "a")],
    ids=["callable object", "partial", "plain before"],
)
async def test_t54_callable_objects_partials_and_plain_hooks_work(
    way: str, make: Callable[[], Any], said: str
) -> None:
    model = scripted("a")
    response = await asked(client_of(model, Noted("outer"), make()), way)

    assert response.text == said
    assert model.requests[0].system == ("Be brief." if make is SyncBefore else "")


async def _wrong(request: ChatRequest) -> AsyncIterator[Event]:
    yield TextDelta("never")


class WrongBefore(Advisor):
    async def before(self, request: ChatRequest) -> ChatRequest:  # type: ignore[override]  # the mistake
        return request


class AsyncOnEvent(Advisor):
    async def on_event(self, event: Event, ctx: RunContext) -> Event:  # type: ignore[override]  # the mistake
        return event


@pytest.mark.parametrize("wrong", [_wrong, WrongBefore(), AsyncOnEvent()])
def test_t54_a_wrong_signature_is_an_error_when_the_chain_is_built(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"wrong signature.*write"):
        client_of("x", wrong)
