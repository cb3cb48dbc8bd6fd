"""The store goes away at the edges of a turn: the answer is never lost, and never doubled."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from junto.advisors import Concurrency, MemoryAdvisor, PostgresStore, RedisStore, SQLiteStore
from junto.core import (
    ChatClient,
    ConversationBusyError,
    StoreUnavailableError,
    TextDelta,
    TurnNotStoredError,
)
from junto.core.memory import ALL, ConversationKey
from junto.core.testing import ScriptedModel

from ...servers import Servers
from .factories import reached
from .proxy import Proxy

KEY = ConversationKey("edges")
MARK = "a question that is looked for on its way"
# Seconds that a step of a store may take.
PATIENCE = 1.0


class Locked:
    """A SQLite file that somebody else has locked: as good as gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._other: sqlite3.Connection | None = None

    async def down(self) -> None:
        self._other = await asyncio.to_thread(self._lock)

    def _lock(self) -> sqlite3.Connection:
        other = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        return other

    async def up(self) -> None:
        if self._other is not None:
            self._other.close()
            self._other = None


class Edge:
    """A store, and what stands between it and what it keeps."""

    def __init__(self, store: Any, between: Any) -> None:
        self.store = store
        self.between = between
        self.asked = 0

    async def ask(self, *steps: Any, how: Concurrency = "reject", **params: Any) -> str:
        """Ask; the steps come before the answer."""
        advisor = MemoryAdvisor(self.store, concurrency=how, lease_seconds=60)
        model = ScriptedModel([*steps, TextDelta("the answer")])
        client = ChatClient(model, advisors=[advisor])
        try:
            response = await client.call(MARK, conversation_id=KEY.conversation, params=params)
        finally:
            self.asked += len(model.requests)
        return response.text

    async def kept(self) -> list[str]:
        return [turn.id for turn in await self.store.load(KEY, ALL)]


ON_WIRES = ["postgres", "redis"]
AWAY = [("sqlite", "down"), *((kind, how) for kind in ON_WIRES for how in ("down", "hang"))]


@pytest.fixture
async def edge(
    request: pytest.FixtureRequest, servers: Servers, tmp_path: Path
) -> AsyncIterator[Edge]:
    """A store of each kind, in use, whose server can be taken away."""
    if request.param == "sqlite":
        path = tmp_path / "chat.db"
        file = Edge(SQLiteStore(path, timeout=PATIENCE), Locked(path))
        await file.store.clear(KEY)
        yield file
        await file.between.up()
        await file.store.aclose()
        return
    address = reached(getattr(servers, request.param))
    async with Proxy(address) as proxy:

        def made(**more: Any) -> Any:
            if request.param == "postgres":
                return PostgresStore(proxy.address, **more)
            return RedisStore(proxy.address, prefix=servers.own, **more)

        # One that takes its time makes tables, and teaches the server its scripts.
        patient = made()
        await patient.clear(KEY)
        await Edge(patient, proxy).ask(turn_id="before")
        await patient.clear(KEY)
        await patient.aclose()
        store = made(timeout=PATIENCE)
        yield Edge(store, proxy)
        await proxy.up()
        await store.clear(KEY)
        await store.aclose()


@pytest.fixture
def wire(edge: Edge) -> Proxy:
    assert isinstance(edge.between, Proxy)
    return edge.between


@pytest.mark.parametrize(("edge", "how"), AWAY, indirect=["edge"])
async def test_no_model_is_asked_while_the_store_is_away(edge: Edge, how: str) -> None:
    await getattr(edge.between, how)()

    with pytest.raises(StoreUnavailableError):
        await edge.ask(turn_id="t")

    assert edge.asked == 0
    await edge.between.up()
    assert await edge.ask(turn_id="t") == "the answer"


@pytest.mark.parametrize(("edge", "how"), AWAY, indirect=["edge"])
async def test_an_answer_whose_commit_fails_is_handed_over_later(edge: Edge, how: str) -> None:
    with pytest.raises(TurnNotStoredError) as caught:
        await edge.ask(getattr(edge.between, how), turn_id="t")

    error = caught.value
    assert error.response is not None
    assert (error.response.text, error.turn_id, error.key) == ("the answer", "t", KEY)
    assert isinstance(error.__cause__, StoreUnavailableError)
    await edge.between.up()
    for _ in range(2):
        await edge.store.append(error.key, error.turn)
    assert await edge.kept() == ["t"]
    assert await edge.ask(turn_id="t") == "the answer"
    assert edge.asked == 1


@pytest.mark.parametrize("edge", ["sqlite", *ON_WIRES], indirect=True)
async def test_an_answer_whose_commit_fails_can_be_asked_for_again(edge: Edge) -> None:
    with pytest.raises(TurnNotStoredError):
        await edge.ask(edge.between.down, turn_id="t")
    await edge.between.up()

    with pytest.raises(ConversationBusyError):
        await edge.ask(turn_id="t")
    # Its lease is not over yet; who knows that nobody holds it any more takes over.
    assert await edge.ask(how="interrupt", turn_id="t") == "the answer"

    assert await edge.kept() == ["t"]
    assert edge.asked == 2


@pytest.mark.parametrize("edge", ON_WIRES, indirect=True)
async def test_a_commit_whose_reply_is_lost_is_found_to_be_done(edge: Edge, wire: Proxy) -> None:
    def lose() -> None:
        wire.lose, wire.losses = MARK.encode(), 1

    assert await edge.ask(lose, turn_id="t") == "the answer"

    assert wire.losses == 0
    assert await edge.kept() == ["t"]
    assert await edge.ask(turn_id="t") == "the answer"
    assert edge.asked == 1


@pytest.mark.parametrize("edge", ON_WIRES, indirect=True)
async def test_a_commit_that_never_gets_a_reply_is_stored_once(edge: Edge, wire: Proxy) -> None:
    def lose() -> None:
        wire.lose, wire.losses = MARK.encode(), 2

    with pytest.raises(TurnNotStoredError) as caught:
        await edge.ask(lose, turn_id="t")

    assert wire.losses == 0
    assert await edge.ask(turn_id="t") == "the answer"
    assert edge.asked == 1
    await edge.store.append(caught.value.key, caught.value.turn)
    assert await edge.kept() == ["t"]


# What PostgreSQL says when it ends a connection.
GONE = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"


@pytest.mark.parametrize("edge", ["postgres"], indirect=True)
async def test_a_server_that_takes_leave_of_an_idle_connection_is_away(
    edge: Edge, wire: Proxy
) -> None:
    await edge.kept()
    wire.tell_clients(b"E" + (len(GONE) + 4).to_bytes(4, "big") + GONE)
    # The loop reads what has come.
    for _ in range(5):
        await asyncio.sleep(0)

    with pytest.raises(StoreUnavailableError):
        await edge.ask(turn_id="t")

    assert await edge.ask(turn_id="t") == "the answer"
