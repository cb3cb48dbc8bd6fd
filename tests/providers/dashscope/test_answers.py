"""What an answer holds beside its text: choices, logprobs, sources, marks, and other parts."""

import json
from typing import Any

import pytest

from junto.core import (
    AssistantMessage,
    AudioPart,
    ChatClient,
    ChatRequest,
    FinishReason,
    ImagePart,
    InterruptedStreamError,
    Part,
    ReasoningPart,
    UserMessage,
    VideoPart,
)
from junto.providers.dashscope import DashScopeModel, DashScopeOptions

from ...standin import Reply, StandIn, recording
from .conftest import KEY, hear


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        ("native_n2.sse", "native"),
        ("native_json_n2.json", "native"),
        ("compat_n2.sse", "compatible"),
    ],
)
async def test_further_answers_come_with_the_end_and_the_stream_is_the_first(
    server: StandIn, name: str, dialect: Any
) -> None:
    answer = recording(name)
    server.will(Reply.of(answer))
    async with DashScopeModel(
        "qwen-plus", api_key=KEY, base_url=server.url, dialect=dialect
    ) as model:
        client = ChatClient(model, options=DashScopeOptions(n=2))
        async with client.stream("hi") as stream:
            shown = "".join([piece async for piece in stream.text()])
            response = await stream.response()

    expected = answer.expect["choices"]
    assert shown == response.text == expected["0"]["text"]
    assert [choice.index for choice in response.choices] == [0, 1]
    assert [choice.message.text for choice in response.choices] == [
        expected[index]["text"] for index in ("0", "1")
    ]
    assert {choice.finish_reason for choice in response.choices} == {FinishReason.STOP}


async def test_one_answer_is_its_own_only_choice(server: StandIn) -> None:
    server.will(Reply.of(recording("native_incremental.sse")))
    async with DashScopeModel("qwen-plus", api_key=KEY, base_url=server.url) as model:
        response = await ChatClient(model).call("hi")

    assert [choice.message for choice in response.choices] == [response.message]


async def test_a_choice_that_nobody_asked_for_is_ignored(server: StandIn) -> None:
    server.will(Reply.of(recording("native_n2.sse")))
    async with DashScopeModel("qwen-plus", api_key=KEY, base_url=server.url) as model:
        response = await ChatClient(model).call("hi")

    assert response.text == recording("native_n2.sse").expect["choices"]["0"]["text"]
    assert len(response.choices) == 1


async def test_tool_calls_of_a_further_choice_are_put_together(server: StandIn) -> None:
    def frame(index: int, message: dict[str, Any], reason: str = "null") -> bytes:
        choice = {"index": index, "message": message, "finish_reason": reason}
        return b"data:" + json.dumps({"output": {"choices": [choice]}}).encode() + b"\n\n"

    call = {"index": 0, "id": "c1", "function": {"name": "t", "arguments": '{"a"'}}
    more = {"index": 0, "id": "", "function": {"arguments": ":1}"}}
    server.will(
        Reply(
            [
                frame(1, {"reasoning_content": "hm", "tool_calls": [call]}),
                frame(0, {"content": "text"}, "stop"),
                frame(1, {"tool_calls": [more]}, "stop"),
            ]
        )
    )
    async with DashScopeModel("qwen-plus", api_key=KEY, base_url=server.url) as model:
        response = await ChatClient(model, options=DashScopeOptions(n=2)).call("hi")

    assert response.text == "text"
    assert response.tool_calls == ()
    second = response.choices[1]
    assert second.message.reasoning == "hm"
    assert [(c.id, c.name, c.arguments) for c in second.message.tool_calls] == [
        ("c1", "t", '{"a":1}')
    ]
    assert second.finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("name", ["native_logprobs.sse", "native_json_logprobs.json"])
async def test_logprobs_come_one_for_each_token(server: StandIn, name: str) -> None:
    answer = recording(name)
    server.will(Reply.of(answer))
    async with DashScopeModel("qwen-plus", api_key=KEY, base_url=server.url) as model:
        client = ChatClient(model, options={"logprobs": True, "top_logprobs": 2})
        response = await client.call("hi")

    assert "".join([entry["token"] for entry in response.logprobs]) == response.text
    assert all(entry["logprob"] <= 0 for entry in response.logprobs)


CUT = {
    "native": b'{"output":{"choices":[{"finish_reason":null,"message":{"role":"assistant",'
    b'"content":"so far"}}]},"usage":{"input_tokens":1,"output_tokens":2},"request_id":"r-9"}',
    "compatible": b'{"choices":[{"finish_reason":null,"index":0,"message":{"role":"assistant",'
    b'"content":"so far"}}],"object":"chat.completion","id":"chatcmpl-r-9"}',
}


