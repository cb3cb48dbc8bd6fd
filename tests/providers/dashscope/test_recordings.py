"""Every recorded answer means what its manifest says, over loopback and however it is cut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import (
    ChatOptions,
    ChatRequest,
    Event,
    InterruptedStreamError,
    ProviderError,
    Usage,
    UsageUpdate,
)
from junto.providers.dashscope import DashScopeModel
from junto.providers.dashscope._errors import Origin
from junto.providers.dashscope._stream import AnswerReader

from ...standin import ABORT, Recording, Reply, StandIn, Step, recording, recordings
from .conftest import Heard, hear, sum_up

NATIVE = [r for r in recordings().values() if r.protocol.startswith("native")]
ANSWERS = [r for r in NATIVE if r.status == 200]
REFUSALS = [r for r in recordings().values() if r.name.startswith("err_")]
NAMES = [r.name for r in ANSWERS]


def options_of(answer: Recording) -> ChatOptions:
    """Options that make the provider read an answer the way that it was asked for."""
    extra: dict[str, Any] = {}
    if answer.expect.get("cumulative"):
        extra["incremental_output"] = False
    choices = answer.expect.get("choices")
    if choices:
        extra["n"] = len(choices)
    return ChatOptions(extra=extra)


def read_purely(answer: Recording, pieces: list[bytes]) -> Heard:
    reader = AnswerReader(
        Origin("qwen-plus", "test"),
        cumulative=bool(answer.expect.get("cumulative")),
        choices=len(answer.expect.get("choices", "1")),
    )
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
        if reader.finished or reader.failure is not None:
            break
    else:
        events += reader.end()
    return sum_up(events, reader.failure)


def check(heard: Heard, expect: dict[str, Any]) -> None:
    first = expect.get("choices", {}).get("0", expect)
    assert heard.text == first.get("text", heard.text)
    assert heard.reasoning == first.get("reasoning", heard.reasoning)
    assert heard.tool_calls == expect.get("tool_calls", [])
    if "finish_reason" in first and first["finish_reason"] is not None:
        assert heard.finish is not None
        assert heard.finish.reason == first["finish_reason"]
        assert heard.finish.metadata["request_id"] == expect.get(
            "request_id", heard.finish.metadata["request_id"]
        )
    usage = expect.get("usage", expect.get("usage_total"))
    if usage:
        assert heard.usage is not None
        assert heard.usage.input_tokens == usage["input_tokens"]
        assert heard.usage.output_tokens == usage["output_tokens"]
        total = usage["input_tokens"] + usage["output_tokens"]
        assert heard.usage.total_tokens == usage.get("total_tokens", total)
        reasoning = usage.get("output_tokens_details", {}).get("reasoning_tokens")
        assert heard.usage.reasoning_tokens == reasoning
        assert heard.usage.image_tokens == usage.get("image_tokens")
    check_error(heard, expect)


def check_error(heard: Heard, expect: dict[str, Any]) -> None:
    error = expect.get("error")
    if error:
        assert isinstance(heard.error, ProviderError)
        for name in ("status", "code", "request_id", "retryable", "kind"):
            if name in error:
                assert getattr(heard.error, name) == error[name], name
        assert (error["message"] or "") in str(heard.error)
        assert heard.error.partial_text == expect.get("text", "")
    elif expect.get("complete") is False:
        assert isinstance(heard.error, InterruptedStreamError)
        assert heard.error.partial_text == expect["text"]
    else:
        assert heard.error is None


@pytest.mark.parametrize("name", NAMES)
async def test_an_answer_is_heard_as_recorded(
    name: str, server: StandIn, model: DashScopeModel
) -> None:
    answer = recording(name)
    steps: list[Step] | None = [answer.body, ABORT] if "midframe" in name else None
    server.will(Reply.of(answer, steps))

    heard = await hear(model, ChatRequest("你好", options=options_of(answer)))

    check(heard, answer.expect)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda r: r.name)
async def test_a_refusal_becomes_its_error(
    refusal: Recording, server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply.of(refusal))

    heard = await hear(model)

    check_error(heard, refusal.expect)
    assert heard.events == []


@pytest.mark.parametrize("name", NAMES)
def test_one_byte_at_a_time_makes_no_difference(name: str) -> None:
    answer = recording(name)

    assert read_purely(answer, answer.cut_each()).same(read_purely(answer, [answer.body]))


@given(data=st.data())
def test_no_cut_makes_a_difference(data: st.DataObject) -> None:
    answer = recording(data.draw(st.sampled_from(NAMES)))
    cuts = data.draw(st.lists(st.integers(1, max(1, len(answer.body) - 1)), max_size=40))

    heard = read_purely(answer, answer.cut(cuts))

    assert heard.same(read_purely(answer, [answer.body]))


@pytest.mark.parametrize("seed", range(3))
async def test_no_cut_on_the_network_makes_a_difference(
    seed: int, server: StandIn, model: DashScopeModel
) -> None:
    answer = recording("native_chinese_emoji_multibyte.sse")
    server.will(Reply.of(answer, answer.cut_at_random(seed)))

    heard = await hear(model)

    check(heard, answer.expect)


def content(answer: Recording, pieces: list[bytes]) -> tuple[list[Event], Usage | None]:
    """What is heard but for usage, in order; and the last usage."""
    heard = read_purely(answer, pieces)
    return [event for event in heard.events if not isinstance(event, UsageUpdate)], heard.usage


@given(data=st.data())
def test_a_read_for_each_frame_gives_the_events_that_any_cut_gives(data: st.DataObject) -> None:
    answer = recording(data.draw(st.sampled_from(NAMES)))
    cuts = data.draw(st.lists(st.integers(1, max(1, len(answer.body) - 1)), max_size=40))

    assert content(answer, answer.frames()) == content(answer, answer.cut(cuts))
    assert content(answer, answer.frames()) == content(answer, answer.cut_each())
