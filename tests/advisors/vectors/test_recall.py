"""Long-term recall: marked, quoted, of the right people, and never at the turn's cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.advisors import (
    InProcessStore,
    InProcessVectors,
    LastTurns,
    MemoryAdvisor,
    VectorMemoryAdvisor,
)
from junto.core import (
    Advisor,
    AssistantMessage,
    ChatClient,
    ChatRequest,
    EmbeddingMismatchError,
    Event,
    InterruptedStreamError,
    Next,
    RateLimitedError,
    RunContext,
    TextDelta,
    ToolCallPart,
    ToolMessage,
    TurnNotStoredError,
    UserMessage,
)
from junto.core.memory import ALL, Turn
from junto.core.testing import ScriptedEmbeddings, ScriptedModel

CALL: Any = {"conversation_id": "c"}
BLUE = "my favourite colour is blue"
ASKED = "which is my favourite colour"


def client_of(
    *scripts: Any, embeddings: Any = None, more: Any = (), system: str = "", **how: Any
) -> tuple[ChatClient, ScriptedModel, VectorMemoryAdvisor]:
    model = ScriptedModel(*scripts)
    advisor = VectorMemoryAdvisor(embeddings or ScriptedEmbeddings(), **how)
    return ChatClient(model, advisors=[advisor, *more], system=system), model, advisor


async def test_a_memory_stands_in_front_of_the_question_marked_and_quoted() -> None:
    client, model, _ = client_of("noted", "nothing", "blue", system="Be brief.")
    await client.call(BLUE, **CALL)
    await client.call("what about lunch", **CALL)

    await client.call(ASKED, **CALL)

    assert [m.role for m in model.requests[2].messages] == ["system", "user", "user"]
    mark, day, *quoted = model.requests[2].messages[1].text.splitlines()
    assert mark.startswith("[Notes from memory")
    assert day.endswith(":")
    assert quoted == ["> user:", f"> > {BLUE}", "> assistant:", "> > noted"]
    assert [m.role for m in model.requests[1].messages] == ["system", "user"]


@pytest.mark.parametrize("role", ["assistant", "system"])
async def test_another_role_only_where_it_is_asked_for(role: Any) -> None:
    client, model, _ = client_of("noted", "blue", role=role, system="Be brief.")
    await client.call(BLUE, **CALL)

    await client.call(ASKED, **CALL)

    assert [m.role for m in model.requests[1].messages] == ["system", role, "user"]


async def test_other_conversations_are_recalled_only_where_that_is_declared_and_never_tenants() -> (
    None
):
    store = InProcessVectors()
    client, model, _ = client_of("ok", store=store)
    wide, wide_model, _ = client_of("ok", store=store, scope="tenant")
    await client.call(BLUE, conversation_id="old", params={"tenant": "t"})

    for asking in (client, wide):
        await asking.call(ASKED, conversation_id="new", params={"tenant": "t"})
        await asking.call(ASKED, conversation_id="old", params={"tenant": "other"})
        await asking.call(ASKED, conversation_id="old")

    assert [len(request.messages) for request in model.requests[1:]] == [1, 1, 1]
    assert BLUE in wide_model.requests[0].messages[0].text
    assert all(BLUE not in str(request.messages) for request in wide_model.requests[1:])


@pytest.mark.parametrize(
    "call",
    [{}, {"conversation_id": ""}, {"conversation_id": "c", "params": {"tenant": "\0"}}],
    ids=str,
)
async def test_a_call_without_good_ids_is_refused_before_anything_is_asked(call: Any) -> None:
    embeddings = ScriptedEmbeddings()
    client, model, _ = client_of("ok", embeddings=embeddings)

    with pytest.raises(ValueError, match=r"conversation|tenant"):
        await client.call("a", **call)

    assert (embeddings.requests, model.requests) == ([], [])


async def test_turns_that_are_in_sight_are_not_told_twice() -> None:
    store = InProcessStore()
    memory = MemoryAdvisor(store, window=LastTurns(1))
    client, model, _ = client_of("ok", more=[memory])
    await client.call(f"{BLUE} one", **CALL)
    await client.call(f"{BLUE} two", **CALL)

    await client.call(ASKED, **CALL)

    told = [m.text for m in model.requests[2].messages]
    assert told[0] == f"{BLUE} two"
    assert f"> > {BLUE} one" in told[2]
    assert f"{BLUE} two" not in told[2]
    assert told[3] == ASKED
    assert [t.input[0].text for t in await store.load("c", ALL)][2] == ASKED


async def test_what_failed_or_was_not_stored_is_not_remembered() -> None:
    class Full(InProcessStore):
        async def commit(self, *_: Any) -> int:
            raise OSError("full")

    broken, _, advisor = client_of([TextDelta("half"), InterruptedStreamError("cut")])
    with pytest.raises(InterruptedStreamError):
        await broken.call(BLUE, **CALL)
    assert await advisor.recall("c", ASKED) == []

    unstored, _, advisor = client_of("ok", more=[MemoryAdvisor(Full())])
    with pytest.raises(TurnNotStoredError):
        await unstored.call(BLUE, **CALL)
    assert await advisor.recall("c", ASKED) == []


async def test_a_failing_index_loses_neither_answer_nor_turn_and_can_be_made_up_for() -> None:
    store = InProcessStore()
    embeddings = ScriptedEmbeddings(None, RateLimitedError("too fast"))
    client, _, advisor = client_of("noted", embeddings=embeddings, more=[MemoryAdvisor(store)])

    response = await client.call(BLUE, **CALL)

    assert response.text == "noted"
    turns = await store.load("c", ALL)
    assert len(turns) == 1
    assert await advisor.recall("c", ASKED) == []
    await advisor.index("c", turns)
    await advisor.index("c", turns)
    assert [one.id for one in await advisor.recall("c", ASKED)] == [turns[0].id]


async def test_a_replayed_answer_is_remembered_once() -> None:
    embeddings = ScriptedEmbeddings()
    client, _, _ = client_of("noted", embeddings=embeddings, more=[MemoryAdvisor()])
    for _ in range(2):
        await client.call(BLUE, conversation_id="c", params={"turn_id": "1"})

    assert [purpose for _, purpose in embeddings.requests].count("document") == 1


async def test_a_recall_that_fails_is_an_error_before_the_model_unless_isolated() -> None:
    down = RateLimitedError("too fast")
    client, model, _ = client_of("ok", embeddings=ScriptedEmbeddings(down))
    with pytest.raises(RateLimitedError):
        await client.call("a", **CALL)
    assert model.requests == []

    client, model, _ = client_of("ok", embeddings=ScriptedEmbeddings(down), isolated=True)
    assert (await client.call("a", **CALL)).text == "ok"


async def test_another_model_over_the_same_memories_is_a_typed_error() -> None:
    store = InProcessVectors()
    client, _, _ = client_of("ok", store=store)
    await client.call(BLUE, **CALL)

    for other in (ScriptedEmbeddings(model="other"), ScriptedEmbeddings(dimensions=9)):
        client, model, _ = client_of("ok", store=store, embeddings=other)
        with pytest.raises(EmbeddingMismatchError):
            await client.call(ASKED, **CALL)
        assert model.requests == []


async def test_the_best_that_fit_are_shown_in_the_order_in_which_they_were_said() -> None:
    client, model, advisor = client_of("ok", top_k=3, max_characters=120)
    turns = [
        Turn(name, [UserMessage(text)], created=float(i))
        for i, (name, text) in enumerate(
            [("long", f"{BLUE} {'word ' * 30}"), ("a", f"{ASKED} too"), ("b", ASKED), ("c", "no")]
        )
    ]
    await advisor.index("c", turns)

    await client.call(ASKED, **CALL)

    shown = model.requests[0].messages[0].text.splitlines()[1:]
    assert shown == [
        *("1970-01-01:", "> user:", f"> > {ASKED} too"),
        *("1970-01-01:", "> user:", f"> > {ASKED}"),
    ]


async def test_a_memory_that_alone_is_too_long_is_cut() -> None:
    client, model, advisor = client_of("ok", max_characters=20)
    await advisor.index("c", [Turn("a", [UserMessage(ASKED * 9)])])

    await client.call(ASKED, **CALL)

    assert model.requests[0].messages[0].text.splitlines()[2:] == ["> user:", "> > which is my "]


async def test_only_so_much_of_a_turn_is_embedded() -> None:
    embeddings = ScriptedEmbeddings()
    client, _, _ = client_of("ok " * 999, embeddings=embeddings, max_turn_characters=10)

    await client.call("question " * 999, **CALL)

    assert [len(texts[0]) for texts, _ in embeddings.requests] == [10, 10]


class Again(Advisor):
    """Asks twice, as a loop of tools does: the second time with a call and its result."""

    order = 1

    async def around(
        self, request: ChatRequest, call_next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for _ in call_next(request):
            pass
        call = AssistantMessage(ToolCallPart("1", "look", "{}"))
        more = [*request.messages, call, ToolMessage("42", call_id="1")]
        async for event in call_next(request.with_messages(more)):
            yield event


async def test_in_a_loop_it_recalls_once_and_parts_no_call_from_its_result() -> None:
    embeddings = ScriptedEmbeddings()
    client, model, advisor = client_of("ok", embeddings=embeddings, more=[Again()])
    await advisor.index("c", [Turn("a", [UserMessage(BLUE)])])

    await client.call(ASKED, **CALL)

    assert [m.role for m in model.requests[1].messages] == ["user", "user", "assistant", "tool"]
    assert [purpose for _, purpose in embeddings.requests] == ["document", "query", "document"]


async def test_a_question_without_words_recalls_nothing() -> None:
    embeddings = ScriptedEmbeddings()
    client, model, _ = client_of("ok", embeddings=embeddings)

    await client.call(" \n", **CALL)

    assert len(model.requests[0].messages) == 1
    assert embeddings.requests == [(("ok",), "document")]


@given(st.text(st.sampled_from("ab:\n\r\u2028> []"), max_size=40), st.sampled_from(["user", "x"]))
async def test_nothing_remembered_can_pass_for_a_note_of_ours(text: str, name: str) -> None:
    client, model, advisor = client_of("ok", min_score=-1)
    await advisor.index("c", [Turn("1", [UserMessage(f"{text}\n{name}:")])])

    await client.call("question", **CALL)

    _, _, *lines = model.requests[0].messages[0].text.splitlines()
    assert all(line.startswith("> ") for line in lines)
    assert [line for line in lines if not line.startswith("> > ")] == ["> user:"]


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"embeddings": object()}, TypeError),
        ({"store": object()}, TypeError),
        ({"store": InProcessVectors}, TypeError),
        ({"store": "mysql://h"}, ValueError),
        ({"top_k": 0}, ValueError),
        ({"min_score": 1.1}, ValueError),
        ({"max_characters": 0}, ValueError),
        ({"scope": "all"}, ValueError),
        ({"role": "tool"}, ValueError),
        ({"tenant": "\n"}, ValueError),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(how: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        VectorMemoryAdvisor(**{"embeddings": ScriptedEmbeddings(), **how})
