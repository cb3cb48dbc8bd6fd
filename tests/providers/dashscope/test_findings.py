"""What a model does not do is told, in time; strict makes an error of it; nothing else is."""

from typing import Any

import pytest

from junto.core import (
    AssistantMessage,
    ChatOptions,
    ChatRequest,
    ImagePart,
    Message,
    ModelWarning,
    RejectedRequestError,
    SystemMessage,
    TextPart,
    Tool,
    UserMessage,
)
from junto.providers.dashscope import Capabilities, DashScopeModel, DashScopeOptions

from ...standin import Reply, StandIn, recording
from .conftest import KEY, hear

TOOL = {"tools": [Tool("weather")]}
MARKED = UserMessage([TextPart("x", cache=True)])
HI = UserMessage("hi")
JSON = UserMessage("answer in JSON")
GO_ON = AssistantMessage("so")

# Model, messages, options, and the parameters that a warning names.
Case = tuple[str, list[Message], dict[str, Any], list[str]]
CASES: list[Case] = [
    ("qwq-plus", [SystemMessage("s"), HI], {}, ["system message"]),
    ("qwq-plus", [HI], {"temperature": 0}, ["temperature"]),
    ("qwq-plus", [HI], {"top_p": 0.1}, ["top_p"]),
    ("qwq-plus", [HI], {"presence_penalty": 0}, ["presence_penalty"]),
    ("qwq-plus", [HI], {"frequency_penalty": 1}, ["frequency_penalty"]),
    ("qwq-plus", [HI], {"logprobs": True}, ["logprobs"]),
    ("qwq-plus", [HI], {"logprobs": True, "top_logprobs": 0}, ["logprobs", "top_logprobs"]),
    ("qwq-plus", [HI], {"logprobs": False}, []),
    ("qwq-plus", [JSON], {"response_format": "json_object"}, ["response_format"]),
    ("qwq-plus", [HI], {"response_format": "text"}, []),
    ("qwq-plus", [HI, GO_ON], {}, ["partial"]),
    ("qwq-plus", [MARKED], {}, ["cache"]),
    ("qwq-plus", [HI], {**TOOL, "tool_choice": "weather"}, ["tool_choice"]),
    ("qwq-plus", [HI], {**TOOL, "tool_choice": "required"}, ["tool_choice"]),
    ("qwq-plus", [HI], {**TOOL, "tool_choice": "auto"}, []),
    ("qwq-plus", [HI], {"thinking": False}, ["thinking"]),
    ("qwq-plus", [HI], {"max_tokens": 5, "seed": 1, "top_k": 3}, []),
    ("qvq-max", [HI], TOOL, ["tools"]),
    ("qwen-mt-turbo", [SystemMessage("s"), HI], TOOL, ["system message", "tools"]),
    ("deepseek-v3.1", [HI], {**TOOL, "thinking": True}, ["tools"]),
    ("deepseek-v3.1", [HI], TOOL, []),
    ("qwen-plus", [HI], {**TOOL, "tool_choice": "weather"}, []),
    ("qwen-plus", [HI], {**TOOL, "tool_choice": "weather", "thinking": True}, ["tool_choice"]),
    ("qwen-plus", [HI], {**TOOL, "tool_choice": "required"}, ["tool_choice"]),
    ("qwen-plus", [HI], {"response_format": "json_object"}, ["response_format"]),
    ("qwen-plus", [JSON], {"response_format": "json_object"}, []),
    (
        "qwen-plus",
        [JSON],
        {"response_format": "json_object", "thinking": True},
        ["response_format"],
    ),
    ("qwen-plus", [HI, GO_ON], {}, []),
    ("qwen-plus", [HI, GO_ON], {"thinking": True}, ["partial"]),
    ("qwen-plus", [HI], {"n": 2, **TOOL}, ["n"]),
    ("qwen-plus", [MARKED] * 4, {}, []),
    ("qwen-plus", [MARKED] * 5, {}, ["cache"]),
    ("qwen-max", [HI], {"thinking": True}, ["thinking"]),
    ("glm-4.5-air", [HI], {"enable_search": True}, ["enable_search"]),
    ("qwen3-32b", [HI], {**TOOL, "tool_choice": "weather"}, ["tool_choice"]),
    ("model-of-tomorrow", [SystemMessage("s"), MARKED, GO_ON], {"top_p": 0.1, **TOOL}, []),
]


