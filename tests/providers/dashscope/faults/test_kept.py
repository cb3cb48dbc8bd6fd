"""What an answer makes a reader keep until its end is bounded, and found in linear time."""

from typing import Any

import pytest

from junto.core import Event, ProtocolError
from junto.providers.assembly import AnswerReader
from junto.providers.chat_completions import CompletionReader
from junto.providers.dashscope._errors import origin_of
from junto.providers.dashscope._reader import NativeReader

from .ways import NATIVE, NATIVE_PLAIN, STREAMS, Way

MIB = 1024 * 1024
ARGUMENTS = MIB

every_stream = pytest.mark.parametrize("way", STREAMS, ids=str)
just = pytest.mark.parametrize("over", [0, 1], ids=["just under", "just over"])


def reader_of(way: Way, choices: int = 1) -> AnswerReader:
    origin = origin_of("qwen-plus", "test")
    if way.is_native:
        return NativeReader(origin, choices=choices)
    return CompletionReader(origin, choices=choices)


def refused(way: Way, frame: bytes, most: int, choices: int = 1) -> AnswerReader:
    """What is fed the same frame until it has had enough."""
    reader = reader_of(way, choices)
    events: list[Event] = []
    for _ in range(most):
        events = reader.feed(frame)
        if reader.failure is not None:
            break
    assert isinstance(reader.failure, ProtocolError)
    assert events is not None
    return reader


def called(way: Way, calls: list[dict[str, Any]]) -> bytes:
    key = "message" if way.is_native else "delta"
    choice = {key: {"content": "", "tool_calls": calls}, "finish_reason": None}
    return way.frame({"output": {"choices": [choice]}} if way.is_native else {"choices": [choice]})


@just
@every_stream
def test_the_arguments_of_a_tool_call(way: Way, over: int) -> None:
    def call(size: int) -> bytes:
        return called(way, [{"index": 0, "function": {"name": "f", "arguments": "x" * size}}])

    reader = reader_of(way)
    reader.feed(call(ARGUMENTS - 1))
    reader.feed(call(1 + over))

    assert isinstance(reader.failure, ProtocolError) is bool(over)


@every_stream
def test_tool_calls_without_end_are_refused(way: Way) -> None:
    calls = [{"id": "", "function": {"name": "f", "arguments": "{}"}} for _ in range(6000)]

    refused(way, called(way, calls), 3)


@every_stream
def test_large_tool_calls_without_end_are_refused(way: Way) -> None:
    reader = reader_of(way)
    for index in range(20):
        call = {"index": index, "function": {"name": "f", "arguments": "x" * (ARGUMENTS - 1)}}
        reader.feed(called(way, [call]))

    assert isinstance(reader.failure, ProtocolError)


@every_stream
def test_logprobs_without_end_are_refused(way: Way) -> None:
    entries = [{"token": "x" * 10_000, "logprob": -0.5}] * 700
    said = {"message" if way.is_native else "delta": {"content": "x"}}
    choice = {**said, "finish_reason": None, "logprobs": {"content": entries}}
    frame = {"output": {"choices": [choice]}} if way.is_native else {"choices": [choice]}

    refused(way, way.frame(frame), 20)


def test_sources_without_end_are_refused_and_take_no_more_time_each() -> None:
    reader = reader_of(NATIVE)
    for first in range(0, 1_000_000, 10_000):
        found = [{"url": f"u{first + n}", "index": n} for n in range(10_000)]
        reader.feed(NATIVE.frame({"output": {"search_info": {"search_results": found}}}))
        if reader.failure is not None:
            break

    assert isinstance(reader.failure, ProtocolError)


def test_usage_of_choices_that_nobody_asked_for_is_not_kept() -> None:
    reader = NativeReader(origin_of("qwen-plus", "test"), choices=2)
    for index in range(5):
        choice = {"index": index, "message": {"content": "x"}, "finish_reason": "null"}
        payload = {"output": {"choices": [choice]}, "usage": {"output_tokens": 1}}
        reader.feed(NATIVE.frame(payload))

    assert len(reader._usages) == 2


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_json_is_found_whole_at_its_last_brace_however_it_is_cut(size: int) -> None:
    body = NATIVE_PLAIN.body("好\\" * 3000)
    reader = reader_of(NATIVE_PLAIN)
    for start in range(0, len(body), size):
        assert not reader.finished
        reader.feed(body[start : start + size])

    assert reader.is_whole()


def test_json_whose_end_was_missed_is_whole_when_the_clock_runs_out() -> None:
    body = NATIVE_PLAIN.body("}" * 2000)
    reader = reader_of(NATIVE_PLAIN)
    reader.feed(body[:-500])  # ends with a brace, and could have been all
    reader.feed(body[-500:])

    assert not reader.finished
    assert reader.is_whole()
    assert reader.end()
    assert reader.failure is None


def test_what_stands_behind_a_plain_answer_is_dropped_however_it_is_cut() -> None:
    body = NATIVE_PLAIN.body() + b',"x":1}{}'

    for pieces in ([body], [bytes([byte]) for byte in body]):
        reader = reader_of(NATIVE_PLAIN)
        for piece in pieces:
            reader.feed(piece)
            if reader.finished:
                break
        else:
            reader.end()
        assert reader.finished
        assert reader.failure is None
