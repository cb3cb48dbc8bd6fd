"""Law 5: ``after`` runs once per activation that finished well, and finish comes last, once."""

from __future__ import annotations

import pytest

from junto.core import (
    AdvisorContractError,
    ChatResponse,
    ContextKey,
    Finish,
    FinishReason,
    RunContext,
    TextDelta,
    Usage,
    UsageUpdate,
)

from ..kit import Noted, client_of, read
from .lab import Provider, Stack, answer, got, hooked, noted

SPENT = Usage(input_tokens=3, output_tokens=5)


async def test_law_05_after_runs_once_with_the_whole_response(
    way: str, stack: Stack, cut: str
) -> None:
    advisors = [Noted("first"), *stack.made(), Noted("last")]
    answered = await got(client_of(Provider(cut, answer("It is so.", SPENT)), *advisors), way)

    for advisor in noted(advisors):
        (response,) = advisor.responses
        assert response.text == "It is so."
        assert response.usage == SPENT
        assert response.finish_reason == "stop"
    assert answered.response.usage == SPENT


async def test_law_05_after_does_not_run_for_an_answer_that_failed(
    way: str, stack: Stack, cut: str
) -> None:
    log: list[str] = []
    model = Provider(cut, [TextDelta("It "), TextDelta("is"), OSError("cut")])
    with pytest.raises(OSError, match="cut"):
        await got(client_of(model, *stack.made(log)), way)

    assert hooked(log, "after") == hooked(log, "Finish") == []


async def test_law_05_usage_and_finish_come_once_and_last_when_every_after_has_run(
    stack: Stack, cut: str
) -> None:
    log: list[str] = []
    model = Provider(cut, [TextDelta("a"), *answer("b c", SPENT)])
    advisors = stack.made(log)
    seen_at: dict[str, list[str]] = {}
    async with client_of(model, *advisors).stream("Why?") as stream:
        events = []
        async for event in stream:
            events.append(event)
            seen_at.setdefault(type(event).__name__, list(log))

    assert events[-2:] == [UsageUpdate(SPENT), Finish()]
    assert [type(e) for e in events[:-2]] == [TextDelta] * 3
    everybody = [advisor.name for advisor in noted(advisors)][::-1]
    assert hooked(seen_at["TextDelta"], "after") == []
    assert hooked(seen_at["UsageUpdate"], "after") == everybody
    assert hooked(seen_at["UsageUpdate"], "close finished") == everybody


async def test_law_05_each_level_withholds_the_end_until_its_own_after_has_run(
    way: str, stack: Stack, cut: str
) -> None:
    log: list[str] = []
    inner, outer = Noted("inner", log), Noted("outer", log)
    model = Provider(cut, answer("Yes", SPENT))
    await got(client_of(model, outer, *stack.made(), inner), way)

    ends = [entry for entry in log if entry.split(".")[1] in {"UsageUpdate", "Finish", "after"}]
    assert ends == [
        "inner.UsageUpdate",
        "inner.Finish",
        "inner.after",
        "outer.UsageUpdate",
        "outer.Finish",
        "outer.after",
    ]


@pytest.mark.parametrize(
    "script",
    [[TextDelta("Yes")], [TextDelta("Yes"), Finish(), Finish()], [Finish(), TextDelta("Yes")]],
    ids=["forgotten", "twice", "early"],
)
async def test_law_05_finish_comes_exactly_once_whatever_the_provider_does(
    way: str, stack: Stack, script: list[TextDelta | Finish]
) -> None:
    log: list[str] = []
    model = Provider("events", script)
    client = client_of(model, *stack.made(log))
    answered = await got(client, way)

    forgotten = not any(isinstance(event, Finish) for event in script)
    assert answered.response.finish_reason == ("unknown" if forgotten else "stop")
    assert answered.text == "Yes"
    assert sorted(hooked(log, "Finish")) == sorted(hooked(log, "before"))
    if way == "stream":
        assert [type(event) for event in answered.events] == [TextDelta, Finish]


KEY = ContextKey[str]("test.after")


async def test_law_05_after_may_change_metadata_usage_and_the_context(
    way: str, stack: Stack, cut: str
) -> None:
    def after(response: ChatResponse, ctx: RunContext) -> ChatResponse:
        ctx[KEY] = "was here"
        told = response.with_metadata(judged="well")
        return ChatResponse(
            messages=told.messages,
            finish_reason=FinishReason.LENGTH,
            usage=Usage(total_tokens=1),
            metadata=told.metadata,
        )

    outer = Noted("outer")
    model = Provider(cut, answer("Yes", SPENT))
    advisors = [outer, *stack.half(), Noted("judge", after=after), *stack.half()]
    answered = await got(client_of(model, *advisors), way)

    for response in (answered.response, outer.responses[0]):
        assert response.metadata["judged"] == "well"
        assert response.usage == Usage(total_tokens=1)
        assert response.finish_reason == "length"
        assert response.text == "Yes"


async def test_law_05_an_after_that_changes_delivered_text_is_an_error_that_says_so(
    way: str, stack: Stack, cut: str
) -> None:
    rewrites = Noted("rewriter", after=lambda response, ctx: response.with_text("No"))
    model = Provider(cut, answer("Yes"))
    with pytest.raises(AdvisorContractError, match=r"'rewriter'.*buffered = True"):
        await got(client_of(model, *stack.half(), rewrites, *stack.half()), way)


async def test_law_05_a_buffered_advisor_may_change_it_and_holds_its_output_until_then(
    way: str, stack: Stack, cut: str
) -> None:
    log: list[str] = []
    rewrites = Noted(
        "rewriter", log, buffered=True, after=lambda response, ctx: response.with_text("No")
    )
    outer = Noted("outer", log)
    model = Provider(cut, answer("Yes it is"))
    advisors = [outer, *stack.half(), rewrites, *stack.half()]
    answered = await got(client_of(model, *advisors), way)

    assert answered.text == answered.response.text == "No"
    assert [r.text for r in rewrites.responses] == ["Yes it is"]
    assert [e for e in log if e.startswith("outer.event")] == ["outer.event No"]
    assert log.index("rewriter.after") < log.index("outer.event No")


async def test_law_05_a_buffered_answer_that_is_unchanged_goes_out_as_it_came(
    stack: Stack, cut: str
) -> None:
    script = answer("Yes it is")
    advisors = [*stack.half(), Noted("judge", buffered=True), *stack.half()]
    events = await read(client_of(Provider(cut, script), *advisors).stream("Why?"))

    assert events == script
    assert all(a is b for a, b in zip(events[:-1], script, strict=False))
