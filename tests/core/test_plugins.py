"""Names lead to providers."""

from __future__ import annotations

import importlib.metadata
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from junto.core import ChatClient, ChatError, PluginError, plugins
from junto.core.testing import ScriptedModel


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found = {"scripted": "junto.core.testing:ScriptedModel"}

    def entry_points(group: str) -> list[EntryPoint]:
        return [EntryPoint(name.rstrip("*"), value, group) for name, value in found.items()]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    return found


async def test_a_name_makes_the_model() -> None:
    async with ChatClient("scripted:Hello there") as client:
        assert isinstance(client.model, ScriptedModel)
        assert (await client.call("?")).text == "Hello there"


async def test_only_the_first_colon_parts() -> None:
    assert (await ChatClient("scripted:a: b").call("?")).text == "a: b"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("scriptd:x", "did you mean 'scripted'"),
        ("zzz", "write provider:model, with a provider of scripted"),
        ("", "write provider:model"),
    ],
)
def test_an_unknown_name_names_the_nearest(name: str, says: str, offered: dict[str, str]) -> None:
    with pytest.raises(PluginError, match=says):
        ChatClient(name)


def test_a_broken_plugin_is_an_error_for_its_own_name_only(offered: dict[str, str]) -> None:
    offered["broken"] = "no.such.module:Model"
    offered["empty"] = "junto.core.testing:NoSuchModel"
    for name in ("broken", "empty"):
        with pytest.raises(PluginError, match=f"plugin '{name}'.*cannot be loaded"):
            ChatClient(name)
    assert ChatClient("scripted:x").model.provider == "scripted"


def test_a_name_offered_twice_is_an_error_that_names_both(offered: dict[str, str]) -> None:
    offered["scripted*"] = "other.package:Model"
    with pytest.raises(PluginError, match=r"offered twice.*other.package"):
        ChatClient("scripted")


class NeedsMore:
    def __init__(self, a: str, b: str) -> None: ...


class Refuses:
    def __init__(self, model: str = "") -> None:
        raise ChatError("no key")


def test_a_provider_that_cannot_be_made_so_says_how(offered: dict[str, str]) -> None:
    offered["more"] = f"{__name__}:NeedsMore"
    with pytest.raises(PluginError, match="'more' cannot be made from 'more'"):
        resolve("more", NeedsMore)


def resolve(name: str, factory: Any) -> Any:
    """Modules of tests cannot be imported by name: put the class in its place."""
    original = EntryPoint.load
    EntryPoint.load = lambda self: factory  # type: ignore[method-assign]
    try:
        return plugins.resolve_model(name)
    finally:
        EntryPoint.load = original  # type: ignore[method-assign]


def test_what_the_provider_says_passes_unchanged(offered: dict[str, str]) -> None:
    offered["refuses"] = f"{__name__}:Refuses"
    with pytest.raises(ChatError, match="no key") as raised:
        resolve("refuses", Refuses)

    assert type(raised.value) is ChatError


async def test_a_client_closes_the_model_that_it_made_and_no_other() -> None:
    class Counting(ScriptedModel):
        closed_times = 0

        async def aclose(self) -> None:
            self.closed_times += 1

    mine = Counting("x")
    async with ChatClient(mine):
        pass
    assert mine.closed_times == 0

    client = ChatClient("scripted:x")
    client._model = mine
    async with client.mutate(system="s"):
        pass
    assert mine.closed_times == 0
    await client.aclose()
    assert mine.closed_times == 1
