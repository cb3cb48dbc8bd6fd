"""What the stand-in cannot know: whether the real service still speaks as it was recorded.

Models are those of the environment's account: `JUNTO_LIVE_THINKER`, `JUNTO_LIVE_MODEL`,
`JUNTO_LIVE_VISION` and `JUNTO_LIVE_EMBEDDER` name others.  `DASHSCOPE_HTTP_BASE_URL` says
where, as always.
"""

import json
import os
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from junto.core import (
    AuthenticationError,
    ChatClient,
    ChatError,
    FinishReason,
    ImagePart,
    ModelWarning,
    ReasoningDelta,
    TextDelta,
    Tool,
    ToolMessage,
    UserMessage,
)
from junto.providers.dashscope import DashScopeModel, DashScopeOptions, Timeouts

THINKER = os.environ.get("JUNTO_LIVE_THINKER", "qwq-plus")
MODEL = os.environ.get("JUNTO_LIVE_MODEL", "qwen-plus")
VISION = os.environ.get("JUNTO_LIVE_VISION", "qwen3-vl-flash")
BOTH = pytest.mark.parametrize("dialect", ["native", "compatible"])
WEATHER = Tool(
    "weather",
    "The weather of a city, now.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)

Make = Callable[..., ChatClient]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes clients, and closes them."""
    models: list[DashScopeModel] = []

    def client(name: str, dialect: Any = "native", **more: Any) -> ChatClient:
        timeouts = Timeouts(first_event=45, progress=30)
        models.append(DashScopeModel(name, dialect=dialect, timeouts=timeouts, **more))
        return ChatClient(models[-1])

    yield client
    for model in models:
        await model.aclose()


@BOTH
async def test_a_thinker_streams_its_thought_and_its_answer_apart(make: Make, dialect: Any) -> None:
    client = make(THINKER, dialect)
    looked_for = ReasoningDelta | TextDelta | ModelWarning
    options = DashScopeOptions(top_p=0.9)
    async with client.stream("9.9 和 9.11 谁大？只答数字。", options=options) as stream:
        kinds: list[type] = [type(e) async for e in stream if isinstance(e, looked_for)]
        response = await stream.response()

    assert kinds[0] is ModelWarning
    assert kinds.index(ReasoningDelta) < kinds.index(TextDelta)
    assert "9.9" in response.text
    assert response.reasoning
    assert response.finish_reason is FinishReason.STOP
    assert response.request_id
    assert response.usage.output_tokens


@BOTH
async def test_a_plain_call_is_answered(make: Make, dialect: Any) -> None:
    response = await make(MODEL, dialect).call("Say the word apple, nothing else.")

    assert "apple" in response.text.lower()
    assert response.usage.input_tokens
    assert response.usage.total_tokens


@BOTH
async def test_a_tool_is_called_and_its_result_used(make: Make, dialect: Any) -> None:
    client = make(MODEL, dialect)
    options = DashScopeOptions(tools=[WEATHER], parallel_tool_calls=True)
    question = UserMessage("What is the weather in Beijing and in Shanghai?")
    async with client.stream(messages=[question], options=options) as stream:
        first = await stream.response()

    assert first.finish_reason is FinishReason.TOOL_CALLS
    assert all("city" in json.loads(call.arguments) for call in first.tool_calls)
    results = [ToolMessage("hail, 3 degrees", call_id=call.id) for call in first.tool_calls]
    second = await client.call(messages=[question, first.message, *results], options=options)
    assert "hail" in second.text.lower() or "3" in second.text


@BOTH
async def test_json_is_json(make: Make, dialect: Any) -> None:
    options = DashScopeOptions(response_format="json_object")
    response = await make(MODEL, dialect).call(
        'Answer in JSON, as {"capital": …}: the capital of France.', options=options
    )

    assert json.loads(response.text)["capital"] == "Paris"


@BOTH
async def test_an_answer_that_is_left_is_no_error(make: Make, dialect: Any) -> None:
    async with make(MODEL, dialect).stream("Count to five hundred.") as stream:
        async for _ in stream.text():
            break


async def test_a_picture_is_seen(make: Make) -> None:
    response = await make(VISION).prompt().user("One word: which colour?", RED).call()

    assert "red" in response.text.lower()


@BOTH
async def test_a_wrong_key_is_told(make: Make, dialect: Any) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await make(MODEL, dialect, api_key="sk-0000000000000000000000000000dead").call("hi")

    assert caught.value.status == 401
    assert caught.value.request_id


@BOTH
async def test_an_unknown_model_is_told(make: Make, dialect: Any) -> None:
    with pytest.raises(ChatError) as caught:
        await make("no-such-model-of-junto", dialect).call("hi")

    assert getattr(caught.value, "kind", "") == "model_not_found"


def _png(width: int, height: int, colour: bytes) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + crc

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    rows = (b"\0" + colour * width) * height
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


RED = ImagePart(data=_png(64, 64, b"\xff\0\0"), media_type="image/png")
