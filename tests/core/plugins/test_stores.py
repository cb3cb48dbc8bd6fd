"""A store by its plugin's name or by its address."""

from __future__ import annotations

from typing import Any

import pytest

from junto.advisors import InProcessStore, MemoryAdvisor
from junto.core import ChatClient, PluginError, resolve_store
from junto.core.testing import ScriptedModel

from .conftest import Installed

STORE = """
    class Store:
        def __init__(self, where: str = "nowhere", *, limit: int = 1):
            self.where, self.limit, self.closed = where, limit, 0
        async def load(self, conversation, limit): return ()
        async def append(self, conversation, turn): ...
        async def clear(self, conversation): ...
        async def conversations(self): return ()
        async def aclose(self): self.closed += 1
    class NoStore:
        pass
    ready = Store("ready")
"""


@pytest.fixture(autouse=True)
def announced(installed: Installed) -> None:
    entries = {"zzfile": "Store", "zzsql": "Store", "zzno": "NoStore", "zzready": "ready"}
    stores = {name: f"zz_store:{value}" for name, value in entries.items()}
    installed.distribution("zz-store", {"memory": stores})
    installed.module("zz_store", STORE)


@pytest.mark.parametrize("name", ["memory", "memory:", "memory?max_turns=5"])
def test_the_store_in_this_process_has_a_name(name: str) -> None:
    assert isinstance(resolve_store(name), InProcessStore)


@pytest.mark.parametrize(
    ("name", "where", "limit"),
    [
        ("zzfile", "nowhere", 1),
        ("zzfile:", "nowhere", 1),
        ("zzfile:chat.json", "chat.json", 1),
        ("zzfile:chat.json?limit=5", "chat.json", 5),
        ("zzfile?limit=5", "nowhere", 5),
        ("zzsql:///chat.db", "zzsql:///chat.db", 1),
        ("zzsql://u:p@host/db?limit=5", "zzsql://u:p@host/db?limit=5", 1),
    ],
)
def test_an_address_is_given_whole_to_the_plugin_of_its_scheme(
    name: str, where: str, limit: int
) -> None:
    store = resolve_store(name)

    assert (store.where, store.limit) == (where, limit)


def test_a_store_may_be_ready_as_it_is() -> None:
    assert resolve_store("zzready").where == "ready"


@pytest.mark.parametrize("name", ["zzsqk://user:hunter2@host/db", "zzsqk:hunter2"])
def test_an_unknown_scheme_names_the_nearest_and_no_password(name: str) -> None:
    with pytest.raises(PluginError, match="no memory store 'zzsqk'; did you mean 'zzsql'") as e:
        resolve_store(name)

    assert "hunter2" not in str(e.value)


async def test_the_memory_advisor_takes_a_name_and_closes_what_it_made() -> None:
    async with ChatClient(ScriptedModel(), advisors=["memory?store=zzsql:///a.db"]) as client:
        memory: Any = client.chain.entries[0].advisor
        assert memory.store.where == "zzsql:///a.db"
        assert memory.store.closed == 0
    assert memory.store.closed == 1

    mine = resolve_store("zzfile")
    given = MemoryAdvisor(mine)
    await given.aclose()
    assert mine.closed == 0
    await MemoryAdvisor("memory").aclose()


def test_what_is_no_store_is_refused_by_the_advisor() -> None:
    with pytest.raises(TypeError, match="a memory store has load, append"):
        MemoryAdvisor("zzno")
