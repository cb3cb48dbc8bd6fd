"""Advisors made of one function, and what a wrong signature says."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from junto.core import (
    Advisor,
    AdvisorChain,
    ChatRequest,
    ChatResponse,
    Event,
    Next,
    Outcome,
    Phase,
    RunContext,
    TextDelta,
    advisor,
    place,
)

from .kit import both_ways, client_of, text_of


def louder(event: Event) -> Event:
    return TextDelta(event.text.upper()) if isinstance(event, TextDelta) else event


@advisor
async def shout(request: ChatRequest, next: Next, ctx: RunContext) -> AsyncIterator[Event]:
    async for event in next(request):
        yield louder(event)


@advisor.on_event
def shout_each(event: Event, ctx: RunContext) -> Event:
    return louder(event)


@advisor.before(order=Phase.GUARD, name="question")
def ask_twice(request: ChatRequest, ctx: RunContext) -> ChatRequest:
    return request.with_system("Twice.")


async def plain(request: ChatRequest, next: Next, ctx: RunContext) -> AsyncIterator[Event]:
    async for event in next(request):
        yield louder(event)


class Loud:
    async def __call__(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for event in next(request):
            yield louder(event)


async def loudly(
    how: Any, request: ChatRequest, next: Next, ctx: RunContext
) -> AsyncIterator[Event]:
    async for event in next(request):
        yield how(event)


FORMS: dict[str, Any] = {
    "decorated": shout,
    "for each event": shout_each,
    "plain function": plain,
    "callable object": Loud(),
    "partial": partial(loudly, louder),
    "partial of an object": partial(Loud()),
    "method": Loud().__call__,
    "placed": place(plain, order=7),
    "opened": advisor.open(lambda ctx: lambda event, ctx: louder(event)),
    "lambda": plain,
}


@both_ways
@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_a_streaming_advisor_changes_the_stream(form: str, way: str) -> None:
    client = client_of("be quiet", FORMS[form])

    if way == "call":
        assert (await client.call("?")).text == "BE QUIET"
    else:
        async with client.stream("?") as stream:
            assert await text_of(stream) == "BE QUIET"


@pytest.mark.parametrize("is_async", [False, True])
async def test_hook_forms_may_be_sync_or_async(is_async: bool) -> None:
    seen: list[str] = []

    def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        seen.append("before")
        return request

    def after(response: ChatResponse, ctx: RunContext) -> ChatResponse:
        seen.append(f"after {response.text}")
        return response

    def on_close(outcome: Outcome, ctx: RunContext) -> None:
        seen.append(f"close {outcome.kind}")

    def made(function: Any) -> Any:
        async def later(value: Any, ctx: RunContext) -> Any:
            return function(value, ctx)

        return later if is_async else function

    client = client_of(
        "yes",
        advisor.before(made(before)),
        advisor.after(made(after)),
        advisor.on_close(made(on_close)),
    )
    await client.call("?")

    assert seen == ["before", "after yes", "close finished"]


def test_an_advisor_of_a_function_has_its_name_unless_it_declares_another() -> None:
    chain = AdvisorChain([shout, ask_twice])

    assert chain.names == ("question", "shout")
    assert chain.changed(without=["shout"]).names == ("question",)
    assert AdvisorChain([partial(loudly, louder)]).names == ("loudly",)


async def test_a_function_given_again_for_one_request_takes_its_own_place() -> None:
    assert AdvisorChain([shout]).changed([shout]).names == ("shout",)


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match="'ordr' is nothing that an advisor declares; there are"):
        advisor(ordr=3)(plain)  # type: ignore[call-overload]  # the mistake


async def two(request: ChatRequest, next: Next) -> AsyncIterator[Event]:
    yield TextDelta("")


async def no_yield(request: ChatRequest, next: Next, ctx: RunContext) -> Any:
    return next(request)


def not_async(request: ChatRequest, next: Next, ctx: RunContext) -> Any:
    yield TextDelta("")


async def async_event(event: Event, ctx: RunContext) -> Event:
    return event


def yielding_event(event: Event, ctx: RunContext) -> Any:
    yield event


async def yielding_before(request: ChatRequest, ctx: RunContext) -> Any:
    yield request


def keyword_only(event: Event, *, ctx: RunContext) -> Event:
    return event


STREAM = r"write async def around\(request, next, ctx\), with a yield"
WRONG: list[tuple[Any, Any, str]] = [
    (advisor, two, rf"takes \(request, next\); {STREAM}"),
    (advisor, no_yield, rf"no yield, so it gives no stream; {STREAM}"),
    (advisor, not_async, rf"is not async; {STREAM}"),
    (advisor, partial(plain, ChatRequest("?")), rf"takes \(next, ctx\); {STREAM}"),
    (advisor, 3, "it is 3, which cannot be called"),
    (advisor.on_event, async_event, r"without await: .*; write def on_event\(event, ctx\)"),
    (advisor.on_event, yielding_event, r"return a tuple .*; write def on_event\(event, ctx\)"),
    (advisor.on_event, keyword_only, r"called with \(event, ctx\) and takes \(event, ctx\)"),
    (advisor.before, yielding_before, r"use return; write async def before\(request, ctx\)"),
    (advisor.before, lambda request: request, r"takes \(request\); write async def before"),
    (advisor.open, lambda: None, r"write def open\(ctx\)"),
    (advisor.after, lambda response: response, r"write async def after\(response, ctx\)"),
    (advisor.on_close, lambda: None, r"write async def on_close\(outcome, ctx\)"),
]


@pytest.mark.parametrize(("form", "function", "says"), WRONG)
def test_a_wrong_signature_fails_when_it_is_made_an_advisor(
    form: Any, function: Any, says: str
) -> None:
    with pytest.raises(TypeError, match=says):
        form(function)


def test_a_plain_function_of_the_wrong_shape_is_told_of_the_other_forms() -> None:
    with pytest.raises(TypeError, match=r"advisor\.on_event\(f\)"):
        AdvisorChain([async_event])  # type: ignore[list-item]  # the mistake


@pytest.mark.parametrize("hook", ["before", "on_event", "open", "after", "on_close", "around"])
def test_a_wrong_signature_in_a_class_fails_when_the_chain_is_built(hook: str) -> None:
    def alone(self: Any) -> None: ...
    def more(self: Any, one: Any, two: Any, three: Any, four: Any) -> None: ...

    for wrong in (alone, more) if hook != "open" else (more,):
        kind = type("Wrong", (Advisor,), {hook: wrong})
        with pytest.raises(
            TypeError, match=rf"{hook} of advisor 'Wrong'.*; write .*{hook}\(self, "
        ):
            client_of("x", kind())


def test_parameters_with_defaults_and_stars_are_right() -> None:
    def more(event: Event, ctx: RunContext, count: int = 3) -> Event:
        return event

    AdvisorChain(
        [
            advisor.on_event(more),
            advisor.before(lambda *both: both[0]),
            advisor.after(lambda answer, context, **more: answer),
        ]
    )


async def test_one_hook_needs_no_base_class_and_nothing_else() -> None:
    class Bare:
        def on_event(self, event: Event, ctx: RunContext) -> Event:
            return louder(event)

    bare: Any = Bare()

    assert (await client_of("hush", bare).call("?")).text == "HUSH"


def text_only(function: Any) -> Any:
    @functools.wraps(function)
    def hook(event: Event, ctx: RunContext) -> Event:
        return TextDelta(function(event.text)) if isinstance(event, TextDelta) else event

    return hook


async def test_a_decorated_function_is_judged_by_what_will_be_called() -> None:
    @advisor.on_event
    @text_only
    def up(text: str) -> str:
        return text.upper()

    assert (await client_of("quiet", up).call("?")).text == "QUIET"

    @functools.wraps(shout_each.on_event)
    def one_argument(event: Event) -> Event:
        return event

    with pytest.raises(TypeError, match=r"takes \(event\)"):
        advisor.on_event(one_argument)  # type: ignore[arg-type]  # the mistake


def test_a_function_that_is_right_alone_may_be_wrong_as_a_method() -> None:
    def alone(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        return request

    advisor.before(alone)
    kind = type("Wrong", (Advisor,), {"before": alone})

    with pytest.raises(TypeError, match="before of advisor 'Wrong'"):
        AdvisorChain([kind()])


async def test_a_callable_object_may_have_methods_with_the_names_of_hooks() -> None:
    class Door(Loud):
        def open(self) -> int:
            return 1

    door: Any = Door()

    assert (await client_of("hush", door).call("?")).text == "HUSH"


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"name": 3}, "name is of type str"), ({"order": True}, "order is of type int")],
)
def test_a_setting_of_the_wrong_type_is_refused(settings: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        advisor.on_event(louder_hook, **settings)


def louder_hook(event: Event, ctx: RunContext) -> Event:
    return louder(event)


def test_a_cached_function_is_judged_by_what_it_wraps() -> None:
    with pytest.raises(TypeError, match=r"takes \(request\)"):
        advisor.before(functools.lru_cache(lambda request: request))
