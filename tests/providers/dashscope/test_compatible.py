"""The compatible mode: OpenAI's protocol, as DashScope speaks it."""

import asyncio
from typing import Any

import pytest

from junto.core import (
    AssistantMessage,
    AudioPart,
    ChatOptions,
    ChatRequest,
    CustomEvent,
    FinishReason,
    ImagePart,
    InterruptedStreamError,
    Message,
    ModelWarning,
    RateLimitedError,
    ReasoningPart,
    SystemMessage,
    TextPart,
    Tool,
    ToolCallPart,
    ToolMessage,
    UserMessage,
    VideoPart,
)
from junto.providers.dashscope import DashScopeModel, DashScopeOptions

from ...standin import GONE, Asked, Reply, StandIn, recording
from .conftest import KEY, hear

CHAT = "/compatible-mode/v1/chat/completions"
ANSWER = recording("compat_nonthinking_usage_done.sse")
*CHUNKS, FINISH, USAGE, DONE = ANSWER.frames()
SOON = 5


async def ask(
    server: StandIn,
    *messages: Message | str,
    model: str = "qwen-plus",
    stream: bool = True,
    options: ChatOptions | None = None,
) -> Asked:
    server.will(Reply.of(ANSWER))
    request = ChatRequest(
        [UserMessage(m) if isinstance(m, str) else m for m in messages or ("你好",)],
        options=options or ChatOptions(),
        stream=stream,
    )
    async with DashScopeModel(
        model, api_key=KEY, base_url=server.url, dialect="compatible"
    ) as asked:
        heard = await hear(asked, request)
    assert heard.error is None
    return server.asked[-1]


async def test_a_stream_is_asked_for_with_its_usage(server: StandIn) -> None:
    asked = await ask(server, options=ChatOptions(top_p=0.5, max_tokens=9, stop="!"))

    assert asked.path == CHAT
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert "X-DashScope-SSE" not in asked.headers
    assert asked.json == {
        "model": "qwen-plus",
        "messages": [{"role": "user", "content": "你好"}],
        "top_p": 0.5,
        "max_tokens": 9,
        "stop": ["!"],
        "enable_thinking": False,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_what_is_dashscopes_own_stands_at_the_top(server: StandIn) -> None:
    options = DashScopeOptions(
        thinking=True,
        thinking_budget=100,
        enable_search=True,
        repetition_penalty=1.1,
        incremental_output=True,
        extra={"new_switch": 1},
    )
    asked = await ask(server, options=options)

    for name, value in {
        "enable_thinking": True,
        "thinking_budget": 100,
        "enable_search": True,
        "repetition_penalty": 1.1,
        "new_switch": 1,
    }.items():
        assert asked.json[name] == value
    assert "incremental_output" not in asked.json
    assert "parameters" not in asked.json


async def test_a_plain_call_is_a_plain_call(server: StandIn) -> None:
    asked = await ask(server, stream=False)

    assert "stream" not in asked.json
    assert "stream_options" not in asked.json


async def test_a_model_that_thinks_is_streamed_for_a_call(server: StandIn) -> None:
    asked = await ask(server, model="qwq-plus", stream=False)

    assert asked.json["stream"] is True


async def test_messages_have_openais_form(server: StandIn) -> None:
    asked = await ask(
        server,
        SystemMessage("Be brief."),
        UserMessage([TextPart("天气?", cache=True)]),
        AssistantMessage([ReasoningPart("hm"), ToolCallPart("call_1", "weather", "{")]),
        ToolMessage("晴", call_id="call_1"),
        AssistantMessage("今"),
        options=ChatOptions(tools=[Tool("weather", "Looks it up.", {"type": "object"})]),
    )

    assert asked.json["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "天气?", "cache_control": {"type": "ephemeral"}}],
        },
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "index": 0,
                    "function": {"name": "weather", "arguments": "{}"},
                }
            ],
        },
        {"role": "tool", "content": "晴", "tool_call_id": "call_1"},
        {"role": "assistant", "content": "今", "partial": True},
    ]
    assert asked.json["tools"][0]["function"]["name"] == "weather"


