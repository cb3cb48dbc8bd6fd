"""The recording advisor notes what it saw, and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from junto.core import (
    Advisor,
    ChatClient,
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
from junto.core.testing import RecordingAdvisor, ScriptedModel


class Twice(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for event in next(request):
            if isinstance(event, Finish):
                break
            yield event
        yield Restart()
        async for event in next(request):
            yield event


async def test_it_notes_each_hook_and_what_it_saw() -> None:
    usage = UsageUpdate(Usage(input_tokens=1))
    seen = RecordingAdvisor()
    response = await ChatClient(ScriptedModel(["a", usage]), advisors=[seen]).call("Why?")

    last = seen.last
    assert last.hooks == ["before", "open", *["on_event"] * 3, "after", "save", "on_close"]
    assert [type(event) for event in last.events] == [TextDelta, UsageUpdate, Finish]
    assert last.request.user_text == "Why?"
    assert last.response == last.saved == response
    assert (last.number, last.kind, last.text) == (1, OutcomeKind.FINISHED, "a")


async def test_recorders_that_share_a_log_show_their_order() -> None:
    log: list[str] = []
    advisors = [RecordingAdvisor("outer", log=log), RecordingAdvisor("inner", log=log)]
    await ChatClient(ScriptedModel(["a"]), advisors=advisors).call("?")

    assert [line for line in log if "event" not in line and "open" not in line] == [
        "outer.before",
        "inner.before",
        "inner.after",
        "outer.after",
        "outer.save",
        "inner.save",
        "inner.on_close finished",
        "outer.on_close finished",
    ]


async def test_each_activation_is_noted_apart() -> None:
    seen = RecordingAdvisor()
    client = ChatClient(ScriptedModel("a", "b"), advisors=[Twice(), seen])
    await client.call("?")
    await client.call("?")

    assert [(a.number, a.text) for a in seen.activations] == [
        (1, "a"),
        (2, "b"),
        (1, "b"),
        (2, "b"),
    ]
    assert len(seen.of_run(seen.last.run_id)) == 2
    assert [a.saved is None for a in seen.activations] == [True, False, True, False]


async def test_the_text_is_that_since_the_last_restart() -> None:
    seen = RecordingAdvisor()
    await ChatClient(ScriptedModel("a", "b"), advisors=[seen, Twice()]).call("?")

    assert seen.last.text == "b"


async def test_a_run_left_early_has_its_outcome_and_no_response() -> None:
    seen = RecordingAdvisor()
    async with ChatClient(ScriptedModel("a b"), advisors=[seen]).stream("?") as stream:
        await anext(stream)
        assert seen.last.kind is None

    assert seen.last.kind is OutcomeKind.ABANDONED
    assert (seen.last.response, seen.last.text) == (None, "a")


def test_one_that_has_seen_nothing_says_so() -> None:
    with pytest.raises(LookupError, match="has seen no run"):
        _ = RecordingAdvisor().last
