"""What goes out: bodies, headers, paths, keys and hosts."""

from pathlib import Path
from typing import Any

import pytest

from junto.core import (
    AssistantMessage,
    AuthenticationError,
    ChatConnectionError,
    ChatOptions,
    ChatRequest,
    ImagePart,
    Message,
    ModelWarning,
    ReasoningPart,
    RejectedRequestError,
    SystemMessage,
    TextPart,
    Tool,
    ToolCallPart,
    ToolMessage,
    UserMessage,
)
from junto.providers.dashscope import Capabilities, DashScopeModel, Timeouts

from ...standin import Asked, Reply, StandIn, recording
from .conftest import KEY, hear

TEXT = "/api/v1/services/aigc/text-generation/generation"
PICTURES = "/api/v1/services/aigc/multimodal-generation/generation"


async def ask(
    server: StandIn,
    *messages: Message | str,
    model: str = "qwen-plus",
    stream: bool = True,
    **options: Any,
) -> Asked:
    server.will(Reply.of(recording("native_incremental.sse")))
    request = ChatRequest(
        [UserMessage(m) if isinstance(m, str) else m for m in messages or ("你好",)],
        options=ChatOptions(**options),
        stream=stream,
    )
    async with DashScopeModel(model, api_key=KEY, base_url=server.url) as asked:
        heard = await hear(asked, request)
    assert heard.error is None
    return server.asked[-1]


async def test_a_stream_is_asked_for_as_the_wire_wants_it(server: StandIn) -> None:
    asked = await ask(server)

    assert asked.path == TEXT
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.headers["X-DashScope-SSE"] == "enable"
    assert asked.headers["Accept"] == "text/event-stream"
    assert asked.headers["Accept-Encoding"] == "identity"
    assert asked.json == {
        "model": "qwen-plus",
        "input": {"messages": [{"role": "user", "content": "你好"}]},
        "parameters": {
            "enable_thinking": False,
            "result_format": "message",
            "incremental_output": True,
        },
    }


async def test_every_option_has_its_place_and_false_is_set(server: StandIn) -> None:
    asked = await ask(
        server,
        temperature=0.5,
        top_p=0.7,
        top_k=20,
        max_tokens=100,
        stop=("a", "b"),
        seed=7,
        presence_penalty=-1,
        frequency_penalty=1,
        logprobs=True,
        top_logprobs=2,
        thinking=False,
        thinking_budget=50,
        tools=[Tool("look", "Looks.", {"type": "object"})],
        tool_choice="look",
        parallel_tool_calls=False,
        response_format="json_object",
        extra={"enable_search": True, "search_options": {"enable_source": True}},
    )

    assert asked.json["parameters"] == {
        "temperature": 0.5,
        "top_p": 0.7,
        "top_k": 20,
        "max_tokens": 100,
        "stop": ["a", "b"],
        "seed": 7,
        "presence_penalty": -1,
        "frequency_penalty": 1,
        "logprobs": True,
        "top_logprobs": 2,
        "enable_thinking": False,
        "thinking_budget": 50,
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "look",
                    "description": "Looks.",
                    "parameters": {"type": "object"},
                },
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "parallel_tool_calls": False,
        "response_format": {"type": "json_object"},
        "enable_search": True,
        "search_options": {"enable_source": True},
        "result_format": "message",
        "incremental_output": True,
    }


async def test_messages_keep_their_number_order_and_roles(server: StandIn) -> None:
    call = ToolCallPart("call_1", "look", '{"city": "杭州"}')
    broken = ToolCallPart("call_2", "look", '{"city": ')
    asked = await ask(
        server,
        SystemMessage("Be brief."),
        "天气?",
        AssistantMessage([ReasoningPart("hm"), call, broken]),
        ToolMessage("多云", call_id="call_1", name="look"),
        ToolMessage("晴", call_id="call_2"),
    )

    assert asked.json["input"]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "天气?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "index": 0,
                    "function": {"name": "look", "arguments": '{"city": "杭州"}'},
                },
                {
                    "id": "call_2",
                    "type": "function",
                    "index": 1,
                    "function": {"name": "look", "arguments": "{}"},
                },
            ],
        },
        {"role": "tool", "content": "多云", "tool_call_id": "call_1"},
        {"role": "tool", "content": "晴", "tool_call_id": "call_2"},
    ]


async def test_an_assistant_message_at_the_end_is_continued(server: StandIn) -> None:
    asked = await ask(server, "一首诗", AssistantMessage("床前"))

    assert asked.json["input"]["messages"][-1] == {
        "role": "assistant",
        "content": "床前",
        "partial": True,
    }


async def test_a_cache_mark_makes_the_content_a_list(server: StandIn) -> None:
    asked = await ask(server, UserMessage([TextPart("long", cache=True), "short"]))

    assert asked.json["input"]["messages"][0]["content"] == [
        {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "short"},
    ]


