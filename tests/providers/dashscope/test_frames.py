"""Frames that no recording here shows: merging, replacing, sources, halves of characters."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import (
    Event,
    FinishReason,
    InterruptedStreamError,
    ProtocolError,
    ReasoningDelta,
    Restart,
    Source,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageUpdate,
)
from junto.providers.dashscope._errors import origin_of
from junto.providers.dashscope._reader import NativeReader

from .conftest import Heard, sum_up


def frame(message: dict[str, Any], reason: str | None = "null", **more: Any) -> bytes:
    usage = more.pop("usage", {"input_tokens": 1, "output_tokens": 1})
    choice = {"message": message, "finish_reason": reason}
    payload = {"output": {"choices": [choice], **more}, "usage": usage, "request_id": "r"}
    text = json.dumps(payload)
    return f"id:1\nevent:result\n:HTTP_STATUS/200\ndata:{text}\n\n".encode()


def read(*pieces: bytes, cumulative: bool = False) -> Heard:
    reader = NativeReader(origin_of("m", "h"), cumulative=cumulative)
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
        if reader.finished or reader.failure:
            break
    else:
        events += reader.end()
    return sum_up(events, reader.failure)


def calls(*fragments: dict[str, Any]) -> dict[str, Any]:
    return {"content": "", "tool_calls": list(fragments)}


def fragment(
    arguments: str | None, *, called: str | None = "", name: str | None = None, **more: Any
) -> dict[str, Any]:
    return {"id": called, "function": {"name": name, "arguments": arguments}, **more}


STOP = frame({"content": ""}, "stop")
A = {"id": "a", "name": "look", "arguments": '{"x":1}'}
B = {"id": "b", "name": "find", "arguments": '{"y":2}'}


@pytest.mark.parametrize(
    "messages",
    [
        [
            calls(fragment('{"x"', called="a", name="look", index=0)),
            calls(fragment(":1}", index=0), fragment("", called="b", name="find", index=1)),
            calls(fragment('{"y":2}', called=None, index=1)),
        ],
        # The first index is 1, and pieces of two calls come mixed.
        [
            calls(fragment(None, called="a", name="look", index=1)),
            calls(fragment('{"y', called="b", name="find", index=2)),
            calls(fragment('{"x":1}', index=1)),
            calls(fragment('":2}', index=2)),
        ],
        # No index: the id decides, also when it is repeated; without both, the latest call.
        [
            calls(fragment('{"x"', called="a", name="look")),
            calls(fragment(":1}", called="a"), fragment('{"y"', called="b", name="find")),
            calls(fragment(":2", called="b", name="find")),
            calls(fragment("}")),
        ],
    ],
)
def test_pieces_of_tool_calls_find_their_call(messages: list[dict[str, Any]]) -> None:
    heard = read(*[frame(message) for message in messages], STOP)

    assert heard.tool_calls == [A, B]
    assert heard.finish is not None
    assert heard.finish.reason is FinishReason.TOOL_CALLS
    assert heard.finish.metadata["raw_reason"] == "stop"


@pytest.mark.parametrize("brace", ["", "}"])
def test_a_name_behind_whole_arguments_opens_a_call_without_index_and_id(brace: str) -> None:
    first = fragment('{"x":1}' + brace, called="a", name="look")

    heard = read(
        frame(calls(first)),
        frame(calls(fragment('{"y"', called=None, name="find"))),
        frame(calls(fragment(":2}", called=None, name="find"))),
        STOP,
    )

    assert [call["arguments"] for call in heard.tool_calls] == ['{"x":1}' + brace, '{"y":2}']
    assert [call["name"] for call in heard.tool_calls] == ["look", "find"]


def test_more_calls_than_anybody_makes_are_refused() -> None:
    heard = read(*[frame(calls(fragment("", index=index))) for index in range(1100)])

    assert isinstance(heard.error, ProtocolError)
    assert "more than 1024 tool calls" in str(heard.error)


@pytest.mark.parametrize(
    "endless",
    [
        {"choice": {"logprobs": {"content": [{"token": "a"}] * 1000}}},
        {"search_info": {"search_results": [{"url": "u" * 10**5}]}},
        {"message": calls(fragment("a" * 10**5, index=0))},
    ],
)
def test_what_is_kept_beside_the_text_has_a_limit_too(endless: dict[str, Any]) -> None:
    reader = NativeReader(origin_of("m", "h"))
    for number in range(200):
        more = json.dumps(endless).replace("uuu", f"u{number}", 1).replace(": 0", f": {number}")
        output = json.loads(more)
        choice = {"message": output.pop("message", {}), **output.pop("choice", {})}
        payload = {"output": {"choices": [choice], **output}}
        reader.feed(f"data:{json.dumps(payload)}\n\n".encode())
        if reader.failure is not None:
            break

    assert "longer than 16777216 characters" in str(reader.failure)


def test_arguments_that_are_no_text_become_text() -> None:
    heard = read(
        frame(calls({"id": "a", "function": {"name": "f", "arguments": {"x": "é"}}}), "stop")
    )

    assert json.loads(heard.tool_calls[0]["arguments"]) == {"x": "é"}


def test_endless_arguments_are_refused() -> None:
    piece = frame(calls(fragment("x" * 400_000, index=0)))

    assert isinstance(read(piece, piece, piece).error, ProtocolError)


def test_cumulative_frames_give_their_new_ends() -> None:
    heard = read(
        frame({"content": "", "reasoning_content": "a"}),
        frame({"content": "", "reasoning_content": "aa"}),
        frame({"content": "哈", "reasoning_content": "aa"}),
        frame({"content": "哈哈", "reasoning_content": ""}),
        frame({"content": "哈哈哈"}, "stop"),
        cumulative=True,
    )

    assert (heard.reasoning, heard.text) == ("aa", "哈哈哈")
    assert [e.text for e in heard.events if isinstance(e, TextDelta)] == ["哈", "哈", "哈"]


def test_a_cumulative_frame_that_takes_back_text_starts_anew() -> None:
    heard = read(
        frame({"content": "one", "reasoning_content": "r"}),
        frame({"content": "two", "reasoning_content": "r"}, "stop"),
        cumulative=True,
    )

    after = heard.events[[type(e) for e in heard.events].index(Restart) + 1 :]
    assert [e for e in after if isinstance(e, TextDelta | ReasoningDelta)] == [
        ReasoningDelta("r"),
        TextDelta("two"),
    ]


def test_a_cumulative_frame_costs_what_it_says_and_not_what_was_said() -> None:
    whole = fragment('{"x":1}', index=0, called="a", name="look")
    heard = read(
        frame(calls(fragment('{"x"', index=0, called="a", name="look"))),
        frame({"content": "one", **calls(whole), "reasoning_content": "r"}),
        frame({"content": ""}),
        frame({"content": "one two"}, "stop"),
        cumulative=True,
    )

    assert (heard.reasoning, heard.text, heard.tool_calls) == ("r", "one two", [A])


def test_sources_come_once_and_an_emptied_list_takes_none_back() -> None:
    result = {"url": "https://x.example", "title": "X", "index": 1, "site_name": "x"}
    heard = read(
        frame({"content": ""}, search_info={"search_results": [result]}, usage={}),
        frame({"content": "a"}, search_info={"search_results": [result]}),
        frame({"content": "b"}, "stop", search_info={"search_results": []}),
    )

    sources = [event for event in heard.events if isinstance(event, Source)]
    assert sources == [Source("https://x.example", "X", 1, {"site_name": "x"})]
    assert heard.text == "ab"


def test_a_character_in_two_halves_is_put_together() -> None:
    heard = read(frame({"content": "a\ud83d"}), frame({"content": "\ude00b"}), STOP)

    assert heard.text == "a\U0001f600b"


def test_a_character_of_arguments_in_two_halves_is_put_together() -> None:
    heard = read(
        frame(calls(fragment('"\ud83d', index=0))), frame(calls(fragment('\ude00"', index=0))), STOP
    )

    assert heard.tool_calls[0]["arguments"] == '"\U0001f600"'


def test_half_a_character_that_is_held_back_is_not_yet_text() -> None:
    heard = read(frame({"content": "a\ud83d"}))

    assert isinstance(heard.error, InterruptedStreamError)
    assert heard.error.partial_text == heard.text == "a"


def test_half_a_character_of_text_that_is_void_meets_no_other_half() -> None:
    heard = read(frame({"content": "a\ud83d"}), frame({"content": "\ude00"}), STOP, cumulative=True)

    after = heard.events[[type(e) for e in heard.events].index(Restart) + 1 :]
    assert [e.text for e in after if isinstance(e, TextDelta)] == ["\ufffd"]


def test_text_that_comes_again_after_a_restart_can_be_written() -> None:
    heard = read(
        frame({"content": "\ude00", "reasoning_content": "r"}),
        frame({"content": "", "reasoning_content": "s"}),
        STOP,
        cumulative=True,
    )

    assert [e.text for e in heard.events if isinstance(e, TextDelta)] == ["\ufffd", "\ufffd"]


def test_what_is_handed_through_can_be_written() -> None:
    odd = {"\ud83d": ["\ud83d", {"x": "\ude00"}, 1]}
    whole = {
        "output": {
            "model_name": "m\ud83d",
            "tool_info": odd,
            "search_info": {"search_results": [{"url": "u\ud83d", "title": "t\ud83d", **odd}]},
            "choices": [
                {
                    "message": {"content": "a"},
                    "finish_reason": "e\ud83d",
                    "logprobs": {"content": [odd]},
                },
                {"message": {"content": "b\ud83d"}, "finish_reason": "stop", "index": 1},
            ],
        }
    }
    reader = NativeReader(origin_of("m", "h"), choices=2)
    reader.feed(json.dumps(whole).encode())

    heard = sum_up(reader.end())

    repr(heard).encode()
    assert "\\ud83d" not in repr(heard)
    assert heard.finish is not None
    assert heard.finish.metadata["choices"][0].message.text == "b\ufffd"


@pytest.mark.parametrize("rest", [[frame({"content": "b"})], []])
def test_half_a_character_alone_is_replaced(rest: list[bytes]) -> None:
    heard = read(frame({"content": "a\ud83d"}), *rest, STOP)

    assert heard.text == "a\ufffd" + "b" * len(rest)
    assert heard.error is None


@given(st.lists(st.text(st.characters(categories=["Cs", "L"]), min_size=1), min_size=1))
def test_any_text_comes_out_as_text_that_can_be_written(pieces: list[str]) -> None:
    heard = read(*[frame({"content": piece}) for piece in pieces], STOP)

    whole = "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert heard.text == whole


def test_invalid_utf8_is_replaced() -> None:
    heard = read(frame({"content": "a~b"}, "stop").replace(b"~", b"\xff"))

    assert heard.text == "a\ufffdb"


def test_a_plain_answer_that_was_cut_by_the_service_is_an_interrupted_one() -> None:
    whole = {"output": {"choices": [{"message": {"content": "so far"}, "finish_reason": None}]}}

    heard = read(json.dumps(whole).encode())

    assert isinstance(heard.error, InterruptedStreamError)
    assert heard.error.partial_text == "so far"


def test_odd_counts_are_left_out_of_the_usage() -> None:
    usage = {"input_tokens": "7", "output_tokens": 3, "total_tokens": -1, "plugins": {"a": [1]}}
    heard = read(frame({"content": "a"}, "stop", usage=usage))

    assert heard.usage is not None
    assert (heard.usage.input_tokens, heard.usage.output_tokens) == (None, 3)
    assert heard.usage.total_tokens is None


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": {"input_tokens": 1}, "output_tokens": 3},
        {"\ud83d": 1, "output_tokens": 3},
        {"output_tokens": 3, "total_tokens": 2**53, "prompt_tokens_details": [1]},
    ],
)
def test_a_usage_of_any_form_spoils_no_answer(usage: dict[str, Any]) -> None:
    heard = read(frame({"content": "a"}, "stop", usage=usage))

    assert (heard.text, heard.error, heard.usage) == ("a", None, Usage(output_tokens=3))


def test_the_output_of_a_choice_that_nobody_asked_for_is_not_counted() -> None:
    reader = NativeReader(origin_of("m", "h"), choices=2)
    more = [
        frame({"content": "a"}, usage={"input_tokens": 1, "output_tokens": 3}).replace(
            b'"message"', b'"index": %d, "message"' % index
        )
        for index in (0, 1, 2, -1)
    ]

    heard = sum_up(reader.feed(b"".join(more)))

    assert heard.usage == Usage(input_tokens=1, output_tokens=6, total_tokens=7)


def test_a_number_that_nobody_can_read_spoils_no_answer() -> None:
    last = frame({"content": "a"}, "stop").replace(
        b'"input_tokens": 1', b'"input_tokens": ' + b"9" * 5000
    )

    assert read(last).text == "a"
    assert read(last).error is None


def test_the_request_id_is_the_last_one_that_there_is() -> None:
    last = frame({"content": ""}, "stop", usage={}).replace(
        b'"request_id": "r"', b'"request_id": "s"'
    )
    none = frame({"content": ""}, "stop").replace(b'"request_id": "r"', b'"request_id": null')

    for end, expected in ((last, "s"), (none, "r")):
        heard = read(frame({"content": "a"}) + end)
        assert heard.finish is not None
        assert heard.finish.metadata["request_id"] == expected


def test_cached_tokens_are_found_in_both_places() -> None:
    for usage in ({"cached_tokens": 5}, {"prompt_tokens_details": {"cached_tokens": 5}}):
        heard = read(frame({"content": "a"}, "stop", usage=usage))

        assert heard.usage is not None
        assert heard.usage.cached_tokens == 5


def test_usage_is_told_read_by_read_and_only_when_it_changed() -> None:
    same = frame({"content": "a"}, usage={"input_tokens": 1, "output_tokens": 1})
    reader = NativeReader(origin_of("m", "h"))

    counts = [len(reader.feed(same)) for _ in range(3)]

    assert counts == [2, 1, 1]


def test_the_usage_of_a_read_is_that_of_its_last_frame_that_has_one() -> None:
    def told(*usages: object) -> list[int | None]:
        reader = NativeReader(origin_of("m", "h"))
        frames = [frame({"content": "a"}, usage=usage) for usage in usages]
        events = reader.feed(b"".join(frames))
        assert [e.text for e in events if isinstance(e, TextDelta)] == ["a"] * len(usages)
        return [e.usage.output_tokens for e in events if isinstance(e, UsageUpdate)]

    assert told({"output_tokens": 1}, {"output_tokens": 2}) == [2]
    assert told({"output_tokens": 1}, {}, None) == [1]
    assert told({"output_tokens": 1}, {"output_tokens": 3, "input_tokens": "x"}) == [3]
    assert told({}, None) == []


def test_the_usage_of_a_read_is_not_that_of_what_comes_after_the_end() -> None:
    more = frame({"content": "b"}, usage={"output_tokens": 9})

    heard = read(frame({"content": "a"}, "stop", usage={"output_tokens": 1}) + more)

    assert (heard.text, heard.usage) == ("a", Usage(output_tokens=1))


def test_events_of_unknown_kinds_are_nobodys_business() -> None:
    heard = read(b"event: ping\ndata: pong\n\n", frame({"content": "a"}), STOP, b"data: [DONE]\n\n")

    assert (heard.text, heard.error) == ("a", None)


def test_an_unknown_reason_to_end_is_an_end() -> None:
    heard = read(frame({"content": "a"}, "bored"))

    assert heard.finish is not None
    assert heard.finish.reason is FinishReason.UNKNOWN
    assert heard.finish.metadata["raw_reason"] == "bored"


def test_further_choices_that_nobody_asked_for_are_left_out() -> None:
    other = frame({"content": "x"}).replace(b'"message"', b'"index": 1, "message"')

    heard = read(other, frame({"content": "a"}), STOP)

    assert heard.text == "a"


def test_empty_deltas_are_no_events() -> None:
    reader = NativeReader(origin_of("m", "h"))
    reader.feed(frame({"content": "a"}))

    assert reader.feed(frame({"content": "", "reasoning_content": "", "tool_calls": []})) == []
    assert reader.feed(frame({"content": None, "tool_calls": None})) == []
    assert reader.feed(frame({"content": []})) == []
    assert not [e for e in reader.feed(STOP) if isinstance(e, TextDelta | ToolCallDelta)]
