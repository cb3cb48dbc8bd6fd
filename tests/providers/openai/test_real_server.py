"""A real llama.cpp server with the small model, asked by us and by the official SDK."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from junto.core import (
    AssistantMessage,
    AuthenticationError,
    ChatClient,
    ChatOptions,
    ChatRequest,
    Finish,
    FinishReason,
    Message,
    RejectedRequestError,
    TextDelta,
    Tool,
    ToolCallPart,
    ToolMessage,
    UserMessage,
    collect,
)
from junto.providers.openai import OpenAIModel, OpenAIOptions

from ..hearing import hear
from . import sdk
from .conftest import KEY

pytestmark = [pytest.mark.local_model, pytest.mark.timeout(300)]

CAPITAL = "What is the capital of France?"
# Reading a prompt anew gives the same numbers each time; reading the rest of it does not quite.
ANEW = {"cache_prompt": False, "id_slot": 0}
EXACT = OpenAIOptions(temperature=0, seed=1, max_tokens=24, extra=ANEW)
WEATHER = Tool(
    "get_weather",
    "The weather of a city",
    {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}},
        "required": ["city"],
    },
)
# The model calls tools for certain only where its answer is begun with the tag of a call.  The
# prompt is long, and the answer certain: it is read once, and stays in a place of its own.
CALLED = (UserMessage("The weather in Paris?"), AssistantMessage("<tool_call>\n"))
TOOLS = OpenAIOptions(
    temperature=0,
    seed=1,
    max_tokens=40,
    tools=[WEATHER],
    tool_choice="required",
    parallel_tool_calls=False,
    extra={"id_slot": 1},
)
SUM = {
    "type": "json_schema",
    "json_schema": {
        "name": "sum",
        "schema": {
            "type": "object",
            "properties": {"sum": {"type": "integer"}},
            "required": ["sum"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture
async def model(address: str) -> AsyncIterator[OpenAIModel]:
    async with OpenAIModel("qwen", server="llamacpp", base_url=address, api_key=KEY) as made:
        yield made


async def ours(model: OpenAIModel, request: ChatRequest) -> sdk.Said:
    heard = await hear(model, request)
    assert heard.error is None
    assert heard.finish is not None
    assert heard.usage is not None
    return sdk.Said(
        heard.text,
        [(call["name"], call["arguments"]) for call in heard.tool_calls],
        heard.finish.metadata["raw_reason"],
        [heard.usage.input_tokens, heard.usage.output_tokens, heard.usage.total_tokens],
    )


async def theirs(address: str, question: dict[str, Any], *, stream: bool) -> sdk.Said:
    question = {"extra_body": ANEW, "model": "qwen", **question}
    if stream:
        question["stream_options"] = {"include_usage": True}
    return await sdk.ask(f"{address}/v1", KEY, question, stream=stream)


def wire_of(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in messages]


QUESTIONS: dict[str, tuple[tuple[Message, ...], OpenAIOptions, dict[str, Any]]] = {
    "capital": ((UserMessage(CAPITAL),), EXACT, {"max_tokens": 24}),
    "Chinese": ((UserMessage("中国的首都是哪里？"),), EXACT, {"max_tokens": 24}),
    "length": ((UserMessage("Count from 1 to 50."),), EXACT.with_(max_tokens=3), {"max_tokens": 3}),
    "stop": (
        (UserMessage(CAPITAL),),
        EXACT.with_(stop="Paris"),
        {"max_tokens": 24, "stop": ["Paris"]},
    ),
    "schema": (
        (UserMessage("What is 2 + 3? Answer in JSON."),),
        EXACT.with_(response_format=SUM),
        {"max_tokens": 24, "response_format": SUM},
    ),
    "tool": (
        CALLED,
        TOOLS,
        {
            "max_tokens": 40,
            "extra_body": {"id_slot": 1},
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": WEATHER.name,
                        "description": WEATHER.description,
                        "parameters": dict(WEATHER.parameters),
                    },
                }
            ],
            "tool_choice": "required",
            "parallel_tool_calls": False,
        },
    ),
}


@pytest.mark.parametrize(
    ("name", "stream"),
    [*((name, True) for name in QUESTIONS), ("capital", False), ("tool", False)],
    ids=[*QUESTIONS, "capital whole", "tool whole"],
)
async def test_the_official_sdk_hears_the_same(
    address: str, model: OpenAIModel, name: str, stream: bool
) -> None:
    messages, options, wire = QUESTIONS[name]
    question = {"messages": wire_of(messages), "temperature": 0, "seed": 1, **wire}

    said = await ours(model, ChatRequest(messages, options=options, stream=stream))

    assert said == await theirs(address, question, stream=stream)
    assert said.text or said.calls


async def test_a_chat_comes_token_by_token_and_is_counted(model: OpenAIModel) -> None:
    client = ChatClient(model, options=EXACT)
    async with client.stream(CAPITAL) as stream:
        pieces = [event.text async for event in stream if isinstance(event, TextDelta)]
        response = await stream.response()
    whole = await client.call(CAPITAL)

    assert len(pieces) > 3
    assert "Paris" in "".join(pieces)
    assert response.text == whole.text == "".join(pieces)
    assert response.finish_reason is whole.finish_reason is FinishReason.STOP
    assert response.usage.input_tokens
    assert (response.usage.input_tokens, response.usage.output_tokens) == (
        whole.usage.input_tokens,
        whole.usage.output_tokens,
    )


async def test_a_tool_is_called_and_its_result_is_spoken_of(model: OpenAIModel) -> None:
    heard = await hear(model, ChatRequest(CALLED, options=TOOLS))
    (call,) = heard.tool_calls
    answer = collect(heard.events)
    result = ToolMessage("sunny, 21 degrees", call_id=call["id"])
    messages = (CALLED[0], AssistantMessage([*answer.tool_calls]), result)
    after = await hear(model, ChatRequest(messages, options=EXACT))

    assert (call["name"], "Paris" in call["arguments"]) == ("get_weather", True)
    assert call["id"]
    assert heard.finish is not None
    assert heard.finish.reason is FinishReason.TOOL_CALLS
    assert [type(part) for part in answer.message.parts] == [ToolCallPart]
    assert after.error is None
    assert "21" in after.text


async def test_a_schema_is_kept_to(model: OpenAIModel) -> None:
    options = EXACT.with_(response_format=SUM)
    request = ChatRequest("What is 2 + 3? Answer in JSON.", options=options, stream=False)
    text = (await hear(model, request)).text

    assert text.replace(" ", "").replace("\n", "") == '{"sum":5}'


async def test_two_answers_come_side_by_side(model: OpenAIModel) -> None:
    request = ChatRequest(CAPITAL, options=EXACT.with_(n=2, max_tokens=10, extra={"id_slot": -1}))
    heard = await hear(model, request)
    finish = heard.events[-1]

    assert heard.error is None
    assert isinstance(finish, Finish)
    assert [choice.index for choice in finish.metadata["choices"]] == [1]
    assert "Paris" in heard.text
    assert "Paris" in finish.metadata["choices"][0].message.text


@pytest.mark.parametrize(
    ("options", "kind", "status"),
    [
        ({"extra": {"grammar": "root ::= ("}}, "bad_request", 400),
        ({"n": 3}, "bad_request", 400),
    ],
)
async def test_what_the_server_refuses_is_a_rejected_request(
    model: OpenAIModel, options: dict[str, Any], kind: str, status: int
) -> None:
    error = (await hear(model, ChatRequest("hi", options=EXACT.with_(**options)))).error

    assert isinstance(error, RejectedRequestError)
    assert (error.kind, error.status, error.retryable) == (kind, status, False)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_a_conversation_beyond_the_context_is_refused(
    model: OpenAIModel, stream: bool
) -> None:
    request = ChatRequest("word " * 2000, options=EXACT, stream=stream)
    error = (await hear(model, request)).error

    assert isinstance(error, RejectedRequestError)
    assert error.kind == "context_length"


async def test_a_wrong_key_and_no_key_are_refused(address: str) -> None:
    for key in ("sk-wrong-key", None):
        async with OpenAIModel("qwen", server="llamacpp", base_url=address, api_key=key) as model:
            error = (await hear(model)).error

        assert isinstance(error, AuthenticationError)
        assert ("LLAMACPP_API_KEY" in str(error)) is (key is None)


async def test_leaving_in_the_middle_stops_the_server_and_frees_its_places(
    address: str, model: OpenAIModel
) -> None:
    long = ChatRequest("Tell a long story.", options=ChatOptions(temperature=1, max_tokens=900))
    streams: list[Any] = [model.stream(long) for _ in range(2)]  # as many as there are places
    for stream in streams:
        assert await anext(stream)
    for stream in streams:
        await stream.aclose()

    decoded = 0
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        busy = True
        while busy:  # it ends by itself, at the latest with the stories
            async with session.get(f"{address}/slots") as response:
                slots = [slot for slot in await response.json() if slot["is_processing"]]
            busy = bool(slots)
            decoded = max([decoded, *[slot["next_token"][0]["n_decoded"] for slot in slots]])

    assert 0 < decoded < 100
    assert (await hear(model, ChatRequest("Say hi.", options=EXACT.with_(max_tokens=2)))).text


def test_options_of_plain_and_typed_kind_are_the_same() -> None:
    assert EXACT.merged(ChatOptions(max_tokens=3)) == EXACT.with_(max_tokens=3)
