"""The default model itself: what only llama.cpp can show.  Short, because it is slow."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from junto.core import (
    AssistantMessage,
    ChatOptions,
    ChatRequest,
    Finish,
    FinishReason,
    ModelFileError,
    ReasoningDelta,
    RejectedRequestError,
    TextDelta,
    Tool,
    ToolCallDelta,
    UsageUpdate,
    UserMessage,
)
from junto.providers.local import DEFAULT_MODEL, LocalModel, locate

from .support import read, text_of

pytestmark = [
    pytest.mark.local_model,
    pytest.mark.timeout(300),
]
EXACT = ChatOptions(temperature=0, seed=1, max_tokens=40)


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    """One model for all tests, each of which has an event loop of its own."""
    made = LocalModel(DEFAULT_MODEL, slots=2, context_tokens=1024)
    yield made
    asyncio.run(made.aclose())


def ask(text: str, **options: Any) -> ChatRequest:
    return ChatRequest(text, options=EXACT.with_(**options))


def opened(model: LocalModel, request: ChatRequest) -> AsyncGenerator[Any, None]:
    return cast("AsyncGenerator[Any, None]", model.stream(request))


async def test_it_answers_token_by_token_while_the_loop_runs_on() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    # A model of its own: its loading must not stop the loop either.
    model = LocalModel(DEFAULT_MODEL, slots=1, context_tokens=512)
    ticker = asyncio.ensure_future(tick())
    await model.load()
    while_loading = ticks
    events = await read(model, ask("What is the capital of France?"))
    ticker.cancel()
    await model.aclose()

    assert while_loading > 10
    assert "Paris" in text_of(events)
    assert len([e for e in events if isinstance(e, TextDelta)]) > 3
    usage, finish = events[-2:]
    assert isinstance(usage, UsageUpdate)
    assert usage.usage.input_tokens
    assert usage.usage.output_tokens
    assert isinstance(finish, Finish)
    assert finish.reason is FinishReason.STOP


async def test_it_remembers_what_was_said_before(model: LocalModel) -> None:
    messages = (
        UserMessage("My name is Alice."),
        AssistantMessage("Nice to meet you, Alice!"),
        UserMessage("What is my name?"),
    )
    assert "Alice" in text_of(await read(model, ChatRequest(messages, options=EXACT)))


async def test_it_speaks_chinese(model: LocalModel) -> None:
    assert "北京" in text_of(await read(model, ask("中国的首都是哪里？")))


@pytest.mark.parametrize(
    ("question", "answer"),
    [("What is the capital of France?", "Paris"), ("中国的首都是哪里？", "北京")],
)
async def test_it_thinks_first_when_asked_to(model: LocalModel, question: str, answer: str) -> None:
    request = ask(question, thinking=True, thinking_budget=120, max_tokens=200)
    events = await read(model, request)
    kinds = [type(e) for e in events if isinstance(e, TextDelta | ReasoningDelta)]
    thought = "".join(e.text for e in events if isinstance(e, ReasoningDelta))

    assert kinds == sorted(kinds, key=lambda kind: kind is TextDelta)
    assert 0 < len(thought) <= 120
    assert answer in thought + text_of(events)
    assert text_of(events)
    assert "think>" not in thought + text_of(events)


async def test_it_stops_at_the_limit_of_tokens_and_at_a_stop_text(model: LocalModel) -> None:
    long = await read(model, ask("Count from 1 to 50.", max_tokens=5))
    stopped = await read(model, ask("What is the capital of France?", stop="Paris"))

    assert isinstance(long[-1], Finish)
    assert long[-1].reason is FinishReason.LENGTH
    assert "Paris" not in text_of(stopped)


async def test_closed_streams_leave_their_places_to_others(model: LocalModel) -> None:
    for _ in range(3):  # more than there are places
        streams = [opened(model, ask("Tell a long story.", max_tokens=1000)) for _ in range(2)]
        for stream in streams:
            assert await anext(stream)
        for stream in streams:
            await stream.aclose()

    answers = await asyncio.gather(*(read(model, ask("Say hi.", max_tokens=3)) for _ in range(3)))
    assert all(text_of(answer) for answer in answers)


async def test_a_long_prompt_is_given_up_while_it_is_read(model: LocalModel) -> None:
    await model.load()
    prompt = "The quick brown fox jumps over the lazy dog. " * 90
    readings = [asyncio.ensure_future(read(model, ask(prompt + str(n)))) for n in range(2)]
    await asyncio.sleep(0)
    for reading in readings:
        reading.cancel()
    await asyncio.gather(*readings, return_exceptions=True)

    assert text_of(await read(model, ask("Say hi.", max_tokens=3)))


async def test_a_prompt_longer_than_the_context_is_refused(model: LocalModel) -> None:
    with pytest.raises(RejectedRequestError, match=r"tokens.*holds 1024") as caught:
        await read(model, ask("word " * 2000))

    assert caught.value.kind == "context_length"


async def test_a_schema_and_a_required_tool_are_kept_to(model: LocalModel) -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
    form = {"type": "json_schema", "json_schema": {"name": "sum", "schema": schema}}
    answer = await read(model, ask("What is 2 + 3? Answer in JSON.", response_format=form))
    assert text_of(answer).replace(" ", "").replace("\n", "") == '{"sum":5}'

    properties = {"city": {"type": "string", "maxLength": 20}}
    parameters = {"type": "object", "properties": properties, "required": ["city"]}
    tools = (Tool("get_weather", "The weather of a city", parameters), Tool("other"))
    request = ask("The weather in Paris?", tools=tools, tool_choice="get_weather", max_tokens=80)
    calls = [e for e in await read(model, request) if isinstance(e, ToolCallDelta)]
    assert calls[0].name == "get_weather"
    assert "Paris" in "".join(call.arguments for call in calls)


def test_a_truncated_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    with locate(DEFAULT_MODEL).open("rb") as whole:
        path.write_bytes(whole.read(30_000_000))

    with pytest.raises(ModelFileError, match=r"cut\.gguf.*incomplete"):
        asyncio.run(LocalModel(path).load())


async def test_nothing_is_printed() -> None:
    script = f"""
        import asyncio, sys
        sys.path[:] = {sys.path!r}
        from junto.core import ChatOptions, ChatRequest
        from junto.providers.local import LocalModel

        async def main():
            model = LocalModel({DEFAULT_MODEL!r}, context_tokens=512)
            async for _ in model.stream(ChatRequest("hi", options=ChatOptions(max_tokens=2))):
                pass

        asyncio.run(main())
    """
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        capture_output=True,
        check=False,
        env=dict(os.environ),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