async def test_media_have_openais_form(server: StandIn) -> None:
    asked = await ask(
        server,
        UserMessage(
            [
                ImagePart(url="https://example.org/p.png", extra={"min_pixels": 4}),
                ImagePart(data=b"\x89PNG", media_type="image/png"),
                AudioPart(url="https://example.org/a.mp3"),
                AudioPart(data=b"RIFF", media_type="audio/x-wav"),
                VideoPart(url="https://example.org/f.mp4", extra={"fps": 2}),
                VideoPart(frames=["https://example.org/1.png", "https://example.org/2.png"]),
                "?",
            ]
        ),
        model="qwen3-omni-flash",
    )

    assert asked.json["messages"][0]["content"] == [
        {
            "type": "image_url",
            "image_url": {"url": "https://example.org/p.png"},
            "min_pixels": 4,
        },
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {
            "type": "input_audio",
            "input_audio": {"data": "https://example.org/a.mp3", "format": "mp3"},
        },
        {
            "type": "input_audio",
            "input_audio": {"data": "data:audio/x-wav;base64,UklGRg==", "format": "wav"},
        },
        {"type": "video_url", "video_url": {"url": "https://example.org/f.mp4"}, "fps": 2},
        {"type": "video", "video": ["https://example.org/1.png", "https://example.org/2.png"]},
        {"type": "text", "text": "?"},
    ]


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({}, "/api/v1/services/aigc/text-generation/generation"),
        ({"model": "qwen3-omni-flash"}, CHAT),
        ({"base": "/compatible-mode/v1"}, CHAT),
        ({"base": "/compatible-mode/v1", "dialect": "native"}, None),
        ({"base": "/gate/v1", "dialect": "compatible"}, "/gate/v1/chat/completions"),
        ({"base": "", "dialect": "compatible"}, CHAT),
    ],
)
async def test_the_dialect_follows_from_what_is_known(
    server: StandIn, arguments: dict[str, Any], path: str | None
) -> None:
    server.will(Reply.of(ANSWER))
    url = server.url.removesuffix("/api/v1") + arguments.pop("base", "/api/v1")
    async with DashScopeModel(
        **{"model": "qwen-plus", **arguments}, api_key=KEY, base_url=url
    ) as model:
        await hear(model)

    native = "/api/v1/services/aigc/text-generation/generation"
    assert server.asked[0].path == (path or native)


async def test_an_end_without_usage_and_mark_is_waited_for_a_little_and_not_missed(
    server: StandIn,
) -> None:
    server.will(Reply([*CHUNKS, FINISH, GONE]))
    async with (
        asyncio.timeout(SOON),
        DashScopeModel(
            "qwen-plus", api_key=KEY, base_url=server.url, dialect="compatible"
        ) as model,
    ):
        heard = await hear(model)
        await server.asked[0].gone.wait()

    assert heard.error is None
    assert heard.text == ANSWER.expect["text"]
    assert heard.finish is not None
    assert heard.finish.reason is FinishReason.STOP


@pytest.mark.parametrize("last", [[USAGE, GONE], [DONE, GONE], []], ids=["usage", "done", "eof"])
async def test_usage_the_mark_or_the_end_of_the_bytes_ends_an_answer(
    server: StandIn, last: list[Any]
) -> None:
    gate = asyncio.Event()
    gate.set()
    server.will(Reply([*CHUNKS, FINISH, gate, *last]))
    async with (
        asyncio.timeout(SOON),
        DashScopeModel(
            "qwen-plus", api_key=KEY, base_url=server.url, dialect="compatible"
        ) as model,
    ):
        heard = await hear(model)

    assert heard.finish is not None
    assert (heard.usage is not None) is (USAGE in last)


async def test_a_mark_without_a_reason_ends_an_answer_of_unknown_reason(server: StandIn) -> None:
    server.will(Reply([*CHUNKS, DONE]))
    async with DashScopeModel(
        "qwen-plus", api_key=KEY, base_url=server.url, dialect="compatible"
    ) as model:
        heard = await hear(model)

    assert heard.finish is not None
    assert heard.finish.reason is FinishReason.UNKNOWN


async def test_a_mark_behind_nothing_is_an_interrupted_answer(server: StandIn) -> None:
    server.will(Reply([DONE]))
    async with DashScopeModel(
        "qwen-plus", api_key=KEY, base_url=server.url, dialect="compatible"
    ) as model:
        heard = await hear(model)

    assert isinstance(heard.error, InterruptedStreamError)


async def test_a_native_error_inside_the_stream_is_known(server: StandIn) -> None:
    leak = (
        b"id:1\nevent:error\n:HTTP_STATUS/429\n"
        b'data:{"request_id":"r-1","code":"Throttling.RateQuota","message":"Requests rate"}\n\n'
    )
    server.will(Reply([CHUNKS[0], CHUNKS[1], leak]))
    async with DashScopeModel(
        "qwen-plus", api_key=KEY, base_url=server.url, dialect="compatible"
    ) as model:
        heard = await hear(model)

    assert isinstance(heard.error, RateLimitedError)
    assert heard.error.status == 429
    assert heard.error.request_id == "r-1"
    assert heard.error.partial_text == heard.text != ""


async def test_sound_of_the_model_is_an_event_of_its_own(server: StandIn) -> None:
    sound = b'data: {"choices":[{"index":0,"delta":{"audio":{"data":"UklGRg=="}}}]}\n\n'
    server.will(Reply([sound, FINISH, DONE]))
    async with DashScopeModel("qwen3-omni-flash", api_key=KEY, base_url=server.url) as model:
        heard = await hear(model)

    assert CustomEvent("provider.audio", {"data": "UklGRg=="}) in heard.events


async def test_what_the_table_knows_is_warned_of_here_too(server: StandIn) -> None:
    server.will(Reply.of(ANSWER))
    async with DashScopeModel(
        "qwq-plus", api_key=KEY, base_url=server.url, dialect="compatible"
    ) as model:
        heard = await hear(
            model, ChatRequest("hi", options=ChatOptions(top_p=0.5, tool_choice="required"))
        )

    found = [event.parameter for event in heard.events if isinstance(event, ModelWarning)]
    assert found == ["top_p", "tool_choice"]
    assert server.asked[0].json["tool_choice"] == "auto"
