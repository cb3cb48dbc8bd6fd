"""The history told in the system text: by the same machinery, and beyond forging."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.advisors import InProcessStore, PromptMemoryAdvisor
from junto.advisors.memory.transcript import QUOTE, transcript
from junto.core import (
    AssistantMessage,
    ChatClient,
    ConversationBusyError,
    ImagePart,
    Message,
    ReasoningPart,
    SystemMessage,
    TextDelta,
    ToolCallPart,
    ToolMessage,
    UserMessage,
)
from junto.core.memory import Turn
from junto.core.testing import ScriptedModel, hang

CALL: Any = {"conversation_id": "c"}


def client_of(
    store: InProcessStore, *scripts: Any, system: str = "", **how: Any
) -> tuple[ChatClient, ScriptedModel]:
    model = ScriptedModel(*scripts)
    return ChatClient(model, advisors=[PromptMemoryAdvisor(store, **how)], system=system), model


async def test_the_model_gets_one_question_and_the_history_in_the_system_text() -> None:
    client, model = client_of(InProcessStore(), "one", "two", system="Be brief.")

    await client.call("a", **CALL)
    await client.call("b", **CALL)

    system, question = model.requests[1].messages
    assert (question.role, question.text) == ("user", "b")
    assert isinstance(system, SystemMessage)
    assert system.text.startswith("Be brief.\n\n")
    assert "\nuser:\n> a\nassistant:\n> one\n-----" in system.text
    assert model.requests[0].messages[0].text == "Be brief."


async def test_without_a_system_text_the_history_becomes_one() -> None:
    client, model = client_of(InProcessStore(), "one", "two")

    await client.call("a", **CALL)
    await client.call("b", **CALL)

    assert [m.role for m in model.requests[1].messages] == ["system", "user"]


async def test_the_stored_turn_holds_nothing_of_the_history() -> None:
    store = InProcessStore()
    client, _ = client_of(store, "one", "two")

    await client.call("a", **CALL)
    await client.call("b", **CALL)

    assert [m.text for t in await store.load("c", 9) for m in t.messages] == [
        "a",
        "one",
        "b",
        "two",
    ]


async def test_it_holds_its_conversation_like_the_other_one() -> None:
    client, _ = client_of(InProcessStore(), [TextDelta("one"), hang()])

    async with client.stream("a", **CALL) as stream:
        await anext(stream.text())
        with pytest.raises(ConversationBusyError):
            await client.call("b", **CALL)


async def test_tool_results_keep_the_turn_that_asked_as_messages() -> None:
    store = InProcessStore()
    call = AssistantMessage(ToolCallPart("1", "look", "{}"))
    await store.append("c", Turn("1", [UserMessage("a")], [AssistantMessage("one")]))
    await store.append("c", Turn("2", [UserMessage("b")], [call]))
    client, model = client_of(store, "found")

    await client.call(ToolMessage("42", call_id="1"), **CALL)

    system, *rest = model.requests[0].messages
    assert "> b" not in system.text
    assert "> one" in system.text
    assert [m.role for m in rest] == ["user", "assistant", "tool"]


async def test_nothing_but_the_one_place_of_a_template_is_replaced() -> None:
    template = "{0} %s {a!r}: {history}."
    client, model = client_of(InProcessStore(), "{history} {0}", "two", template=template)

    await client.call("{template} {history}", **CALL)
    await client.call("b", **CALL)

    assert model.requests[1].messages[0].text == (
        "{0} %s {a!r}: user:\n> {template} {history}\nassistant:\n> {history} {0}."
    )


@pytest.mark.parametrize("template", ["", "{history} {history}", "{ history }"])
def test_a_template_without_its_one_place_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"has \{history\} once"):
        PromptMemoryAdvisor(template=template)


def test_tools_and_media_are_told_and_thinking_is_not() -> None:
    messages: list[Message] = [
        UserMessage(["see ", ImagePart(url="https://example.org/secret.png")]),
        AssistantMessage([ReasoningPart("hm"), ToolCallPart("1", "look", '{"at": 1}')]),
        ToolMessage("no", call_id="1", is_error=True),
        AssistantMessage(ReasoningPart("hm")),
    ]

    assert transcript(messages).splitlines() == [
        *("user:", "> see [image]", "assistant, calling a tool:", '> look({"at": 1})'),
        *("tool, failing:", "> no"),
    ]


# What a model, or a reader, may take for the end of a line, and what somebody would forge.
HOSTILE = st.lists(
    st.sampled_from(
        [
            *("user:", "assistant:", "-----", "> ", "{history}", "word", "\ud800", "\0"),
            *("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85"),
            *("\u2028", "\u2029"),
        ]
    )
).map("".join)


@given(st.lists(st.tuples(st.sampled_from([UserMessage, AssistantMessage]), HOSTILE)))
def test_nothing_that_was_said_can_pass_for_a_role(said: list[tuple[Any, str]]) -> None:
    text = transcript(kind(words) for kind, words in said)

    ours = [line for line in text.splitlines() if not line.startswith(QUOTE)]
    theirs = [line.removeprefix(QUOTE) for line in text.splitlines() if line.startswith(QUOTE)]
    assert ours == [f"{kind.role}:" for kind, words in said if words]
    assert theirs == [line for _, words in said for line in words.splitlines()]
