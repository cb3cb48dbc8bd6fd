"""What the model sees: whole turns, and never half a round of tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from junto.advisors import (
    EstimatedTokens,
    HistoryWindow,
    InProcessStore,
    LastMessages,
    LastTurns,
    MemoryAdvisor,
    TokenBudget,
)
from junto.core import (
    AssistantMessage,
    ChatClient,
    Message,
    ToolCallPart,
    ToolMessage,
    UserMessage,
)
from junto.core.memory import ConversationKey, Turn
from junto.core.testing import ScriptedModel

KEY = ConversationKey("c")


class Words:
    """A token is a word."""

    estimated = False

    def count(self, messages: Sequence[Message]) -> int:
        return sum(len(m.text.split()) for m in messages)


def plain(text: str, answer: str = "ok") -> Turn:
    return Turn(text, [UserMessage(text)], [AssistantMessage(answer)])


def tools(text: str, rounds: int) -> Turn:
    output: list[Message] = []
    for i in range(rounds):
        output += [
            AssistantMessage([f"look {i}", ToolCallPart(str(i), "look", "{}")]),
            ToolMessage(f"found {i}", call_id=str(i)),
        ]
    return Turn(text, [UserMessage(text)], [*output, AssistantMessage("done")])


async def ids(window: HistoryWindow, turns: Sequence[Turn]) -> list[str]:
    return [t.id for t in await window.select(KEY, turns) if isinstance(t, Turn)]


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        (LastMessages(4), ["b", "c"]),
        (LastMessages(5), ["b", "c"]),
        (LastMessages(1), ["c"]),
        (LastTurns(2), ["b", "c"]),
        (LastTurns(9), ["a", "b", "c"]),
        (TokenBudget(4, counter=Words()), ["b", "c"]),
        (TokenBudget(1, counter=Words()), ["c"]),
    ],
    ids=repr,
)
async def test_a_window_takes_whole_turns_and_always_the_newest(
    window: HistoryWindow, wanted: list[str]
) -> None:
    assert await ids(window, [plain("a"), plain("b"), plain("c")]) == wanted


@pytest.mark.parametrize(
    "window", [LastMessages(2), LastTurns(1), TokenBudget(1, counter=Words())], ids=repr
)
async def test_tool_results_stay_with_the_turn_that_asked(window: HistoryWindow) -> None:
    asked = Turn("b", [UserMessage("b")], [AssistantMessage(ToolCallPart("1", "look", "{}"))])
    answered = Turn("c", [ToolMessage("42", call_id="1")], [AssistantMessage("found")])

    assert await ids(window, [plain("a"), asked, answered]) == ["b", "c"]


async def test_a_turn_that_is_too_large_is_cut_by_rounds_of_tools_where_that_is_declared() -> None:
    window = TokenBudget(6, counter=Words(), oversized="cut")

    (turn,) = await window.select(KEY, [plain("a"), tools("b", 3)])

    assert isinstance(turn, Turn)
    assert [m.text for m in turn.messages] == ["b", "look 2", "found 2", "done"]


async def test_question_and_last_answer_survive_any_cut() -> None:
    window = TokenBudget(1, counter=Words(), oversized="cut")

    (turn,) = await window.select(KEY, [tools("b", 3)])

    assert isinstance(turn, Turn)
    assert [m.text for m in turn.messages] == ["b", "done"]


async def test_a_turn_that_is_too_large_is_kept_whole_by_default() -> None:
    large = tools("b", 3)

    assert await TokenBudget(1, counter=Words()).select(KEY, [plain("a"), large]) == [large]


def test_an_estimate_says_so() -> None:
    assert TokenBudget(10).estimated
    assert not TokenBudget(10, counter=Words()).estimated
    assert "EstimatedTokens" in repr(TokenBudget(10))
    assert EstimatedTokens().count([UserMessage("four letters and more")]) == 4 + 6


async def test_a_policy_of_ones_own_can_write_messages_and_learns_of_turns() -> None:
    class Summary(HistoryWindow):
        reach = 10
        seen: list[str]

        def __init__(self) -> None:
            self.seen = []

        async def select(
            self, key: ConversationKey, turns: Sequence[Turn]
        ) -> Sequence[Turn | Message]:
            return [UserMessage("[what was before]"), *turns[-1:]] if turns else ()

        def stored(self, key: ConversationKey, turn: Turn) -> None:
            self.seen.append(turn.input[0].text)

    window, model = Summary(), ScriptedModel("ok")
    client = ChatClient(model, advisors=[MemoryAdvisor(InProcessStore(), window=window)])
    for question in "abc":
        await client.call(question, conversation_id="c")

    assert window.seen == ["a", "b", "c"]
    sent = [m.text for m in model.requests[2].messages]
    assert sent == ["[what was before]", "b", "ok", "c"]


async def test_a_call_whose_result_is_further_up_than_the_window_reaches_is_found() -> None:
    store, model = InProcessStore(), ScriptedModel("ok")
    await store.append(
        "c", Turn("1", [UserMessage("a")], [AssistantMessage(ToolCallPart("1", "look", "{}"))])
    )
    await store.append("c", Turn("2", [ToolMessage("42", call_id="1")], [AssistantMessage("b")]))
    client = ChatClient(model, advisors=[MemoryAdvisor(store, window=LastTurns(1))])

    await client.call("c", conversation_id="c")

    assert [m.role for m in model.requests[0].messages] == [
        *("user", "assistant", "tool", "assistant", "user")
    ]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: LastTurns(-1), ValueError),
        (lambda: LastTurns("1"), TypeError),  # type: ignore[arg-type]
        (lambda: TokenBudget(1, oversized="drop"), ValueError),  # type: ignore[arg-type]
        (lambda: TokenBudget(1, max_turns=-1), ValueError),
    ],
)
def test_what_is_no_window_is_refused(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()
