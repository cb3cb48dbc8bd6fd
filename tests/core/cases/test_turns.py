"""Cases T61 to T69 as far as the core goes: memory, tools, usage, sealed reasoning, structure."""

from __future__ import annotations

import asyncio

import pytest

from junto.core import (
    Advisor,
    AssistantMessage,
    ChatRequest,
    ChatResponse,
    CustomEvent,
    Event,
    Finish,
    FinishReason,
    Message,
    Outcome,
    OutcomeKind,
    ReasoningDelta,
    ReasoningPart,
    Restart,
    RunContext,
    TextDelta,
    ToolCallDelta,
    ToolMessage,
    ToolResult,
    Usage,
    UsageUpdate,
    UserMessage,
    collect,
)

from ..kit import Noted, Saver, asked, both_ways, client_of, read, scripted, texts
from ..laws.lab import script
from .plugins import Numbers, Redactor, Retry, Tools


class Keeps(Advisor):
    """A memory of one conversation, with the policy to keep what came of a turn left early."""

    name = "keeps"

    def __init__(self) -> None:
        self.turns: list[Message] = []

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        new = request.messages

        async def save(response: ChatResponse) -> None:
            self.turns += [*new, *response.messages]

        ctx.add_save(save, key=self)
        return request.with_messages([*self.turns, *new])

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        if outcome.kind is OutcomeKind.ABANDONED and outcome.response.text:
            said = AssistantMessage(outcome.response.text + " [interrupted]")
            self.turns += [UserMessage("one"), said]


async def test_t61_a_policy_to_keep_has_the_part_that_came_in_the_next_request() -> None:
    model = scripted("a b c d", "Yes.")
    client = client_of(model, Keeps())
    async with client.stream("one") as stream:
        for _ in range(3):
            await anext(stream)
    await client.call("two")

    assert [(type(m), m.text) for m in model.requests[1].messages] == [
        (UserMessage, "one"),
        (AssistantMessage, "a b c [interrupted]"),
        (UserMessage, "two"),
    ]


async def test_t62_the_part_that_came_of_a_tool_call_is_told_apart_from_text() -> None:
    """So that a memory that keeps partial turns can drop or answer it."""
    noted = Noted("a")
    model = scripted([TextDelta("Let me"), ToolCallDelta(0, "1", "f", '{"n'), TextDelta("never")])
    async with client_of(model, noted).stream("?") as stream:
        for _ in range(2):
            await anext(stream)
    partial = noted.outcomes[0].response

    assert partial.text == "Let me"
    assert [call.id for call in partial.tool_calls] == ["1"]
    assert partial.finish_reason is None


WANTS = script(
    TextDelta("Let me see. "),
    ToolCallDelta(0, "c-1", "double", '{"n"'),
    ToolCallDelta(0, arguments=": 4}"),
    UsageUpdate(Usage(input_tokens=10, output_tokens=2)),
    Finish(FinishReason.TOOL_CALLS),
)
SAYS = script(TextDelta("It is 8."), UsageUpdate(Usage(input_tokens=20, output_tokens=5)), Finish())


def tools() -> Tools:
    return Tools({"double": lambda n: 2 * n})


@both_ways
async def test_t64_a_tool_loop_runs_inner_advisors_per_round_and_outer_ones_once(way: str) -> None:
    saver, outer, inner = Saver(), Noted("outer"), Noted("inner")
    model = scripted(WANTS, SAYS)
    response = await asked(client_of(model, saver, outer, tools(), inner), way)

    assert outer.log.count("outer.before") == outer.log.count("outer.after") == 1
    assert inner.log.count("inner.before") == inner.log.count("inner.after") == 2
    assert [type(m) for m in response.messages] == [AssistantMessage, ToolMessage, AssistantMessage]
    assert [m.text for m in response.messages] == ["Let me see. ", "8", "It is 8."]
    assert saver.saved == [response]
    assert [type(m) for m in model.requests[1].messages] == [
        UserMessage,
        AssistantMessage,
        ToolMessage,
    ]


