"""Law 1: there is one primitive, the stream; a call is the same pipeline, drained."""

from __future__ import annotations

from attrs import evolve

from junto.core import (
    AssistantMessage,
    ChatRequest,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    ReasoningPart,
    RunContext,
    Source,
    TextDelta,
    ToolCallDelta,
    ToolCallPart,
    ToolMessage,
    ToolResult,
    Usage,
    UsageUpdate,
)

from ..kit import Noted, Saver, client_of
from .lab import Provider, Stack, answer, got

EVERYTHING: list[Event] = [
    ReasoningDelta("Let me ", shown="(Let me "),
    ReasoningDelta("look.", shown="look.)", signature="seal"),
    ToolCallDelta(0, "1", "find", "{"),
    ToolCallDelta(0, arguments="}"),
    ToolResult("1", "find", "it is so"),
    TextDelta("It is "),
    Source("https://example.org/so"),
    TextDelta("so."),
    UsageUpdate(Usage(input_tokens=3, output_tokens=9)),
    Finish(FinishReason.LENGTH, {"request_id": "r-1"}),
]


async def test_law_01_a_call_gives_what_the_stream_gives(stack: Stack, cut: str) -> None:
    streamed = await got(client_of(Provider(cut, EVERYTHING), *stack.made()), "stream")
    called = await got(client_of(Provider(cut, EVERYTHING), *stack.made()), "call")

    assert called.response == streamed.response
    assert called.response.text == streamed.text == "It is so."
    assert called.response.display_text == "(Let me look.)It is so."
    assert called.response.finish_reason == "length"
    assert called.response.request_id == "r-1"
    assert called.response.usage == Usage(input_tokens=3, output_tokens=9)
    assert called.response.sources == (Source("https://example.org/so"),)
    assert called.response.messages == (
        AssistantMessage(
            [
                ReasoningPart("Let me look.", shown="(Let me look.)", signature="seal"),
                ToolCallPart("1", "find", "{}"),
            ]
        ),
        ToolMessage("it is so", call_id="1", name="find"),
        AssistantMessage("It is so."),
    )


async def test_law_01_the_hooks_run_in_the_same_order_in_both_ways(stack: Stack, cut: str) -> None:
    logs: dict[str, list[str]] = {"stream": [], "call": []}
    for way, log in logs.items():
        client = client_of(Provider(cut, answer("It is so.")), *stack.made(log), Saver(log))
        await got(client, way)

    assert logs["stream"] == logs["call"]


async def test_law_01_the_provider_and_the_hooks_are_told_which_way_is_asked(
    way: str, stack: Stack
) -> None:
    told: list[bool] = []

    def before(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        told.extend([request.stream, ctx.streaming])
        return request

    model = Provider("events", answer("It is so."))
    inner = Noted("inner", before=before)
    await got(client_of(model, *stack.made(), inner), way)

    streaming = way == "stream"
    assert told == [streaming, streaming]
    assert [request.stream for request in model.requests] == [streaming]


async def test_law_01_a_provider_may_answer_otherwise_than_it_was_asked(
    way: str, stack: Stack, cut: str
) -> None:
    model = Provider(cut, answer("It is so."))

    def turned(request: ChatRequest, ctx: RunContext) -> ChatRequest:
        return evolve(request, stream=not request.stream)

    answered = await got(client_of(model, *stack.made(), Noted("turned", before=turned)), way)

    assert answered.text == answered.response.text == "It is so."
