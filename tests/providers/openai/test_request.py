"""What goes to a server: address, key, body."""

import asyncio
from typing import Any

import pytest

from junto.core import (
    AssistantMessage,
    AudioPart,
    AuthenticationError,
    ChatClient,
    ChatOptions,
    ChatRequest,
    ImagePart,
    Message,
    ModelWarning,
    PluginError,
    ReasoningPart,
    Secret,
    SystemMessage,
    TextPart,
    Tool,
    ToolCallPart,
    ToolMessage,
    UserMessage,
)
from junto.providers.openai import SERVERS, OpenAIModel, OpenAIOptions

from ...standin import Asked, Reply, StandIn, capture
from ..hearing import Heard, hear
from .conftest import KEY, url_of

ANSWER = capture("plain_chat_stream")


async def ask(
    standing: StandIn,
    *messages: Message | str,
    options: ChatOptions | None = None,
    stream: bool = True,
    **model: Any,
) -> tuple[Asked, Heard]:
    standing.will(Reply.of(ANSWER))
    request = ChatRequest(
        [UserMessage(m) if isinstance(m, str) else m for m in messages or ("hi",)],
        options=options or ChatOptions(),
        stream=stream,
    )
    async with OpenAIModel("m", **{"api_key": KEY, "base_url": url_of(standing), **model}) as asked:
        heard = await hear(asked, request)
    assert heard.error is None
    return standing.asked[-1], heard