@pytest.mark.parametrize("dialect", ["native", "compatible"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[3]}")
async def test_a_warning_names_the_parameter_and_the_model_and_all_is_sent(
    server: StandIn, case: Case, dialect: Any
) -> None:
    name, messages, given, found = case
    server.will(Reply.of(recording("native_incremental.sse")))
    request = ChatRequest(messages, options=DashScopeOptions(**given))
    async with DashScopeModel(name, api_key=KEY, base_url=server.url, dialect=dialect) as model:
        heard = await hear(model, request)

    warnings = [event for event in heard.events if isinstance(event, ModelWarning)]
    assert [warning.parameter for warning in warnings] == found
    assert {warning.model for warning in warnings} <= {name}
    assert all(w.model in w.message and w.parameter in w.message for w in warnings)
    sent = server.asked[0].json
    parameters = sent.get("parameters", sent)
    for option in set(given) - {"tools", "tool_choice", "response_format", "thinking"}:
        assert parameters[option] == given[option]
    if "tool_choice" in found:
        assert parameters["tool_choice"] == "auto"


@pytest.mark.parametrize(
    ("name", "messages", "given", "found"), [case for case in CASES if case[3]]
)
async def test_strict_refuses_it_before_anything_is_sent(
    server: StandIn, name: str, messages: list[Message], given: dict[str, Any], found: list[str]
) -> None:
    request = ChatRequest(messages, options=DashScopeOptions(**given))
    async with DashScopeModel(name, api_key=KEY, base_url=server.url, strict=True) as model:
        heard = await hear(model, request)

    assert isinstance(heard.error, RejectedRequestError)
    assert heard.error.kind == "not_supported"
    assert not heard.error.retryable
    assert all(parameter in str(heard.error) for parameter in [name, *found])
    assert heard.events == []
    assert server.asked == []


async def test_strict_lets_pass_what_a_model_does(server: StandIn) -> None:
    server.will(Reply.of(recording("native_incremental.sse")))
    async with DashScopeModel(
        "model-of-tomorrow", api_key=KEY, base_url=server.url, strict=True
    ) as model:
        heard = await hear(
            model,
            ChatRequest(
                [SystemMessage("s"), UserMessage(["?", ImagePart(url="https://x/y.png")])],
                options=ChatOptions(temperature=0.1, response_format="text"),
            ),
        )

    assert heard.error is None


@pytest.mark.parametrize(
    ("name", "given", "sent"),
    [
        ("qwen-plus", {}, False),
        ("qwen-plus", {"thinking": True}, True),
        ("qwen-plus", {"thinking_budget": 5}, True),
        ("qwen3-32b", {}, True),
        ("qwen3-32b", {"thinking": False}, False),
        ("qwen3.8-max", {"reasoning_effort": "low"}, True),
        ("qwen3.8-max", {"reasoning_effort": "none"}, False),
        ("qwen3.6-plus", {}, True),
        ("qwq-plus", {}, None),
        ("qwen-max", {}, None),
        ("model-of-tomorrow", {}, None),
        ("model-of-tomorrow", {"thinking": False}, False),
    ],
)
async def test_a_hybrid_model_is_told_whether_to_think(
    server: StandIn, name: str, given: dict[str, Any], sent: bool | None
) -> None:
    server.will(Reply.of(recording("native_incremental.sse")))
    async with DashScopeModel(name, api_key=KEY, base_url=server.url) as model:
        await hear(model, ChatRequest("hi", options=DashScopeOptions(**given)))

    assert server.asked[0].json["parameters"].get("enable_thinking") is sent


@pytest.mark.parametrize("name", ["search", "with space", "", "x" * 65, "名"])
async def test_a_tool_name_that_the_service_refuses_is_refused_here(
    server: StandIn, model: DashScopeModel, name: str
) -> None:
    heard = await hear(model, ChatRequest("hi", options=ChatOptions(tools=[Tool(name)])))

    assert isinstance(heard.error, RejectedRequestError)
    assert heard.error.kind == "bad_tool"
    assert server.asked == []


def test_a_row_can_be_changed_in_part() -> None:
    model = DashScopeModel("qwq-plus", capabilities={"tools": False, "ignored": frozenset()})

    assert model.capabilities.stream == "only"
    assert model.capabilities.tools is False
    assert DashScopeModel("x", capabilities=Capabilities()).capabilities == Capabilities()
    with pytest.raises(TypeError):
        DashScopeModel("qwq-plus", capabilities={"wings": True})