async def test_t64_text_tool_events_and_text_arrive_in_order() -> None:
    got = await read(client_of(scripted(WANTS, SAYS), Noted("outer"), tools()).stream("?"))

    assert [type(event) for event in got] == [
        TextDelta,
        ToolCallDelta,
        ToolCallDelta,
        ToolResult,
        TextDelta,
        UsageUpdate,
        Finish,
    ]


@both_ways
async def test_t65_usage_of_rounds_a_retry_and_a_cancelled_attempt_is_exact(way: str) -> None:
    told = [UsageUpdate(Usage(input_tokens=7, output_tokens=n)) for n in (1, 2, 3)]
    broken = script(*told, TextDelta("It"), OSError("cut"))
    model = scripted(broken, WANTS, SAYS)
    response = await asked(client_of(model, tools(), Retry()), way)

    # What a provider counts up is replaced: 7 and 3, not 21 and 6.
    assert response.usage == Usage(input_tokens=37, output_tokens=10)
    assert [(a.kind, a.asked_by) for a in response.attempts] == [
        (OutcomeKind.FAILED, ("tools", "retry")),
        (OutcomeKind.FINISHED, ("tools", "retry")),
        (OutcomeKind.FINISHED, ("tools", "retry")),
    ]


async def test_t65_a_cancelled_run_tells_what_it_had_spent() -> None:
    waiting = asyncio.Event()

    async def hangs() -> None:
        waiting.set()
        await asyncio.get_running_loop().create_future()

    spent = UsageUpdate(Usage(input_tokens=3, output_tokens=1))
    outer = Noted("outer")
    model = scripted(WANTS, script(spent, TextDelta("It"), hangs))
    task = asyncio.create_task(client_of(model, outer, tools()).call("?"))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    (outcome,) = outer.outcomes
    assert outcome.usage == Usage(input_tokens=13, output_tokens=3)
    assert [a.kind for a in outcome.response.attempts] == ["finished", "cancelled"]


@both_ways
@pytest.mark.parametrize("secret", ["sk-1", "nothing of that"])
async def test_t67_sealed_reasoning_is_kept_whole_or_dropped_whole(way: str, secret: str) -> None:
    sealed = ReasoningDelta("the key is sk-1", signature="seal")
    response = await asked(client_of([sealed, "Yes."], Redactor(secret)), way)

    kept = [part for part in response.message.parts if isinstance(part, ReasoningPart)]
    whole = [ReasoningPart("the key is sk-1", signature="seal")]
    assert kept == ([] if secret == "sk-1" else whole)
    assert response.text == "Yes."


async def test_t69_partial_objects_only_grow_and_a_repaired_attempt_voids_the_first() -> None:
    saver = Saver()
    model = scripted(["[1, ", "2, ", "oops]"], ["[1, ", "2, ", "3]"])
    stream = client_of(model, saver, Numbers()).stream("Count!")
    got = await read(stream)
    first, second = attempts(got)

    for partial in (first, second):
        grown = [event.data for event in partial if isinstance(event, CustomEvent)]
        assert grown == [[1], [1, 2]]
    assert "".join(texts(second)) == "[1, 2, 3]"
    assert collect(got).text == (await stream.response()).text == saver.saved[0].text
    assert (await stream.response()).text == "[1, 2, 3]"
    assert "Not a list of numbers" in model.requests[1].user_text


def attempts(events: list[Event]) -> tuple[list[Event], list[Event]]:
    place = next(i for i, event in enumerate(events) if isinstance(event, Restart))
    return events[:place], events[place + 1 :]


async def test_t69_a_call_gives_the_repaired_object_alone() -> None:
    model = scripted("[1, oops]", "[1, 2]")

    assert (await client_of(model, Numbers()).call("Count!")).text == "[1, 2]"
