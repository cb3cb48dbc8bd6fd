"""The validator finds every way in which events are no stream."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import (
    ChatClient,
    CustomEvent,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    Restart,
    Source,
    TextDelta,
    ToolCallDelta,
    ToolResult,
    Usage,
    UsageUpdate,
    collect,
)
from junto.core.testing import (
    EventStreamError,
    ScriptedModel,
    recut,
    validate_events,
    validate_stream,
)

SOUND: list[Event] = [
    CustomEvent("mine.begun"),
    ReasoningDelta("Let me see.", shown="<think>Let me see."),
    ReasoningDelta("", shown="</think>"),
    UsageUpdate(Usage(input_tokens=3)),
    TextDelta("One moment: "),
    ToolCallDelta(0, "a", "look", '{"at":'),
    ToolCallDelta(0, arguments=" 1}"),
    ToolCallDelta(1, "b", "look", "{}"),
    ToolResult("b", "look", "nothing", is_error=True),
    ToolResult("a", "look", "a thing"),
    ToolCallDelta(0, "c", "look", "{}"),
    ToolResult("c", "look", "another"),
    ToolCallDelta(1, "d", "look", "{}"),
    ToolResult("d", "look", "the last"),
    TextDelta("there it is."),
    Source("https://example.org"),
    UsageUpdate(Usage(input_tokens=3, output_tokens=9)),
    Finish(FinishReason.STOP, {"model": "m"}),
]


def told(events: list[Any], response: Any = None, **how: Any) -> tuple[str, ...]:
    with pytest.raises(EventStreamError) as raised:
        validate_events(events, response, **how)
    return raised.value.violations


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_a_sound_stream_gives_its_response_however_it_is_cut(sizes: list[int]) -> None:
    assert validate_events(recut(SOUND, sizes), collect(SOUND)) == collect(SOUND)


WRONG: dict[str, tuple[list[Any], str]] = {
    "no finish": ([TextDelta("a")], "there is no finish"),
    "two finishes": ([Finish(), Finish()], "event 1: there is a finish already"),
    "text after it": ([Finish(), TextDelta("a")], "event 1: TextDelta comes after the finish"),
    "no event": ([None, Finish()], "event 0: NoneType is no event"),
    "a batch": ([[TextDelta("a")], Finish()], "event 0: list is no event"),
    "no text": ([TextDelta(None), Finish()], "event 0: text of TextDelta is no text"),  # type: ignore[arg-type]  # the fault
    "shown": ([ReasoningDelta("", shown=b"a"), Finish()], "event 0: shown of ReasoningDelta is no"),  # type: ignore[arg-type]  # the fault
    "usage shrinks": (
        [
            UsageUpdate(Usage(output_tokens=5)),
            UsageUpdate(Usage(output_tokens=3)),
            Finish(),
        ],
        "event 1: usage is the total so far, but output_tokens goes from 5 to 3",
    ),
    "usage is lost": (
        [UsageUpdate(Usage(input_tokens=5)), UsageUpdate(Usage(output_tokens=3)), Finish()],
        "input_tokens goes from 5 to None",
    ),
    "usage is negative": ([UsageUpdate(Usage(input_tokens=-1)), Finish()], "input_tokens is -1"),
    "a call without a name": (
        [ToolCallDelta(0, "a", "", "{}"), Finish()],
        "call 0 begins without its id and name",
    ),
    "a call out of turn": (
        [ToolCallDelta(1, "a", "look"), Finish()],
        "call 1 comes where 0 is next",
    ),
    "an index left out": (
        [ToolCallDelta(0, "a", "look"), ToolCallDelta(2, "b", "look"), Finish()],
        "call 2 comes where 1 is next",
    ),
    "two calls with one id": (
        [ToolCallDelta(0, "a", "look"), ToolCallDelta(1, "a", "look"), Finish()],
        "call 1 has the id 'a' of another call",
    ),
    "a call that changes its id": (
        [ToolCallDelta(0, "a", "look"), ToolCallDelta(0, "b", "look"), Finish()],
        "call 0 changes its id to 'b'",
    ),
    "an answer to nobody": (
        [ToolResult("a", "look", ""), Finish()],
        "a result answers 'a', which nobody called",
    ),
    "two answers": (
        [
            ToolCallDelta(0, "a", "look"),
            ToolResult("a", "look", ""),
            ToolResult("a", "look", ""),
            Finish(),
        ],
        "the call 'a' is answered twice",
    ),
    "a call from before a restart": (
        [ToolCallDelta(0, "a", "look"), Restart(), ToolResult("a", "look", ""), Finish()],
        "a result answers 'a', which nobody called",
    ),
    "a call that goes on after its result": (
        [
            ToolCallDelta(0, "a", "look"),
            ToolResult("a", "look", ""),
            ToolCallDelta(0, arguments="{}"),
            Finish(),
        ],
        "call 0 begins without its id and name",
    ),
}


@pytest.mark.parametrize(("events", "violation"), WRONG.values(), ids=WRONG.keys())
def test_each_violation_is_told(events: list[Any], violation: str) -> None:
    violations = told(events)

    assert len(violations) == 1
    assert violation in violations[0]


def test_all_violations_are_told_at_once() -> None:
    assert len(told([None, Finish(), TextDelta("a"), Finish()])) == 3


def test_a_restart_voids_usage_calls_and_text() -> None:
    events = [
        TextDelta("void"),
        ToolCallDelta(0, "a", "look"),
        UsageUpdate(Usage(input_tokens=9)),
        Restart(),
        TextDelta("whole"),
        ToolCallDelta(0, "a", "look"),
        UsageUpdate(Usage(input_tokens=2)),
        Finish(),
    ]

    assert validate_events(events).text == "whole"


def test_a_stream_that_broke_off_has_no_finish() -> None:
    assert validate_events([TextDelta("a")], complete=False).text == "a"
    assert told([TextDelta("a"), Finish()], complete=False) == (
        "a stream that broke off has a finish",
    )


DIFFERENT: dict[str, list[Event]] = {
    "text": [TextDelta("other")],
    "reasoning": [TextDelta("a"), ReasoningDelta("hidden")],
    "display_text": [ReasoningDelta("", shown="b"), TextDelta("a")],
    "tool_calls": [TextDelta("a"), ToolCallDelta(0, "a", "look")],
    "sources": [TextDelta("a"), Source("https://example.org")],
    "usage": [TextDelta("a"), UsageUpdate(Usage(input_tokens=1))],
    "finish_reason": [TextDelta("a"), Finish(FinishReason.LENGTH)],
    "the finish has model='m'": [TextDelta("a"), Finish(metadata={"model": "m"})],
}


@pytest.mark.parametrize(("what", "events"), DIFFERENT.items(), ids=DIFFERENT.keys())
def test_what_the_response_has_otherwise_is_told(what: str, events: list[Event]) -> None:
    if not isinstance(events[-1], Finish):
        events = [*events, Finish()]
    violations = told(events, collect([TextDelta("a"), Finish()]))

    assert violations[0].startswith(what)


async def test_a_stream_is_read_and_validated() -> None:
    response = await validate_stream(ChatClient(ScriptedModel(SOUND)).stream("?"))

    assert response.text == "One moment: there it is."