@pytest.mark.parametrize("dialect", ["native", "compatible"])
async def test_an_answer_that_the_service_cut_is_interrupted_and_says_why(
    server: StandIn, dialect: Any
) -> None:
    headers = {"Content-Type": "application/json", "x-dashscope-partialresponse": "true"}
    server.will(Reply([CUT[dialect]], headers=headers))
    async with DashScopeModel(
        "qwen-max", api_key=KEY, base_url=server.url, dialect=dialect
    ) as model:
        heard = await hear(model, ChatRequest("hi", stream=False))

    assert isinstance(heard.error, InterruptedStreamError)
    assert heard.text == heard.error.partial_text == "so far"
    assert heard.error.request_id == "r-9"
    assert "x-dashscope-partialresponse" in str(heard.error)
    assert heard.finish is None


async def test_media_go_by_reference_with_the_keys_of_the_service(server: StandIn) -> None:
    server.will(Reply.of(recording("native_mm_qvq.sse")))
    parts: list[str | Part] = [
        ImagePart(url="oss://bucket/p.png", extra={"min_pixels": 4, "max_pixels": 9}),
        ImagePart(data=b"\x89PNG", media_type="image/png", cache=True),
        VideoPart(url="https://example.org/f.mp4", extra={"fps": 0.5}),
        VideoPart(frames=["https://example.org/1.png", ImagePart(data=b"x", media_type="a/b")]),
        AudioPart(data=b"RIFF", media_type="audio/wav"),
        "what?",
    ]
    async with DashScopeModel("qwen3-vl-plus", api_key=KEY, base_url=server.url) as model:
        heard = await hear(model, ChatRequest(UserMessage(parts)))

    assert heard.error is None
    assert server.asked[0].headers["X-DashScope-OssResourceResolve"] == "enable"
    assert server.asked[0].json["input"]["messages"][0]["content"] == [
        {"image": "oss://bucket/p.png", "min_pixels": 4, "max_pixels": 9},
        {"image": "data:image/png;base64,iVBORw==", "cache_control": {"type": "ephemeral"}},
        {"video": "https://example.org/f.mp4", "fps": 0.5},
        {"video": ["https://example.org/1.png", "data:a/b;base64,eA=="]},
        {"audio": "data:audio/wav;base64,UklGRg=="},
        {"text": "what?"},
    ]


THOUGHT = AssistantMessage([ReasoningPart("because"), "so"])


UNTHOUGHT = AssistantMessage("so")
# Model, option, earlier answer, and what of both goes out.
REASONING: list[tuple[str, bool | None, AssistantMessage, bool, bool | None]] = [
    ("qwen-plus", None, THOUGHT, False, None),
    ("qwen3.6-plus", True, THOUGHT, True, True),
    ("qwen3.8-max", None, THOUGHT, True, True),
    ("qwen3.8-max", False, THOUGHT, False, False),
    # It expects all of it or none, and memory keeps none by default.
    ("qwen3.8-max", None, UNTHOUGHT, False, False),
]


@pytest.mark.parametrize("case", REASONING, ids=lambda case: f"{case[0]} {case[1]} {case[3]}")
@pytest.mark.parametrize("dialect", ["native", "compatible"])
async def test_earlier_reasoning_goes_back_where_it_is_wanted_and_nowhere_else(
    server: StandIn, dialect: Any, case: Any
) -> None:
    name, given, said, kept, sent = case
    server.will(Reply.of(recording("native_incremental.sse")))
    request = ChatRequest(
        [UserMessage("why"), said, UserMessage("and?")],
        options=DashScopeOptions(preserve_thinking=given),
    )
    async with DashScopeModel(name, api_key=KEY, base_url=server.url, dialect=dialect) as model:
        await hear(model, request)

    body = server.asked[0].json
    messages = body.get("input", body)["messages"]
    assert ("reasoning_content" in messages[1]) is kept
    assert body.get("parameters", body).get("preserve_thinking") is sent


async def test_the_inspection_and_the_workspace_are_headers(server: StandIn) -> None:
    server.will(Reply.of(recording("native_incremental.sse")))
    for wish in (True, {"output": "cip"}, False):
        async with DashScopeModel(
            api_key=KEY, base_url=server.url, data_inspection=wish, workspace="ws"
        ) as model:
            await hear(model)

    shown = [asked.headers.get("X-DashScope-DataInspection") for asked in server.asked]
    assert [text and json.loads(text) for text in shown] == [
        {"input": "cip", "output": "cip"},
        {"output": "cip"},
        None,
    ]
    assert {asked.headers["X-DashScope-WorkSpace"] for asked in server.asked} == {"ws"}