async def test_a_stream_is_asked_for_with_its_usage(server: StandIn) -> None:
    asked, _ = await ask(server, options=ChatOptions(top_p=0.5, stop="!", model="other"))

    assert asked.path == "/v1/chat/completions"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.headers["Accept"] == "text/event-stream"
    assert asked.json == {
        "model": "other",
        "messages": [{"role": "user", "content": "hi"}],
        "top_p": 0.5,
        "stop": ["!"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_a_plain_call_is_a_plain_call(server: StandIn) -> None:
    options = OpenAIOptions(stream_options={"include_usage": False})
    asked, _ = await ask(server, options=options, stream=False)

    assert asked.json.keys() == {"model", "messages"}
    assert asked.headers["Accept"] == "application/json"


async def test_stream_options_are_sent_as_they_are_and_empty_ones_are_not(server: StandIn) -> None:
    given, _ = await ask(server, options=OpenAIOptions(stream_options={"include_usage": False}))
    empty, _ = await ask(server, options=OpenAIOptions(stream_options={}))

    assert given.json["stream_options"] == {"include_usage": False}
    assert "stream_options" not in empty.json


async def test_each_option_has_its_name_on_the_wire(server: StandIn) -> None:
    facts: dict[str, Any] = {
        "max_completion_tokens": 5,
        "n": 1,
        "logit_bias": {"50256": -100},
        "reasoning_effort": "low",
        "verbosity": "high",
        "service_tier": "flex",
        "store": False,
        "metadata": {"team": "a"},
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "wav"},
        "prediction": {"type": "content", "content": "x"},
        "web_search_options": {"search_context_size": "low"},
        "moderation": {"model": "x"},
        "prompt_cache_key": "k",
        "prompt_cache_options": {"ttl": "30m"},
        "prompt_cache_retention": "24h",
        "safety_identifier": "u",
        "user": "u",
        "top_logprobs": 20,
        "logprobs": True,
        "seed": 1,
        "parallel_tool_calls": False,
    }
    options = OpenAIOptions(**facts, extra={"min_p": 0.1, "seed": 2})
    asked, _ = await ask(server, options=options)

    sent = {k: v for k, v in asked.json.items() if k in facts or k == "min_p"}
    assert sent == {**facts, "min_p": 0.1, "seed": 2}


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"n": 0}, ValueError, "n is from 1 to 128 with OpenAI, not 0"),
        ({"n": 129}, ValueError, "n is from 1 to 128"),
        ({"top_logprobs": 21}, ValueError, "top_logprobs is from 0 to 20"),
        ({"max_completion_tokens": 0}, ValueError, "max_completion_tokens is at least 1"),
        ({"logit_bias": {"1": 101}}, ValueError, "logit_bias of token '1' is from -100 to 100"),
        ({"metadata": {"k" * 65: ""}}, ValueError, "at most 64 characters"),
        ({"metadata": {"k": "v" * 513}}, ValueError, "at most 64 characters, and values of 512"),
        ({"metadata": {str(n): "" for n in range(17)}}, ValueError, "at most 16 pairs"),
        ({"modalities": "text"}, TypeError, "a list of texts"),
        ({"n": True}, TypeError, "n is a whole number"),
    ],
)
def test_an_option_out_of_its_range_is_told_at_once(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        OpenAIOptions(**options)


def test_a_client_takes_the_options_by_name_and_names_the_nearest() -> None:
    ChatClient(OpenAIModel("m"), options={"reasoning_effort": "low", "n": 2})

    with pytest.raises(TypeError, match="did you mean 'reasoning_effort'"):
        ChatClient(OpenAIModel("m"), options={"reasoning_efort": "low"})


async def test_messages_have_openais_form(server: StandIn) -> None:
    asked, _ = await ask(
        server,
        SystemMessage("Be brief."),
        UserMessage(
            [
                TextPart("?", cache=True),
                ImagePart(data=b"\x89PNG", media_type="image/png", extra={"detail": "low"}),
                AudioPart(data=b"RIFF", media_type="audio/x-wav"),
            ]
        ),
        AssistantMessage([ReasoningPart("hm"), ToolCallPart("call_1", "weather", "{")]),
        ToolMessage("sunny", call_id="call_1"),
        options=ChatOptions(
            tools=[Tool("weather", "Looks it up.", {"type": "object"})],
            tool_choice="weather",
            response_format="json_object",
        ),
    )

    assert asked.json["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "?"},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,iVBORw==", "detail": "low"},
                },
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            ],
        },
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": "{}"},
                }
            ],
        },
        {"role": "tool", "content": "sunny", "tool_call_id": "call_1"},
    ]
    assert asked.json["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "Looks it up.",
                "parameters": {"type": "object"},
            },
        }
    ]
    assert asked.json["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert asked.json["response_format"] == {"type": "json_object"}


async def test_numbers_and_texts_of_derived_classes_are_sent(server: StandIn) -> None:
    class Float(float):
        pass

    class Text(str):
        __slots__ = ()

    asked, _ = await ask(server, options=ChatOptions(top_p=Float(0.5), extra={"a": Text("b")}))

    assert (asked.json["top_p"], asked.json["a"]) == (0.5, "b")


@pytest.mark.parametrize(
    ("server_name", "thinking", "body"),
    [
        ("deepseek", True, {"thinking": {"type": "enabled"}}),
        ("deepseek", False, {"thinking": {"type": "disabled"}}),
        ("vllm", False, {"chat_template_kwargs": {"enable_thinking": False}}),
        ("llamacpp", True, {"chat_template_kwargs": {"enable_thinking": True}}),
        ("ollama", False, {"reasoning_effort": "none"}),
        ("openrouter", True, {"reasoning": {"enabled": True}}),
        ("dashscope", True, {"enable_thinking": True}),
    ],
)
async def test_thinking_is_switched_as_the_server_wants_it(
    server: StandIn, server_name: str, thinking: bool, body: dict[str, Any]
) -> None:
    asked, heard = await ask(server, server=server_name, options=ChatOptions(thinking=thinking))

    assert {k: v for k, v in asked.json.items() if k in body} == body
    assert "thinking" in body or "thinking" not in asked.json
    assert not [e for e in heard.events if isinstance(e, ModelWarning)]


async def test_a_switch_joins_what_extra_says_and_never_replaces_it(server: StandIn) -> None:
    budget = ChatOptions(
        thinking=True, thinking_budget=9, extra={"reasoning": {"exclude": True, "enabled": False}}
    )
    effort = ChatOptions(thinking=True, extra={"reasoning_effort": "high"})
    joined, _ = await ask(server, server="openrouter", options=budget)
    kept, _ = await ask(server, server="ollama", options=effort)

    assert joined.json["reasoning"] == {"enabled": False, "max_tokens": 9, "exclude": True}
    assert kept.json["reasoning_effort"] == "high"


async def test_what_a_server_has_no_name_for_is_not_sent_but_warned_of(server: StandIn) -> None:
    options = ChatOptions(thinking=False, thinking_budget=9)
    asked, heard = await ask(server, options=options)

    warnings = [e for e in heard.events if isinstance(e, ModelWarning)]
    assert [w.parameter for w in warnings] == ["thinking", "thinking_budget"]
    assert "reasoning_effort" in warnings[0].message
    assert heard.events[: len(warnings)] == warnings
    assert asked.json.keys() == {"model", "messages", "stream", "stream_options"}


async def test_the_longest_answer_has_openais_new_name_there_and_the_old_one_elsewhere(
    server: StandIn,
) -> None:
    new, _ = await ask(server, options=ChatOptions(max_tokens=5))
    old, _ = await ask(server, server="vllm", options=ChatOptions(max_tokens=5))

    assert (new.json["max_completion_tokens"], "max_tokens" in new.json) == (5, False)
    assert (old.json["max_tokens"], "max_completion_tokens" in old.json) == (5, False)


@pytest.mark.parametrize(
    ("server_name", "send", "sent"),
    [
        ("openai", None, False),
        ("openai", True, True),
        ("deepseek", None, True),
        ("deepseek", False, False),
    ],
)
async def test_earlier_reasoning_goes_where_it_is_wanted(
    server: StandIn, server_name: str, send: bool | None, sent: bool
) -> None:
    said = AssistantMessage([ReasoningPart("hm"), TextPart("Yes.")])
    options = OpenAIOptions(send_reasoning=send)
    asked, _ = await ask(server, "Why?", said, "And?", server=server_name, options=options)

    assert ("reasoning_content" in asked.json["messages"][1]) is sent
    assert "send_reasoning" not in asked.json


async def test_more_headers_go_along(server: StandIn) -> None:
    asked, _ = await ask(server, headers={"OpenAI-Project": "p", "User-Agent": "mine"})

    assert (asked.headers["OpenAI-Project"], asked.headers["User-Agent"]) == ("p", "mine")


async def test_a_server_without_a_key_gets_none(server: StandIn) -> None:
    asked, _ = await ask(server, api_key=None, server="vllm")

    assert "Authorization" not in asked.headers


@pytest.mark.parametrize("name", ["openai", "deepseek", "vllm"])
async def test_key_and_address_come_from_the_variables_of_the_server(
    server: StandIn, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"{name.upper()}_BASE_URL", url_of(server))
    for each in SERVERS:
        monkeypatch.setenv(f"{each.upper()}_API_KEY", f"key-of-{each}")
    asked, _ = await ask(server, base_url=None, api_key=None, server=name)

    assert asked.headers["Authorization"] == f"Bearer key-of-{name}"


async def test_a_client_finds_the_provider_by_its_name(
    server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url_of(server))
    server.will(Reply.of(ANSWER))
    async with ChatClient("openai:org/model:tag") as client:
        response = await client.call("hi")

    assert response.text == ANSWER.expect["text"]
    assert server.asked[0].json["model"] == "org/model:tag"
    with pytest.raises(PluginError, match="openai:…"):
        ChatClient("openai")


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:8000/v1/", "http://[::1]:8000/v1"),
        (" https://gate.example/openai/v1/chat/completions ", "https://gate.example/openai/v1"),
        ("http://gpu:8000/v1", "http://gpu:8000/v1"),
    ],
)
def test_an_address_is_what_stands_before_the_path(given: str, base_url: str) -> None:
    assert OpenAIModel("m", base_url=given).base_url == base_url


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"model": ""}, "a model needs a name"),
        ({"server": "openia"}, "one of openai, deepseek"),
        ({"base_url": "localhost:8000"}, "such as https://api.openai.com/v1"),
        ({"base_url": "https://key@host/v1"}, "no user, password"),
        ({"headers": {"authorization": "Bearer x"}}, "the key goes into api_key="),
    ],
)
def test_what_cannot_be_right_is_told_when_the_model_is_made(
    arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        OpenAIModel(**{"model": "m", **arguments})


def test_a_keyword_that_does_not_exist_is_told_when_the_model_is_made() -> None:
    mistake: Any = {"basurl": "x"}
    with pytest.raises(TypeError, match="basurl"):
        OpenAIModel("m", **mistake)


@pytest.mark.parametrize(
    "name", [name for name, row in SERVERS.items() if "127" not in row.base_url]
)
async def test_a_service_without_its_key_is_not_asked(name: str) -> None:
    error = (await hear(OpenAIModel("m", server=name))).error

    assert isinstance(error, AuthenticationError)
    assert error.kind == "no_key"
    assert f"{name.upper()}_API_KEY" in str(error)


async def test_a_key_does_not_go_over_plain_http_to_another_machine() -> None:
    model = OpenAIModel("m", base_url="http://gpu.invalid:8000/v1", api_key=KEY)
    error = (await hear(model)).error

    assert isinstance(error, AuthenticationError)
    assert error.kind == "insecure"
    assert "allow_http=True" in str(error)


@pytest.mark.parametrize("key", ["", "a b", "schlüssel", "a\nb"])
async def test_what_no_key_has_is_refused_unseen(key: str) -> None:
    error = (await hear(OpenAIModel("m", api_key=Secret(key)))).error

    assert isinstance(error, AuthenticationError)
    assert "api_key=" in str(error)
    assert not key or key not in str(error)


def test_the_key_is_not_shown() -> None:
    model = OpenAIModel("m", api_key=KEY)

    assert repr(model) == "OpenAIModel('m', server='openai', host='api.openai.com')"
    assert KEY not in repr(vars(model))


def test_one_model_serves_one_loop_after_another() -> None:
    async def once(model: OpenAIModel) -> str:
        async with StandIn(Reply.of(ANSWER)) as standing:
            model.base_url = url_of(standing)
            return (await hear(model)).text

    model = OpenAIModel("m", api_key=KEY)
    assert asyncio.run(once(model)) == asyncio.run(once(model)) == ANSWER.expect["text"]
