"""The scripted model does what its script says."""

from __future__ import annotations

from typing import Any

import pytest

from junto.core import ChatRequest, ChatResponse, Finish, FinishReason, TextDelta
from junto.core.testing import ScriptedModel


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
