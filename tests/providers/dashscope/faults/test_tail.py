"""What comes behind a whole answer of the compatible mode, before its end: usage, or nothing."""

import pytest

from junto.core import Event, Finish
from junto.providers.chat_completions import CompletionReader
from junto.providers.dashscope._errors import origin_of

from ..conftest import sum_up
from .ways import COMPATIBLE, COMPATIBLE_PLAIN, TEXT

WHOLE = COMPATIBLE.piece() + COMPATIBLE.piece("", "stop")
USAGE = COMPATIBLE.frame({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})
TAILS: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"data: {nonsense}\n\n",
    "JSON of other types": COMPATIBLE.frame({"choices": 3}),
    "an error": COMPATIBLE.frame({"error": {"message": "no", "code": "internal_error"}}),
    "a native error": b'event:error\n:HTTP_STATUS/500\ndata:{"code":"InternalError"}\n\n',
    "half an event": b'data: {"choices": [',
    "a comment": b": bye\n\n",
}


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("what", TAILS)
def test_what_is_broken_behind_a_whole_answer_does_not_spoil_it(
    what: str, *, at_once: bool
) -> None:
    reader = CompletionReader(origin_of("qwen-plus", "test"))
    pieces = [WHOLE + TAILS[what]] if at_once else [WHOLE, TAILS[what]]
    events: list[Event] = [event for piece in pieces for event in reader.feed(piece)]
    events += [] if reader.finished else reader.end()

    assert reader.failure is None
    assert reader.finished
    assert isinstance(events[-1], Finish)
    assert sum_up(events).text == TEXT


def test_usage_behind_a_whole_answer_ends_it() -> None:
    reader = CompletionReader(origin_of("qwen-plus", "test"))
    events = reader.feed(WHOLE)
    assert reader.ending
    assert not reader.finished
    events += reader.feed(USAGE)
    usage = sum_up(events).usage

    assert reader.finished
    assert usage is not None
    assert usage.output_tokens == 2


def test_a_plain_answer_is_whole_without_the_end_of_its_bytes() -> None:
    reader = CompletionReader(origin_of("qwen-plus", "test"))
    events = reader.feed(COMPATIBLE_PLAIN.body())

    assert reader.finished
    assert sum_up(events).text == TEXT
