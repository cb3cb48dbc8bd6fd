"""The scripted model does what its script says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import (
    ChatClient,
    ChatRequest,
    ChatResponse,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    RejectedRequestError,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageUpdate,
    collect,
)
from junto.core.testing import Pause, ScriptedModel, batches, cut, hang, recut

from .kit import texts


async def played(model: ScriptedModel) -> list[Any]:
    return [step async for step in model.stream(ChatRequest("?"))]


async def test_a_text_is_given_word_by_word() -> None:
    got = await played(ScriptedModel("Hello big world"))

    assert got[:-1] == [TextDelta("Hello"), TextDelta(" big"), TextDelta(" world")]
    assert got[-1] == Finish(FinishReason.STOP, {"model": "script"})


async def test_an_empty_script_only_finishes() -> None:
    assert [type(e) for e in await played(ScriptedModel())] == [Finish]


async def test_scripts_are_played_in_turn_and_the_last_again() -> None:
    model = ScriptedModel("a", ["b"])
    texts = [(await played(model))[0].text for _ in range(3)]

    assert texts == ["a", "b", "b"]
    assert len(model.requests) == 3


async def test_steps_are_texts_events_batches_responses_errors_and_functions() -> None:
    called: list[str] = []

    async def awaited() -> None:
        called.append("awaited")

    batch = [TextDelta("b"), TextDelta("c")]
    model = ScriptedModel(
        ["a", batch, lambda: called.append("called"), awaited, ChatResponse.of("d")]
    )

    assert await played(model) == [
        TextDelta("a"),
        batch,
        [TextDelta("d"), Finish(FinishReason.STOP, {})],
    ]
    assert called == ["called", "awaited"]


async def test_an_error_is_raised_and_the_stream_counted_as_closed() -> None:
    model = ScriptedModel(["a", OSError("cut")])
    with pytest.raises(OSError, match="cut"):
        await played(model)

    assert (model.opened, model.closed, model.open_streams) == (1, 1, 0)


async def test_nothing_happens_before_the_first_pull() -> None:
    model = ScriptedModel("a")
    stream = model.stream(ChatRequest("?"))

    assert (model.opened, model.requests) == (0, [])
    del stream


async def test_a_script_made_by_a_generator_is_played_again() -> None:
    model = ScriptedModel(TextDelta(text) for text in ("a", "b"))

    assert await played(model) == await played(model)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (3, "not 3"),
        ({"text": "a"}, "not {'text': 'a'}"),
        (["a", None], "not None"),
        ([[TextDelta("a"), "b"]], "not 'b'"),
        ([OSError], "the class OSError as a step: make an instance"),
    ],
)
def test_what_is_no_step_is_refused_when_the_model_is_made(script: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        ScriptedModel(script)


async def test_a_pause_holds_the_stream_until_it_is_released() -> None:
    pause = Pause()
    task = asyncio.create_task(played(ScriptedModel(["a", pause, "b"])))
    await pause.reached()

    assert (pause.waiting, task.done()) == (1, False)
    pause.release()
    assert (await task)[:-1] == [TextDelta("a"), TextDelta("b")]
    assert pause.waiting == 0


async def test_a_hanging_model_is_left_by_cancellation() -> None:
    hanging = hang()
    model = ScriptedModel(["a", hanging])
    task = asyncio.create_task(played(model))
    await hanging.reached()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert (model.open_streams, hanging.waiting) == (0, 0)


def test_a_text_is_cut_into_pieces_of_given_sizes() -> None:
    assert texts(cut("Hello", 2)) == ["He", "ll", "o"]
    assert texts(cut("Hello", [1, 3])) == ["H", "ell", "o"]
    assert cut("") == []


@pytest.mark.parametrize("sizes", [0, [], [2, -1]])
def test_a_size_that_cuts_nothing_off_is_refused(sizes: Any) -> None:
    with pytest.raises(ValueError, match="sizes of at least 1"):
        cut("Hello", sizes)
    with pytest.raises(ValueError, match="sizes of at least 1"):
        ScriptedModel("Hello", cut=sizes)
    with pytest.raises(ValueError, match="sizes of at least 1"):
        ScriptedModel("Hello", batch=sizes)


EVENTS: list[Event] = [
    ReasoningDelta("Let me"),
    ReasoningDelta(" see."),
    ReasoningDelta("shown", shown="<b>shown</b>"),
    TextDelta("The "),
    TextDelta("answer"),
    ToolCallDelta(0, "a", "look", '{"x"'),
    ToolCallDelta(0, arguments=": 1}"),
    ToolCallDelta(1, "b", "look"),
    UsageUpdate(Usage(input_tokens=1)),
    Finish(),
]


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_a_stream_that_is_cut_anew_is_the_same_answer(sizes: list[int]) -> None:
    assert collect(recut(EVENTS, sizes)) == collect(EVENTS)
    assert [e for batch in batches(EVENTS, sizes) for e in batch] == EVENTS


def test_a_stream_is_cut_where_it_was_told() -> None:
    assert recut(EVENTS, 100)[0] == ReasoningDelta("Let me see.")
    assert texts(recut(EVENTS, 1))[:3] == ["T", "h", "e"]
    assert recut(EVENTS, 100)[3] == ToolCallDelta(0, "a", "look", '{"x": 1}')


async def test_a_model_cuts_and_batches_what_stands_between_other_steps() -> None:
    model = ScriptedModel(["abc", lambda: None, "de"], cut=1, batch=[2])

    assert (await played(model))[:-1] == [
        [TextDelta("a"), TextDelta("b")],
        TextDelta("c"),
        [TextDelta("d"), TextDelta("e")],
    ]
    assert model.given == 6


async def test_a_model_may_give_its_usage_twice() -> None:
    update = UsageUpdate(Usage(input_tokens=1))

    assert (await played(ScriptedModel([update], usage_twice=True)))[:-1] == [update, update]


async def test_a_model_may_forget_its_finish() -> None:
    assert await played(ScriptedModel("a", finish=False)) == [TextDelta("a")]


async def test_a_model_may_refuse_to_be_asked_one_way() -> None:
    request = ChatRequest("?", stream=True)
    streams, whole = ScriptedModel("a", only="stream"), ScriptedModel("a", only="call")
    with pytest.raises(RejectedRequestError, match="answers a call only"):
        await anext(whole.stream(request))
    with pytest.raises(RejectedRequestError, match="answers a stream only"):
        await ChatClient(streams).call("?")

    assert (await ChatClient(whole).call("?")).text == "a"
    assert (whole.opened, len(whole.requests)) == (1, 2)
    with pytest.raises(ValueError, match="'stream' or 'call'"):
        ScriptedModel(only="both")  # type: ignore[arg-type]  # as a caller without types may


async def test_a_model_may_fail_or_act_when_it_is_closed() -> None:
    called: list[str] = []
    await played(ScriptedModel("a", at_close=lambda: called.append("closed")))
    with pytest.raises(OSError, match="at the end"):
        await played(ScriptedModel("a", at_close=OSError("at the end")))

    assert called == ["closed"]
