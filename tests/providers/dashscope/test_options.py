"""Every parameter of the service has a typed option, and every option reaches the wire."""

from typing import Any

import attrs
import pytest

from junto.core import ChatClient, ChatOptions, ChatRequest, Tool
from junto.providers.dashscope import (
    DashScopeModel,
    DashScopeOptions,
    SearchOptions,
    TranslationOptions,
)

from ...standin import Reply, StandIn, recording
from .conftest import KEY, hear

# One value for each parameter of the service, by its name on the wire.
WIRE: dict[str, Any] = {
    "result_format": "text",
    "incremental_output": False,
    "temperature": 1.9,
    "top_p": 1,
    "top_k": 0,
    "repetition_penalty": 1.05,
    "presence_penalty": -2,
    "frequency_penalty": 2,
    "max_tokens": 1,
    "max_completion_tokens": 20,
    "thinking_budget": 100,
    "preserve_thinking": False,
    "reasoning_effort": "high",
    "clear_thinking": True,
    "seed": 2**31,
    "n": 4,
    "logprobs": False,
    "top_logprobs": 5,
    "logit_bias": {"1": -100},
    "parallel_tool_calls": False,
    "tool_stream": True,
    "enable_search": False,
    "enable_code_interpreter": False,
    "enable_text_image_mixed": True,
    "vl_high_resolution_images": True,
    "vl_enable_image_hw_output": False,
    "ocr_options": {"task": "table_parsing"},
    "skill": [{"type": "ppt"}],
    "output_format": "model_detailed_report",
    "asr_options": {"language": "zh"},
    "audio": {"voice": "Cherry", "format": "wav"},
    "modalities": ["text", "audio"],
}
RENAMED: dict[str, tuple[dict[str, Any], Any]] = {
    "enable_thinking": ({"thinking": False}, False),
    "stop": ({"stop": ["a", "b"]}, ["a", "b"]),
    "tools": (
        {"tools": [Tool("t")]},
        [{"type": "function", "function": {"name": "t", "description": "", "parameters": {}}}],
    ),
    "tool_choice": (
        {"tool_choice": "t"},
        {"type": "function", "function": {"name": "t"}},
    ),
    "response_format": ({"response_format": "json_object"}, {"type": "json_object"}),
    "search_options": (
        {"search_options": SearchOptions(enable_source=True, forced_search=False, freshness=7)},
        {"enable_source": True, "forced_search": False, "freshness": 7},
    ),
    "translation_options": (
        {"translation_options": TranslationOptions(source_lang="auto", target_lang="English")},
        {"source_lang": "auto", "target_lang": "English"},
    ),
}
TOKENS: dict[str, tuple[dict[str, Any], Any]] = {
    "tokens": ({"stop_tokens": [1, 2]}, [1, 2]),
    "lists of tokens": ({"stop_tokens": [[1, 2], [3]]}, [[1, 2], [3]]),
}
CASES: list[tuple[str, dict[str, Any], Any]] = [
    *[(name, {name: value}, value) for name, value in WIRE.items()],
    *[(name, given, value) for name, (given, value) in RENAMED.items()],
    *[("stop", given, value) for given, value in TOKENS.values()],
]


@pytest.mark.parametrize("dialect", ["native", "compatible"])
@pytest.mark.parametrize(("name", "given", "value"), CASES)
async def test_an_option_goes_out_as_the_service_calls_it(
    server: StandIn, name: str, given: dict[str, Any], value: Any, dialect: Any
) -> None:
    native = dialect == "native"
    server.will(Reply.of(recording("native_incremental.sse" if native else "compat_no_usage.sse")))
    async with DashScopeModel(
        "a-new-model", api_key=KEY, base_url=server.url, dialect=dialect
    ) as model:
        await hear(model, ChatRequest("json", options=DashScopeOptions(**given)))

    sent = server.asked[0].json
    parameters = sent["parameters"] if native else sent
    if not native and name in {"result_format", "incremental_output"}:
        assert name not in parameters
    elif name == "tool_choice" and given == {"tool_choice": "t"}:
        assert parameters[name] == value
    else:
        assert parameters[name] == value


def test_every_option_is_tried_above() -> None:
    tried = {name for _, given, _ in CASES for name in given}
    fields = {a.name for a in attrs.fields(DashScopeOptions)}

    assert fields - tried == {"model", "extra"}


async def test_what_is_unset_is_not_sent(server: StandIn) -> None:
    server.will(Reply.of(recording("native_incremental.sse")))
    async with DashScopeModel("a-new-model", api_key=KEY, base_url=server.url) as model:
        await hear(model, ChatRequest("hi", options=DashScopeOptions()))

    assert server.asked[0].json["parameters"] == {
        "result_format": "message",
        "incremental_output": True,
    }


async def test_extra_goes_out_as_it_is_and_has_the_last_word(server: StandIn) -> None:
    server.will(Reply.of(recording("native_incremental.sse")))
    options = DashScopeOptions(top_k=5, extra={"top_k": 7, "brand_new": {"a": [1]}})
    async with DashScopeModel("a-new-model", api_key=KEY, base_url=server.url) as model:
        await hear(model, ChatRequest("hi", options=options))

    assert server.asked[0].json["parameters"]["top_k"] == 7
    assert server.asked[0].json["parameters"]["brand_new"] == {"a": [1]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 2},
        {"temperature": -0.1},
        {"top_p": 0},
        {"top_p": 1.1},
        {"top_k": -1},
        {"repetition_penalty": 0},
        {"presence_penalty": 2.1},
        {"max_tokens": 0},
        {"max_completion_tokens": 0},
        {"thinking_budget": 0},
        {"seed": -1},
        {"seed": 2**63},
        {"n": 0},
        {"n": 5},
        {"top_logprobs": 6},
        {"temperature": float("nan")},
        {"stop": ["a"], "stop_tokens": [1]},
    ],
)
def test_a_value_out_of_range_is_told_before_anything_is_sent(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DashScopeOptions(**wrong)


@pytest.mark.parametrize("wrong", [{"n": True}, {"temperature": "hot"}, {"modalities": "text"}])
def test_a_value_of_another_type_is_told_too(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        DashScopeOptions(**wrong)


async def test_a_client_takes_them_by_name_too(server: StandIn) -> None:
    server.will(Reply.of(recording("native_incremental.sse")))
    async with DashScopeModel("a-new-model", api_key=KEY, base_url=server.url) as model:
        client = ChatClient(model, options={"enable_search": True})
        await client.prompt("hi").options(repetition_penalty=1.1).call()
        await client.call("hi", options={"n": 1})
        await client.call("hi", options=ChatOptions(top_k=3))

    first, second, third = [asked.json["parameters"] for asked in server.asked]
    assert first["enable_search"] is second["enable_search"] is third["enable_search"] is True
    assert first["repetition_penalty"] == 1.1
    assert second["n"] == 1
    assert third["top_k"] == 3


def test_a_misspelt_option_names_the_nearest() -> None:
    model = DashScopeModel("qwen-plus", api_key=KEY)

    with pytest.raises(TypeError, match="'enable_search'"):
        ChatClient(model, options={"enabel_search": True})
