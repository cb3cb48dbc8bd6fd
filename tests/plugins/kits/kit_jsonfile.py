"""The JSON-file store, found by its name, under the kit for stores."""

from pathlib import Path

import pytest

from junto.advisors import MemoryStore, Turn
from junto.core import AssistantMessage, ToolCallPart, ToolMessage, UserMessage, resolve_store

TURN = Turn(
    "1",
    [
        UserMessage("Which is it?"),
        AssistantMessage([ToolCallPart("a", "look")]),
        ToolMessage("red", call_id="a"),
        AssistantMessage("Red."),
    ],
)


class MemoryKit:
    """Stands where MemoryContract will."""

    async def test_what_is_stored_comes_back(self, store: MemoryStore) -> None:
        for turn in (TURN, TURN, Turn("2", [UserMessage("And now?")])):
            await store.append("a", turn)

        assert [turn.id for turn in await store.load("a", 9)] == ["1", "2"]
        assert [turn.id for turn in await store.load("a", 1)] == ["2"]
        assert list(await store.load("a", 0)) == []
        assert (await store.load("a", 9))[0] == TURN
        assert list(await store.load("b", 9)) == []

        await store.clear("a")
        assert list(await store.conversations()) == []


class TestJsonFile(MemoryKit):
    @pytest.fixture
    def store(self, tmp_path: Path) -> MemoryStore:
        store: MemoryStore = resolve_store(f"jsonfile:{tmp_path / 'turns.json'}")
        return store
