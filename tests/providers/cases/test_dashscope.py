"""The numbered cases that need a real provider: deadlines, frames, and reasoning of old turns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import (
    AssistantMessage,
    ChatTimeoutError,
    Event,
    Finish,
    Message,
    ReasoningDelta,
    ReasoningPart,
    TextDelta,
    TextPart,
    ToolCallDelta,
    UserMessage,
    collect,
)
from junto.providers.dashscope import Timeouts
from junto.providers.dashscope._messages import encode_messages
from junto.providers.dashscope._reader import NativeReader
from junto.providers.failures import Origin
from junto.providers.transport import Clock


class Hands:
    """The loop's clock, moved by hand; a read that waits is broken off by what it was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.errors: list[ChatTimeoutError] = []
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)

    def waits(self, clock: Clock, seconds: float) -> None:
        """A read that waits so long."""
        clock.begin(self.errors.append)
        self.now += seconds
        clock._fire()
        clock.end()


@pytest.mark.parametrize(
    ("steps", "clock"),
    [
        ([5.0], "first_event"),
        ([1.0, 3.0], "progress"),
        ([1.0, 2.0, 2.0, 3.0], "progress"),
        ([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0], "total"),
        ([1.0, 2.0, 2.0], ""),
    ],
    ids=["first", "between", "while thinking", "total", "in time"],
)
async def test_t26_the_deadline_that_ran_out_is_the_one_that_is_named(
    monkeypatch: pytest.MonkeyPatch, steps: Sequence[float], clock: str
) -> None:
    hands = Hands(monkeypatch)
    timed = Clock(Timeouts(first_event=5, progress=3, total=12))
    for seconds in steps:
        if not hands.errors:
            hands.waits(timed, seconds)
            timed.progressed()
    timed.stop()

    assert [error.clock for error in hands.errors] == ([clock] if clock else [])


async def test_t26_what_is_no_event_does_not_push_the_deadline_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hands = Hands(monkeypatch)
    timed = Clock(Timeouts(first_event=5, progress=3))
    timed.progressed()
    for _ in range(4):  # heartbeats: a read that waits, and no progress
        if not hands.errors:
            hands.waits(timed, 1.0)
    timed.stop()

    assert [error.clock for error in hands.errors] == ["progress"]
    assert isinstance(hands.errors[0], TimeoutError)


async def test_t27_a_reader_who_sleeps_between_pulls_does_not_trip_the_progress_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hands = Hands(monkeypatch)
    patient = Clock(Timeouts(first_event=5, progress=3))
    limited = Clock(Timeouts(first_event=5, progress=3, total=12))
    hands.waits(patient, 1.0)
    hands.waits(limited, 0.0)
    for clock in (patient, limited):
        clock.progressed()
    hands.now += 20.0  # the reader sleeps: nobody waits for the provider
    hands.waits(patient, 1.0)
    with pytest.raises(ChatTimeoutError) as caught:
        limited.begin(hands.errors.append)
    patient.stop()
    limited.stop()

    assert hands.errors == []
    assert caught.value.clock == "total"


async def test_t67_reasoning_of_old_turns_is_sent_where_the_model_wants_it_and_nowhere_else() -> (
    None
):
    said = AssistantMessage([ReasoningPart("hm", signature="seal"), TextPart("Yes.")])
    messages: list[Message] = [UserMessage("Why?"), said, UserMessage("And?")]
    kept = encode_messages(messages, "m", path="text", reasoning=True)
    stripped = encode_messages(messages, "m", path="text", reasoning=False)

    assert kept[1]["reasoning_content"] == "hm"
    assert "reasoning_content" not in stripped[1]
    assert kept[1]["content"] == stripped[1]["content"] == "Yes."


def frame(message: dict[str, Any], finish: str = "null") -> bytes:
    choice = {"message": {"role": "assistant", **message}, "finish_reason": finish}
    return b"data:" + json.dumps({"output": {"choices": [choice]}}).encode() + b"\n\n"


def heard(frames: Sequence[bytes], *, cumulative: bool) -> list[Event]:
    reader = NativeReader(Origin("m", "test"), cumulative=cumulative)
    events = [event for part in frames for event in reader.feed(part)]
    events += [] if reader.finished else reader.end()
    assert reader.failure is None
    return [event for event in events if not isinstance(event, Finish)]


@given(
    thought=st.lists(st.text("ab", min_size=1, max_size=3), max_size=4),
    said=st.lists(st.text("cd", min_size=1, max_size=3), min_size=1, max_size=4),
)
def test_t68_frames_that_repeat_and_frames_that_add_give_the_same_events(
    thought: list[str], said: list[str]
) -> None:
    adding = [frame({"reasoning_content": piece, "content": ""}) for piece in thought]
    adding += [frame({"content": piece}) for piece in said] + [frame({"content": ""}, "stop")]
    whole = "".join(thought)
    repeating = [
        frame({"reasoning_content": "".join(thought[: i + 1]), "content": ""})
        for i in range(len(thought))
    ]
    repeating += [
        frame({"reasoning_content": whole, "content": "".join(said[: i + 1])})
        for i in range(len(said))
    ]
    repeating.append(frame({"reasoning_content": whole, "content": "".join(said)}, "stop"))
    wanted = [*map(ReasoningDelta, thought), *map(TextDelta, said)]

    assert heard(adding, cumulative=False) == wanted
    assert heard(repeating, cumulative=True) == wanted


def test_t68_pieces_of_a_call_without_an_id_are_joined_by_their_index() -> None:
    def call(index: int, arguments: str, **more: str) -> dict[str, Any]:
        function = {"arguments": arguments, **({"name": more["name"]} if more else {})}
        entry = {"index": index, "type": "function", "function": function}
        return entry | ({"id": more["id"]} if more else {})

    frames = [
        frame({"content": "", "tool_calls": [call(0, '{"a"', id="c-0", name="f")]}),
        frame({"content": "", "tool_calls": [call(1, '{"b"', id="c-1", name="g")]}),
        frame({"content": "", "tool_calls": [call(0, ": 1}")]}),
        frame({"content": "", "tool_calls": [call(1, ": 2}")]}),
        frame({"content": ""}, "tool_calls"),
    ]
    events = heard(frames, cumulative=False)

    assert all(isinstance(event, ToolCallDelta) for event in events)
    assert [(c.id, c.name, c.arguments) for c in collect(events).tool_calls] == [
        ("c-0", "f", '{"a": 1}'),
        ("c-1", "g", '{"b": 2}'),
    ]
