"""Every captured answer means what was read from its bytes, however it is cut."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import junto.core
from junto.core import ChatRequest, FinishReason, InterruptedStreamError, ProviderError
from junto.providers.chat_completions import CompletionReader
from junto.providers.failures import Origin
from junto.providers.openai import OpenAIModel, OpenAIOptions

from ...standin import Recording, Reply, StandIn, Step, capture, captures
from ..hearing import Heard, hear, sum_up
from . import oracle, sdk
from .conftest import KEY, url_of

REASONS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}
ANSWERS = [c for c in captures().values() if "text" in c.expect]
REFUSALS = [c for c in captures().values() if "error" in c.expect]
OTHERS = [c for c in captures().values() if not c.expect]
SEEDS = range(3)

cuts = pytest.mark.parametrize(
    "cut",
    [
        lambda answer: [answer.body],
        Recording.cut_each,
        lambda answer: answer.cut(range(0, len(answer.body), 7)),
        *[partial(Recording.cut_at_random, seed=seed) for seed in SEEDS],
    ],
    ids=["whole", "byte by byte", "7 bytes", *[f"random {seed}" for seed in SEEDS]],
)


def asked_of(answer: Recording) -> dict[str, Any]:
    body = answer.request["body"]
    asked: dict[str, Any] = json.loads(body) if body.endswith("}") else {}
    return asked


def request_of(answer: Recording) -> ChatRequest:
    """A request that is read as the one that was captured."""
    asked = asked_of(answer)
    options = OpenAIOptions(n=asked.get("n") or None)
    return ChatRequest("hi", options=options, stream=bool(asked.get("stream")))


def check(heard: Heard, expect: dict[str, Any]) -> None:
    assert heard.error is None
    assert heard.text == expect["text"]
    assert heard.reasoning == expect.get("reasoning", "")
    assert heard.tool_calls == expect.get("tool_calls", [])
    assert heard.finish is not None
    assert heard.finish.metadata["raw_reason"] == expect["finish"]
    called = "tool_calls" in expect and expect["finish"] != "length"
    wanted = FinishReason.TOOL_CALLS if called else REASONS[expect["finish"]]
    assert heard.finish.reason is wanted
    others = {
        str(choice.index): {
            "text": choice.message.text,
            "finish": choice.finish_reason.value if choice.finish_reason else None,
        }
        for choice in heard.finish.metadata.get("choices", ())
    }
    assert others == expect.get("others", {})
    usage = heard.usage
    assert (usage is None) is ("usage" not in expect)
    if usage is not None:
        assert [usage.input_tokens, usage.output_tokens, usage.total_tokens] == expect["usage"]
        assert usage.cached_tokens == expect.get("cached")
        assert usage.reasoning_tokens == expect.get("reasoning_tokens")


def test_each_chat_completion_and_each_refusal_is_expected_to_be_something() -> None:
    chats = [c for c in captures().values() if c.request["path"] == "/v1/chat/completions"]

    assert {c.name for c in chats} <= {c.name for c in ANSWERS + REFUSALS}
    assert len(captures()) == 99
    assert (len(ANSWERS), len(REFUSALS)) == (55, 37)


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: a.name)
def test_what_is_expected_is_what_another_reader_finds(answer: Recording) -> None:
    assert oracle.read(answer.body) == answer.expect


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: a.name)
@cuts
async def test_an_answer_is_heard_as_expected_however_the_network_cuts_it(
    server: StandIn,
    model: OpenAIModel,
    answer: Recording,
    cut: Callable[[Recording], list[Step]],
) -> None:
    server.will(Reply.of(answer, cut(answer)))
    check(await hear(model, request_of(answer)), answer.expect)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda r: r.name)
async def test_a_refusal_is_the_error_that_is_expected(
    server: StandIn, model: OpenAIModel, refusal: Recording
) -> None:
    server.will(Reply.of(refusal))
    error = (await hear(model)).error
    expect = refusal.expect

    assert isinstance(error, ProviderError)
    assert type(error) is getattr(junto.core, expect["error"])
    assert (error.status, error.kind, error.retryable) == (
        expect["status"],
        expect["kind"],
        expect["retryable"],
    )
    assert error.request_id == refusal.headers.get("x-request-id")
    assert str(error).split()[0].strip("[]'") in refusal.body.decode()


@pytest.mark.parametrize("other", OTHERS, ids=lambda o: o.name)
async def test_an_answer_of_another_protocol_holds_no_text(
    server: StandIn, model: OpenAIModel, other: Recording
) -> None:
    server.will(Reply.of(other))
    heard = await hear(model)

    assert heard.text == ""
    if other.name != "completions_stream":  # it has reasons to finish, and text elsewhere
        assert isinstance(heard.error, InterruptedStreamError)


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: a.name)
async def test_the_official_sdk_reads_the_same(server: StandIn, answer: Recording) -> None:
    server.will(Reply.of(answer))
    question = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    said = await sdk.ask(url_of(server), KEY, question, stream=answer.body.startswith(b"data"))

    expect = answer.expect
    calls = [(call["name"], call["arguments"]) for call in expect.get("tool_calls", ())]
    assert said == sdk.Said(expect["text"], calls, expect["finish"], expect.get("usage"))


def read_purely(answer: Recording, pieces: list[bytes]) -> Heard:
    reader = CompletionReader(Origin("m", "test"), choices=asked_of(answer).get("n") or 1)
    events = [event for piece in pieces if not reader.finished for event in reader.feed(piece)]
    events += [] if reader.finished else reader.end()
    return sum_up(events, reader.failure)


@given(data=st.data())
def test_no_cut_changes_what_is_heard(data: st.DataObject) -> None:
    answer = capture(data.draw(st.sampled_from([a.name for a in ANSWERS])))
    places = data.draw(st.lists(st.integers(1, len(answer.body) - 1), max_size=40))

    assert read_purely(answer, answer.cut(places)).same(read_purely(answer, [answer.body]))


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: a.name)
def test_an_answer_that_is_cut_short_is_never_taken_for_a_whole_one(answer: Recording) -> None:
    # Wherever the bytes end before the first choice has a reason, what is missing is missed.
    reason = answer.body.index(f'"{answer.expect["finish"]}"'.encode())
    for end in range(1, reason, max(1, reason // 25)):
        heard = read_purely(answer, [answer.body[:end]])
        assert heard.finish is None
        assert heard.error is not None
        assert answer.expect["text"].startswith(heard.text)
