"""Each mistake of a caller is told at once, and the text names the fix."""

from typing import Any

import pytest

from junto.core import (
    ChatClient,
    ChatRequest,
    ImagePart,
    InterruptedStreamError,
    RejectedRequestError,
    UserMessage,
)
from junto.providers.dashscope import Capabilities, DashScopeModel, DashScopeOptions

from ...standin import Reply, StandIn, recording
from .conftest import KEY, hear


def make(**keywords: Any) -> DashScopeModel:
    return DashScopeModel("qwen-plus", api_key=KEY, **keywords)


@pytest.mark.parametrize(
    ("keywords", "error", "text"),
    [
        ({"regoin": "cn"}, TypeError, "'regoin' is no keyword .* region, base_url"),
        ({"timeouts": 30}, TypeError, r"Timeouts\(…\), such as Timeouts\(total=60\), not 30"),
        ({"data_inspection": "yes"}, TypeError, "True, False or a mapping, not 'yes'"),
        ({"capabilities": {"paht": "text"}}, TypeError, "'paht' is no capability; .* path, stream"),
        ({"capabilities": {"path": "vision"}}, ValueError, "one of 'text', 'multimodal', 'comp"),
        ({"capabilities": {"stream": "always"}}, ValueError, "one of 'only', 'thinking', 'free'"),
        ({"capabilities": {"thinking": True}}, ValueError, "one of 'always', 'on', 'off', 'none'"),
    ],
)
def test_a_wrong_keyword_is_told_when_the_model_is_made(
    keywords: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        make(**keywords)


@pytest.mark.parametrize("name", ["path", "stream", "thinking"])
def test_capabilities_are_checked_without_a_model_too(name: str) -> None:
    values: dict[str, Any] = {name: "vision"}
    with pytest.raises(ValueError, match=f"{name} is one of .*, not 'vision'"):
        Capabilities(**values)


@pytest.mark.parametrize("name", ["search_options", "translation_options"])
def test_options_with_options_of_their_own_take_no_plain_value(name: str) -> None:
    values: dict[str, Any] = {name: True}
    with pytest.raises(TypeError, match=rf"{name} is \w+\(…\) or a mapping, not True"):
        DashScopeOptions(**values)


def test_options_show_what_is_set() -> None:
    assert repr(DashScopeOptions(n=2, thinking=False)) == "DashScopeOptions(thinking=False, n=2)"


def test_the_name_that_dashscope_has_for_thinking_leads_to_ours() -> None:
    with pytest.raises(TypeError, match=r"'enable_thinking' .* called 'thinking' here"):
        ChatClient(make(), options={"enable_thinking": True})


async def test_a_picture_for_a_text_model_says_which_capability_to_change(server: StandIn) -> None:
    question = UserMessage(["What is this?", ImagePart(url="https://example.com/a.png")])
    async with make(base_url=server.url) as model:
        heard = await hear(model, ChatRequest(question))

    assert isinstance(heard.error, RejectedRequestError)
    assert 'capabilities={"path": "multimodal"}' in str(heard.error)
    assert server.asked == []


async def test_an_answer_cut_at_the_limit_of_time_is_not_worth_another_try(
    server: StandIn,
) -> None:
    body = recording("native_json_message_null_legacy_fields.json").body
    headers = {"Content-Type": "application/json", "x-dashscope-partialresponse": "true"}
    server.will(Reply([body.replace(b'"stop"', b"null")], 200, headers))
    async with make(base_url=server.url) as model:
        heard = await hear(model, ChatRequest("Tell me everything.", stream=False))

    error = heard.error
    assert isinstance(error, InterruptedStreamError)
    assert (error.partial_text, error.retryable) == ("你好！", False)
    assert "stream it instead" in str(error)
