"""What the tests of this provider share."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from attrs import frozen

from junto.core import (
    ChatError,
    ChatRequest,
    Event,
    Finish,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageUpdate,
)
from junto.providers.dashscope import DashScopeModel

from ...standin import StandIn

KEY = "sk-0123456789abcdef-secret"


@pytest.fixture(autouse=True)
def _no_key_of_the_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in (
        "DASHSCOPE_API_KEY",
        "AI_DASHSCOPE_API_KEY",
        "DASHSCOPE_API_KEY_FILE_PATH",
        "DASHSCOPE_HTTP_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn() as standing:
        yield standing


@pytest.fixture
async def model(server: StandIn) -> AsyncIterator[DashScopeModel]:
    async with DashScopeModel("qwen-plus", api_key=KEY, base_url=server.url) as asked:
        yield asked


@frozen
class Heard:
    """A stream, summed up."""

    text: str
    reasoning: str
    tool_calls: list[dict[str, str]]
    usage: Usage | None
    finish: Finish | None
    error: ChatError | None
    events: list[Event]

    def same(self, other: "Heard") -> bool:
        """Whether the other heard the same, however it was cut."""
        return (
            self.text,
            self.reasoning,
            self.tool_calls,
            self.usage,
            self.finish,
            str(self.error),
        ) == (
            other.text,
            other.reasoning,
            other.tool_calls,
            other.usage,
            other.finish,
            str(other.error),
        ) and type(self.error) is type(other.error)


def sum_up(events: Iterable[Event], error: ChatError | None = None) -> Heard:
    events = list(events)
    calls: dict[int, dict[str, str]] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            call = calls.setdefault(event.index, {"id": "", "name": "", "arguments": ""})
            call["id"] += event.id
            call["name"] += event.name
            call["arguments"] += event.arguments
    usages = [event.usage for event in events if isinstance(event, UsageUpdate)]
    finishes = [event for event in events if isinstance(event, Finish)]
    assert len(finishes) <= 1
    assert not finishes or events[-1] is finishes[0]
    return Heard(
        "".join([e.text for e in events if isinstance(e, TextDelta)]),
        "".join([e.text for e in events if isinstance(e, ReasoningDelta)]),
        [calls[index] for index in sorted(calls)],
        usages[-1] if usages else None,
        finishes[0] if finishes else None,
        error,
        events,
    )


async def hear(model: DashScopeModel, request: ChatRequest | str = "你好") -> Heard:
    """Read a stream to its end, whatever the end is."""
    events: list[Event] = []
    try:
        async for batch in model.stream(
            ChatRequest(request) if isinstance(request, str) else request
        ):
            events += batch
    except ChatError as error:
        return sum_up(events, error)
    return sum_up(events)
