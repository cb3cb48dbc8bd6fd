"""What a newcomer gets wrong is told in words that say what to write."""

from __future__ import annotations

import copy
import pickle
from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.core import (
    Advisor,
    AdvisorContractError,
    ChatClient,
    ChatOptions,
    ChatRequest,
    ChatResponse,
    ContextKey,
    Event,
    FinishReason,
    PluginError,
    ProtocolError,
    RunContext,
    TextDelta,
    Tool,
    UserMessage,
)
from junto.core.testing import ScriptedModel


class Mute:
    """A model that never says that it has finished."""

    provider = "mute"
    model = "m"

    def __init__(self, *events: Any) -> None:
        self.events = events

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
        for event in self.events:
            yield event

    async def aclose(self) -> None: ...


async def test_a_forgotten_finish_is_made_up_in_the_response_as_in_the_stream() -> None:
    response = await ChatClient(Mute(TextDelta("x"))).call("q")

    assert response.finish_reason is FinishReason.UNKNOWN


async def test_a_model_that_gives_no_event_is_named() -> None:
    with pytest.raises(ProtocolError, match=r"Mute object .* gave str, which is no event"):
        await ChatClient(Mute("text")).call("q")


async def test_an_around_that_gives_no_event_is_named() -> None:
    class Wrong(Advisor):
        async def around(self, request: Any, next: Any, ctx: Any) -> AsyncIterator[Any]:
            yield "text"

    client = ChatClient(ScriptedModel("x"), advisors=[Wrong()])

    with pytest.raises(AdvisorContractError, match="around of advisor 'Wrong' gave str") as caught:
        await client.call("q")

    assert caught.value.advisor == "Wrong"


@pytest.mark.parametrize(
    "value",
    [
        ChatResponse.of("x", metadata={"a": 1}),
        ChatRequest("x", options=ChatOptions(extra={"a": [1]}, tools=[Tool("t", "", {"b": 2})])),
    ],
    ids=["response", "request"],
)
def test_values_can_be_copied_and_pickled(value: ChatRequest | ChatResponse) -> None:
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value


def test_metadata_cannot_be_written_to() -> None:
    metadata: Any = ChatResponse.of("x", metadata={"a": 1}).metadata

    with pytest.raises(TypeError):
        metadata["a"] = 2


async def test_a_prompt_takes_options_as_a_mapping() -> None:
    model = ScriptedModel("x")

    await ChatClient(model).prompt("q").options({"top_p": 0.5}).call()

    assert model.requests[0].options.top_p == 0.5


async def test_one_message_may_stand_for_a_list_of_one() -> None:
    model = ScriptedModel("x")

    await ChatClient(model).call("and?", messages=UserMessage("first"))

    assert [m.text for m in model.requests[0].messages] == ["first", "and?"]


async def test_a_save_may_be_an_ordinary_function() -> None:
    saved: list[str] = []

    class Saves(Advisor):
        async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
            save: Any = lambda response: saved.append(response.text)  # noqa: E731  as users do
            ctx.add_save(save, key=self)
            return request

    await ChatClient(ScriptedModel("x"), advisors=[Saves()]).call("q")

    assert saved == ["x"]


MISUSES: list[tuple[Any, type[Exception], str]] = [
    (lambda: ChatClient(ScriptedModel), TypeError, "class ScriptedModel: make an instance"),  # type: ignore[arg-type]
    (lambda: ChatClient("qwq-plus"), PluginError, "write provider:model"),
    (lambda: ChatClient(ScriptedModel(), advisors=Advisor()), TypeError, "is a list of advisors"),  # type: ignore[arg-type]
    (lambda: ChatClient(ScriptedModel(), options=[1]), TypeError, "options is ChatOptions"),  # type: ignore[arg-type]
    (lambda: ChatClient(ScriptedModel(), params=[1]), TypeError, "params is a mapping, not list"),  # type: ignore[arg-type]
    (
        lambda: ChatClient(ScriptedModel()).stream("q", conversation="1"),  # type: ignore[call-arg]
        TypeError,
        "did you mean 'conversation_id'",
    ),
    (
        lambda: ChatClient(ScriptedModel()).stream({"role": "user"}),  # type: ignore[arg-type]
        TypeError,
        r"UserMessage\('…'\), not dict",
    ),
    (lambda: UserMessage(b"x"), TypeError, "not bytes"),  # type: ignore[arg-type]
    (lambda: RunContext().__setitem__("a", 1), TypeError, "written by a ContextKey"),  # type: ignore[index]
]


@pytest.mark.parametrize(("misuse", "error", "words"), MISUSES)
def test_a_mistake_is_told_with_its_remedy(misuse: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        misuse()


def test_a_context_key_writes_here_and_is_read_further_in() -> None:
    key = ContextKey[int]("k")
    outer = RunContext()
    outer[key] = 1

    inner = outer.child()
    assert inner[key] == 1
    inner[key] = 2

    assert (outer[key], inner[key]) == (1, 2)