async def test_a_vision_model_has_its_own_path_and_form(server: StandIn) -> None:
    picture = ImagePart(data=b"\x89PNG", media_type="image/png")
    asked = await ask(server, UserMessage(["什么?", picture]), model="qwen3-vl-plus")

    assert asked.path == PICTURES
    assert asked.json["input"]["messages"][0]["content"] == [
        {"text": "什么?"},
        {"image": "data:image/png;base64,iVBORw=="},
    ]


async def test_a_text_model_refuses_a_picture_before_anything_is_sent(
    server: StandIn, model: DashScopeModel
) -> None:
    heard = await hear(model, ChatRequest(UserMessage(ImagePart(url="https://x/y.png"))))

    assert isinstance(heard.error, RejectedRequestError)
    assert "qwen3-vl-plus" in str(heard.error)
    assert server.asked == []


async def test_odd_text_of_a_user_is_sent(server: StandIn) -> None:
    asked = await ask(server, "half \ud83d, nul \0")

    assert asked.json["input"]["messages"][0]["content"] == "half \ud83d, nul \0"


@pytest.mark.parametrize(
    ("name", "options", "streamed"),
    [
        ("qwen-plus", {}, False),
        ("qwen-plus", {"thinking": True}, True),
        ("qwen-max", {}, False),
        ("qwq-plus", {}, True),
        ("qwen3-32b", {}, True),
        ("qwen3-32b", {"thinking": False}, False),
        ("deepseek-r1", {}, True),
        ("deepseek-v4-pro", {"thinking": False}, False),
        ("a-model-of-tomorrow", {}, True),
        ("qwen3.6-plus", {}, True),
    ],
)
async def test_call_streams_wherever_the_model_may_think(
    server: StandIn, name: str, options: dict[str, Any], streamed: bool
) -> None:
    asked = await ask(server, model=name, stream=False, **options)

    assert ("X-DashScope-SSE" in asked.headers) is streamed
    assert ("incremental_output" in asked.json["parameters"]) is streamed
    assert asked.json["model"] == name


async def test_call_takes_a_plain_answer_as_one_batch(
    server: StandIn, model: DashScopeModel
) -> None:
    server.will(Reply.of(recording("native_json_message_null_legacy_fields.json")))

    batches = [batch async for batch in model.stream(ChatRequest("hi", stream=False))]

    assert [type(event).__name__ for event in batches[0]] == ["TextDelta", "UsageUpdate", "Finish"]
    assert len(batches) == 1


def warned(request: ChatRequest, events: list[Any]) -> set[str]:
    found = [event for event in events if isinstance(event, ModelWarning)]
    assert events[: len(found)] == found
    assert all(w.model in w.message and w.parameter in w.message for w in found)
    return {warning.parameter for warning in found}


async def test_what_qwq_does_not_do_is_warned_of_and_sent_but_for_a_forced_tool(
    server: StandIn,
) -> None:
    server.will(Reply.of(recording("native_qwq_reasoning_then_content.sse")))
    request = ChatRequest(
        [SystemMessage("x"), UserMessage([TextPart("y", cache=True)]), AssistantMessage("z")],
        options=ChatOptions(
            temperature=0,
            top_p=0.7,
            presence_penalty=0.5,
            frequency_penalty=0.5,
            logprobs=True,
            top_logprobs=1,
            response_format="json_object",
            tool_choice="required",
        ),
    )
    async with DashScopeModel("qwq-plus", api_key=KEY, base_url=server.url) as model:
        for _ in range(2):
            heard = await hear(model, request)
            assert warned(request, heard.events) == {
                "temperature",
                "top_p",
                "presence_penalty",
                "frequency_penalty",
                "logprobs",
                "top_logprobs",
                "response_format",
                "tool_choice",
                "system message",
                "partial",
                "cache",
            }

    sent = server.asked[-1].json
    assert sent["parameters"]["temperature"] == 0
    assert sent["parameters"]["top_p"] == 0.7
    assert sent["parameters"]["tool_choice"] == "auto"
    assert sent["input"]["messages"][0]["role"] == "system"


async def test_a_plain_question_gives_no_warning(server: StandIn) -> None:
    server.will(Reply.of(recording("native_qwq_reasoning_then_content.sse")))
    async with DashScopeModel("qwq-plus", api_key=KEY, base_url=server.url) as model:
        heard = await hear(model, ChatRequest("hi", options=ChatOptions(tool_choice="auto")))

    assert warned(ChatRequest("hi"), heard.events) == set()


async def test_the_table_can_be_overridden(server: StandIn) -> None:
    server.will(Reply.of(recording("native_incremental.sse")))
    known = Capabilities(path="multimodal", stream="free", thinking="none")
    async with DashScopeModel(
        "new-vision", api_key=KEY, base_url=server.url, capabilities=known
    ) as model:
        await hear(model, ChatRequest("hi", stream=False))

    assert server.asked[0].path == PICTURES
    assert "X-DashScope-SSE" not in server.asked[0].headers


