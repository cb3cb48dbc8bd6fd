"""What a client takes and gives, as type checkers see it.  Checked by `make types`, never run."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, assert_type

from junto.advisors import MemoryAdvisor
from junto.core import (
    Advisor,
    AssistantMessage,
    ChatClient,
    ChatModel,
    ChatOptions,
    ChatRequest,
    ChatResponse,
    ChatStream,
    ContextKey,
    Event,
    Explanation,
    FinishReason,
    ModelLike,
    Outcome,
    Prompt,
    RunContext,
    SyncChatClient,
    SyncChatStream,
    TextDelta,
    ToolCallPart,
    Usage,
    UserMessage,
    collect,
    resolve_advisor,
    resolve_model,
)
from junto.core.testing import ScriptedModel
from junto.providers.dashscope import DashScopeModel


async def ask_a_client(client: ChatClient) -> None:
    """Every way to ask."""
    assert_type(await client.call("Why?"), ChatResponse)
    assert_type(await client.call(UserMessage("Why?"), options={"top_p": 0.7}), ChatResponse)
    assert_type(client.prompt("Why?").system("Be brief.").options(top_p=0.7), Prompt)
    assert_type(
        await client.prompt("Why?").advisors("memory").without("memory").call(), ChatResponse
    )
    assert_type(client.explain(), Explanation)
    assert_type(client.mutate(system="Be brief."), ChatClient)
    assert_type(client.options, ChatOptions)
    assert_type(client.model, ChatModel)
    async with client as entered:
        assert_type(entered, ChatClient)


async def read_a_stream(client: ChatClient) -> None:
    """Every way to read."""
    async with client.stream("Why?", conversation_id="42") as answer:
        assert_type(answer, ChatStream)
        async for event in answer:
            assert_type(event, Event)
            if isinstance(event, TextDelta):
                assert_type(event.text, str)
        async for piece in answer.text():
            assert_type(piece, str)
        assert_type(await answer.response(), ChatResponse)
        assert_type(answer.outcome, Outcome | None)
        assert_type(answer.context, RunContext)


def look_at_a_response(response: ChatResponse) -> None:
    """What it holds."""
    assert_type(response.text, str)
    assert_type(response.message, AssistantMessage)
    assert_type(response.tool_calls, tuple[ToolCallPart, ...])
    assert_type(response.usage, Usage)
    assert_type(response.usage.input_tokens, int | None)
    assert_type(response.finish_reason, FinishReason | None)
    assert_type(response.metadata, Mapping[str, Any])
    assert_type(response.with_metadata(a=1), ChatResponse)


def ask_and_wait() -> None:
    """The synchronous face."""
    with SyncChatClient("local", advisors=["memory"]) as client:
        assert_type(client, SyncChatClient)
        assert_type(client.call("Why?"), ChatResponse)
        with client.stream("Why?") as answer:
            assert_type(answer, SyncChatStream)
            for piece in answer.text():
                assert_type(piece, str)


async def parrot(request: ChatRequest) -> AsyncIterator[Event]:
    """Stand for a model."""
    yield TextDelta(request.user_text)


def give_it_any_model() -> None:
    """A name, a function, or an instance, with a base or without."""
    assert_type(resolve_model("dashscope:qwq-plus"), ChatModel)
    assert_type(resolve_advisor("memory"), Advisor)
    models: list[ModelLike] = ["local", parrot, ScriptedModel("Hello"), DashScopeModel("qwq-plus")]
    for model in models:
        assert_type(ChatClient(model), ChatClient)
    memory = MemoryAdvisor("memory:", max_messages=3)
    ChatClient("local", advisors=["memory?max_messages=20", memory]).mutate(without=[memory])


def keep_what_belongs_to_a_run(ctx: RunContext, key: ContextKey[int]) -> None:
    """A key carries the type of its value."""
    ctx[key] = 1
    assert_type(ctx[key], int)
    assert_type(ctx.get(key), int | None)
    assert_type(collect([TextDelta("Hello")]), ChatResponse)
