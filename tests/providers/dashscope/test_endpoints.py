"""The two endpoints of the native protocol: the wrong one is left once, and the right one kept."""

import pytest

from junto.core import (
    ChatOptions,
    ChatRequest,
    ImagePart,
    ModelWarning,
    RejectedRequestError,
    UserMessage,
)
from junto.providers.dashscope import Capabilities, DashScopeModel

from ...standin import Reply, StandIn, recording
from .conftest import KEY, hear

TEXT = "/api/v1/services/aigc/text-generation/generation"
PICTURES = "/api/v1/services/aigc/multimodal-generation/generation"
WRONG = b'{"code":"InvalidParameter","message":"url error, please check url\xef\xbc\x81"}'
AS_STATUS = Reply([WRONG], status=400, headers={"Content-Type": "application/json"})
AS_FRAME = Reply([b"id:1\nevent:error\n:HTTP_STATUS/400\ndata:", WRONG, b"\n\n"])
GOOD = Reply.of(recording("native_incremental.sse"))
TEXT_OF_GOOD = recording("native_incremental.sse").expect["text"]


def model_at(server: StandIn, name: str = "qwen-plus") -> DashScopeModel:
    return DashScopeModel(name, api_key=KEY, base_url=server.url)


@pytest.mark.parametrize("refusal", [AS_STATUS, AS_FRAME], ids=["status", "frame"])
async def test_a_url_error_leads_to_the_other_endpoint_which_is_remembered(
    server: StandIn, refusal: Reply
) -> None:
    server.will(refusal, GOOD)
    async with model_at(server) as model:
        for _ in range(3):
            assert (await hear(model)).text == TEXT_OF_GOOD

    assert [asked.path for asked in server.asked] == [TEXT, PICTURES, PICTURES, PICTURES]
    assert [message["content"] for message in server.asked[1].json["input"]["messages"]] == [
        [{"text": "你好"}]
    ]


async def test_a_vision_model_of_the_table_is_switched_to_text_too(server: StandIn) -> None:
    server.will(AS_FRAME, GOOD)
    async with model_at(server, "qwen3.8-flash") as model:
        assert (await hear(model)).text == TEXT_OF_GOOD

    assert [asked.path for asked in server.asked] == [PICTURES, TEXT]


async def test_two_wrong_endpoints_give_the_first_error_and_nothing_is_remembered(
    server: StandIn,
) -> None:
    server.will(AS_STATUS, AS_FRAME, AS_FRAME, GOOD)
    async with model_at(server) as model:
        heard = await hear(model)
        assert isinstance(heard.error, RejectedRequestError)
        assert heard.error.kind == "wrong_path"
        assert heard.error.status == 400
        assert (await hear(model)).error is None

    assert [asked.path for asked in server.asked] == [TEXT, PICTURES, TEXT, PICTURES]


async def test_another_error_of_the_other_endpoint_is_the_error(server: StandIn) -> None:
    server.will(AS_STATUS, Reply.of(recording("err_400_native_input_too_long.json")))
    async with model_at(server) as model:
        heard = await hear(model)

    assert isinstance(heard.error, RejectedRequestError)
    assert heard.error.kind == "context_length"
    assert heard.error.attempts == 2


async def test_an_endpoint_that_has_answered_is_not_left_any_more(server: StandIn) -> None:
    server.will(GOOD, AS_STATUS)
    async with model_at(server) as model:
        assert (await hear(model)).error is None
        heard = await hear(model)

    assert isinstance(heard.error, RejectedRequestError)
    assert len(server.asked) == 2


async def test_a_switch_repeats_no_warning(server: StandIn) -> None:
    server.will(AS_FRAME, GOOD)
    known = Capabilities(ignored=frozenset({"top_p"}))
    async with DashScopeModel("new", api_key=KEY, base_url=server.url, capabilities=known) as model:
        heard = await hear(model, ChatRequest("hi", options=ChatOptions(top_p=0.5)))

    assert [type(event) for event in heard.events].count(ModelWarning) == 1


async def test_a_picture_for_an_unknown_model_goes_to_the_endpoint_of_pictures(
    server: StandIn,
) -> None:
    server.will(GOOD)
    picture = UserMessage(["what?", ImagePart(url="https://example.org/p.png")])
    async with model_at(server, "model-of-tomorrow") as model:
        assert (await hear(model, ChatRequest(picture))).error is None
        assert (await hear(model)).error is None

    # A model has one endpoint, so text goes there now too.
    assert [asked.path for asked in server.asked] == [PICTURES, PICTURES]


async def test_a_picture_cannot_be_switched_to_text(server: StandIn) -> None:
    server.will(AS_STATUS)
    picture = UserMessage(["what?", ImagePart(url="https://example.org/p.png")])
    async with model_at(server, "qwen3-vl-plus") as model:
        heard = await hear(model, ChatRequest(picture))

    assert isinstance(heard.error, RejectedRequestError)
    assert heard.error.kind == "wrong_path"
    assert len(server.asked) == 1