@pytest.mark.parametrize("variable", ["DASHSCOPE_API_KEY", "AI_DASHSCOPE_API_KEY"])
async def test_the_key_comes_from_the_environment(
    server: StandIn, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    server.will(Reply.of(recording("err_401_native_invalid_key.json")))
    monkeypatch.setenv(variable, f" {KEY}\n")
    async with DashScopeModel(base_url=server.url) as model:
        heard = await hear(model)

    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert isinstance(heard.error, AuthenticationError)
    assert variable in str(heard.error)
    assert "intl" in str(heard.error)


async def test_the_key_comes_from_the_vendors_file(
    server: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.will(Reply.of(recording("native_incremental.sse")))
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    monkeypatch.setenv("DASHSCOPE_API_KEY_FILE_PATH", str(file))
    async with DashScopeModel(base_url=server.url) as model:
        heard = await hear(model)

    assert heard.error is None
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"


async def test_without_a_key_the_first_request_says_how_to_set_one(server: StandIn) -> None:
    async with DashScopeModel(base_url=server.url) as model:
        heard = await hear(model)

    assert isinstance(heard.error, AuthenticationError)
    for way in ("DASHSCOPE_API_KEY", "AI_DASHSCOPE_API_KEY", "api_key=", "~/.dashscope/api_key"):
        assert way in str(heard.error)


@pytest.mark.parametrize("key", ["sk-1\r\nX-Evil: 1", "sk 1", "", "sk-é"])
async def test_a_key_that_cannot_be_one_is_refused_unseen(server: StandIn, key: str) -> None:
    async with DashScopeModel(base_url=server.url, api_key=key) as model:
        heard = await hear(model)

    assert isinstance(heard.error, AuthenticationError)
    assert not key or key not in str(heard.error)


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ({}, "https://dashscope.aliyuncs.com/api/v1"),
        ({"region": "intl"}, "https://dashscope-intl.aliyuncs.com/api/v1"),
        ({"region": "us-east-1"}, "https://dashscope-us.aliyuncs.com/api/v1"),
        ({"region": "hk"}, "https://cn-hongkong.dashscope.aliyuncs.com/api/v1"),
        (
            {"region": "eu", "workspace": "ws1"},
            "https://ws1.eu-central-1.maas.aliyuncs.com/api/v1",
        ),
        ({"base_url": "https://gate.example/x/api/v1/"}, "https://gate.example/x/api/v1"),
        ({"base_url": "https://gate.example"}, "https://gate.example/api/v1"),
        ({"base_url": "http://[::1]:8080"}, "http://[::1]:8080/api/v1"),
        ({"base_url": "http://gate.example", "allow_http": True}, "http://gate.example/api/v1"),
    ],
)
def test_hosts(arguments: dict[str, Any], url: str) -> None:
    assert DashScopeModel(**arguments).base_url == url


@pytest.mark.parametrize(
    "arguments",
    [
        {"region": "mars"},
        {"region": "eu"},
        {"region": "eu", "workspace": "evil.example/"},
        {"base_url": "http://gate.example/api/v1"},
        {"base_url": "ftp://gate.example"},
        {"base_url": "https://user:pw@gate.example"},
        {"base_url": "gate.example"},
        {"model": ""},
    ],
)
def test_what_cannot_be_right_is_refused_when_the_model_is_made(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        DashScopeModel(**arguments)


def test_the_vendors_variable_moves_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", "https://gate.example/api/v1")

    assert DashScopeModel().base_url == "https://gate.example/api/v1"
    assert "dashscope-intl" in DashScopeModel(region="intl").base_url


async def test_texts_and_numbers_of_derived_classes_go_out_as_what_they_are(
    server: StandIn,
) -> None:
    class Marked(str):
        __slots__ = ()

    class Float64(float):
        """As numpy has one."""

    class Int64(int):
        pass

    asked = await ask(
        server, Marked("hi"), temperature=Float64(0.5), extra={"mine": [Int64(3), Marked("x")]}
    )

    assert asked.json["input"]["messages"][0]["content"] == "hi"
    assert asked.json["parameters"]["temperature"] == 0.5
    assert asked.json["parameters"]["mine"] == [3, "x"]


async def test_a_workspace_goes_into_its_header(server: StandIn) -> None:
    server.will(Reply.of(recording("native_incremental.sse")))
    async with DashScopeModel(api_key=KEY, base_url=server.url, workspace="ws-1") as model:
        await hear(model)

    assert server.asked[0].headers["X-DashScope-WorkSpace"] == "ws-1"


async def test_a_closed_model_says_so(server: StandIn) -> None:
    model = DashScopeModel(api_key=KEY, base_url=server.url)
    await model.aclose()
    await model.aclose()

    assert isinstance((await hear(model)).error, ChatConnectionError)


def test_a_timeout_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Timeouts(total=0)
