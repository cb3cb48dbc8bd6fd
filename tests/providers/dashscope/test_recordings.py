"""Every recorded answer means what its manifest says, over loopback and however it is cut."""

from collections.abc import AsyncIterator, Callable
from functools import partial
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
from junto.providers.assembly import AnswerReader
from junto.providers.chat_completions import CompletionReader
from junto.providers.dashscope import DashScopeModel
from junto.providers.dashscope._errors import origin_of
from junto.providers.dashscope._reader import NativeReader

from ...standin import ABORT, Recording, Reply, StandIn, Step, recording, recordings
from .conftest import KEY, Heard, hear, sum_up

CHATS = [r for r in recordings().values() if r.protocol.startswith(("native", "compat"))]
ANSWERS = [r for r in CHATS if r.status == 200]
REFUSALS = [r for r in CHATS if r.status != 200]
NAMES = [r.name for r in ANSWERS]
SEEDS = range(3)


def options_of(answer: Recording) -> ChatOptions:
    """Options that make the provider read an answer the way that it was asked for."""
    extra: dict[str, Any] = {}
    if answer.expect.get("cumulative"):
        extra["incremental_output"] = False
    choices = answer.expect.get("choices")
    if choices:
        extra["n"] = len(choices)
    return ChatOptions(extra=extra)


def reader_of(answer: Recording) -> AnswerReader:
    choices = len(answer.expect.get("choices", "1"))
    origin = origin_of("qwen-plus", "test")
    if answer.protocol == "compat":
        return CompletionReader(origin, choices=choices, id_is_request=True)
    return NativeReader(origin, cumulative=bool(answer.expect.get("cumulative")), choices=choices)


def read_purely(answer: Recording, pieces: list[bytes]) -> Heard:
    reader = reader_of(answer)
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
        if reader.finished or reader.failure is not None:
            break
    else:
        events += reader.end()
    return sum_up(events, reader.failure)


@pytest.fixture
async def model_for(server: StandIn) -> AsyncIterator[Callable[[Recording], DashScopeModel]]:
    """Models for both dialects, closed at the end."""
    async with (
        DashScopeModel("qwen-plus", api_key=KEY, base_url=server.url) as native,
        DashScopeModel(
            "qwen-plus", api_key=KEY, base_url=server.url, dialect="compatible"
        ) as compatible,
    ):
        yield lambda answer: compatible if answer.protocol == "compat" else native


def check(heard: Heard, expect: dict[str, Any]) -> None:
    first = expect.get("choices", {}).get("0", expect)
    assert heard.text == first.get("text", heard.text)
    assert heard.reasoning == first.get("reasoning", heard.reasoning)
    assert heard.tool_calls == expect.get("tool_calls", [])
    if "finish_reason" in first and first["finish_reason"] is not None:
        assert heard.finish is not None
        assert heard.finish.reason == first["finish_reason"]
        if "request_id" in expect:
            request_id = expect["request_id"].removeprefix("chatcmpl-")
            assert heard.finish.metadata["request_id"] == request_id
        others = {
            str(c.index): {"text": c.message.text, "finish_reason": c.finish_reason}
            for c in heard.finish.metadata.get("choices", ())
        }
        assert others == {k: v for k, v in expect.get("choices", {}).items() if k != "0"}
    check_usage(heard, expect)
    check_error(heard, expect)


def check_usage(heard: Heard, expect: dict[str, Any]) -> None:
    usage = expect.get("usage", expect.get("usage_total"))
    if not usage:
        if "usage" in expect:
            assert heard.usage is None
        return
    assert heard.usage is not None
    asked = usage.get("input_tokens", usage.get("prompt_tokens"))
    said = usage.get("output_tokens", usage.get("completion_tokens"))
    prompt = usage.get("prompt_tokens_details", {})
    details = usage.get("output_tokens_details", usage.get("completion_tokens_details", {}))
    assert heard.usage.input_tokens == asked
    assert heard.usage.output_tokens == said
    assert heard.usage.total_tokens == usage.get("total_tokens", asked + said)
    assert heard.usage.reasoning_tokens == details.get("reasoning_tokens")
    assert heard.usage.image_tokens == usage.get("image_tokens", prompt.get("image_tokens"))
    if "usage" in expect:
        cached = usage.get("cached_tokens", prompt.get("cached_tokens"))
        assert heard.usage.cached_tokens == cached


def check_error(heard: Heard, expect: dict[str, Any]) -> None:
    error = expect.get("error")
    if error:
        assert isinstance(heard.error, ProviderError)
        for name in ("status", "code", "request_id", "retryable", "kind"):
            if name in error and (name != "request_id" or error[name]):
                assert getattr(heard.error, name) == error[name], name
        assert (error["message"] or "") in str(heard.error)
        assert heard.error.partial_text == expect.get("text", "")
    elif expect.get("complete") is False:
        assert isinstance(heard.error, InterruptedStreamError)
        assert heard.error.partial_text == expect["text"]
    else:
        assert heard.error is None


Cut = Callable[[Recording], list[bytes]]
CUTS: dict[str, Cut] = {
    "whole": lambda answer: [answer.body],
    "byte by byte": Recording.cut_each,
    "7 bytes": lambda answer: answer.cut(range(0, len(answer.body), 7)),
    **{f"random {seed}": partial(Recording.cut_at_random, seed=seed) for seed in SEEDS},
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda r: r.name)
async def test_an_answer_is_heard_as_recorded_however_the_network_cuts_it(
    answer: Recording,
    cut: str,
    server: StandIn,
    model_for: Callable[[Recording], DashScopeModel],
) -> None:
    steps: list[Step] = [*CUTS[cut](answer)]
    server.will(Reply.of(answer, [*steps, ABORT] if "midframe" in answer.name else steps))

    heard = await hear(model_for(answer), ChatRequest("你好", options=options_of(answer)))

    check(heard, answer.expect)


@pytest.mark.parametrize("cut", ["whole", "byte by byte", "7 bytes"])
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda r: r.name)
async def test_a_refusal_becomes_its_error(
    refusal: Recording,
    cut: str,
    server: StandIn,
    model_for: Callable[[Recording], DashScopeModel],
) -> None:
    server.will(Reply.of(refusal, CUTS[cut](refusal)))

    heard = await hear(model_for(refusal))

    check_error(heard, refusal.expect)
    assert heard.events == []


@given(data=st.data())
def test_no_cut_makes_a_difference(data: st.DataObject) -> None:
    answer = recording(data.draw(st.sampled_from(NAMES)))
    cuts = data.draw(st.lists(st.integers(1, max(1, len(answer.body) - 1)), max_size=40))

    heard = read_purely(answer, answer.cut(cuts))

    assert heard.same(read_purely(answer, [answer.body]))


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
