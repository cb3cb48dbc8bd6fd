"""Names, functions and instances wherever an advisor is expected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.advisors import MemoryAdvisor
from junto.core import (
    AdvisorChain,
    AdvisorLike,
    ChatClient,
    ChatRequest,
    Event,
    Next,
    PluginError,
    RunContext,
    TextDelta,
    advisor,
    place,
)
from junto.core.testing import ScriptedModel

from .conftest import Installed


async def loud(request: ChatRequest, next: Next, ctx: RunContext) -> AsyncIterator[Event]:
    async for event in next(request):
        yield TextDelta(event.text.upper()) if isinstance(event, TextDelta) else event


@advisor.on_event(order=600)
def marked(event: Event, ctx: RunContext) -> Event:
    return TextDelta(f"{event.text}!") if isinstance(event, TextDelta) else event


async def test_names_functions_and_instances_go_into_one_list() -> None:
    model = ScriptedModel("beep")
    client = ChatClient(model, advisors=["memory?max_messages=20", loud, marked])

    assert client.chain.names == ("memory", "loud", "marked")
    assert (await client.call("?", conversation_id="1")).text == "BEEP!"


async def test_all_three_go_wherever_advisors_are_added() -> None:
    client = ChatClient(ScriptedModel("beep"))
    added: list[AdvisorLike] = ["reasoning", loud, marked]

    assert client.mutate(advisors=added).chain.names == ("loud", "reasoning", "marked")
    assert AdvisorChain(added).names == ("loud", "reasoning", "marked")
    assert AdvisorChain().changed(added).names == ("loud", "reasoning", "marked")
    explained = client.explain(advisors=added).advisors
    assert [one.name for one in explained] == ["loud", "reasoning", "marked"]
    assert (await client.call("?", advisors=added)).text == "BEEP!"
    assert (await client.prompt("?").advisors(*added).call()).text == "BEEP!"


@pytest.mark.parametrize("kind", ["name", "parameters", "self", "placed", "single"])
async def test_all_of_them_go_wherever_advisors_are_left_out(kind: str) -> None:
    memory = MemoryAdvisor()
    client = ChatClient(ScriptedModel("beep"), advisors=[memory, loud, marked])
    without: Any = {
        "name": ["memory", "loud", "marked"],
        "parameters": ["memory", loud, marked],
        "self": [memory, loud, marked],
        "placed": [place(memory, order=1), loud, marked],
        "single": "memory",
    }[kind]
    left = 0 if kind != "single" else 2

    assert len(client.mutate(without=without).chain) == left
    assert len(client.chain.changed(without=without)) == left
    assert len(client.explain(without=without).advisors) == left
    answer = "beep" if left == 0 else "BEEP!"
    assert (await client.call("?", without=without)).text == answer
    listed = [without] if isinstance(without, str) else without
    assert (await client.prompt("?").without(*listed).call()).text == answer


def test_an_advisor_can_be_left_out_by_the_name_that_it_was_given_by(
    installed: Installed,
) -> None:
    announce_named(installed)
    chain = AdvisorChain(["zz?words=3", "memory"])

    assert chain.names == ("memory", "other")
    for name in ("zz", "zz?words=3", "other"):
        assert chain.changed(without=[name]).names == ("memory",)


def test_one_without_a_name_of_its_own_has_its_plugins(installed: Installed) -> None:
    announce_named(installed)
    chain = AdvisorChain(["zz-plain"])

    assert chain.names == ("zz-plain",)
    assert chain.changed(["zz-plain?words=5"]).names == ("zz-plain",)


def test_what_is_not_there_cannot_be_left_out() -> None:
    chain = AdvisorChain(["memory"])

    for one in ("memry", marked, MemoryAdvisor()):
        with pytest.raises(
            ValueError, match=r"there is no advisor .* to leave out; there are \['m"
        ):
            chain.changed(without=[one])


@pytest.mark.parametrize("bare", ["memory", loud])
def test_a_single_one_in_place_of_a_list_is_refused(bare: Any) -> None:
    client = ChatClient(ScriptedModel())
    for make in (AdvisorChain, client.chain.changed, lambda a: ChatClient("scripted", advisors=a)):
        with pytest.raises(
            TypeError, match=r"advisors is a list of advisors.*write advisors=\[…\]"
        ):
            make(bare)
    with pytest.raises(TypeError, match="advisors is a list"):
        client.mutate(advisors=bare)


def test_a_name_can_be_placed() -> None:
    chain = AdvisorChain([place("memory?max_messages=3", order=700), marked])

    assert [(entry.name, entry.order) for entry in chain.entries] == [
        ("marked", 600),
        ("memory", 700),
    ]


def test_a_name_is_looked_up_once_for_each_chain_that_is_built(installed: Installed) -> None:
    announce_named(installed)
    client = ChatClient("scripted:x", advisors=["zz"])
    (entry,) = client.chain.entries
    counted: Any = entry.advisor
    made = counted.made

    client.mutate(system="s")
    client.mutate(advisors=["memory"])
    client.explain()
    client.stream("?")
    assert made == [1]

    client.explain(advisors=["zz"])
    assert made == [1, 1]


def test_the_chain_keeps_what_the_name_stood_for(installed: Installed) -> None:
    client = ChatClient("scripted:x", advisors=["memory"])
    again = client.mutate(advisors=[marked])

    assert again.chain.entries[0].advisor is client.chain.entries[0].advisor
    assert client.chain.names == ("memory",)


def test_explain_says_which_plugin_it_was(installed: Installed) -> None:
    announce_named(installed)
    explanation = ChatClient("scripted:x", advisors=["zz?words=3", marked]).explain()

    assert [one.plugin for one in explanation.advisors] == ["zz of zz-named 4.0", ""]
    assert "zz_named.Other, plugin zz of zz-named 4.0, from the client" in str(explanation)
    assert explanation.as_dict()["advisors"][0]["plugin"] == "zz of zz-named 4.0"


@pytest.mark.parametrize("value", ["ready", "steers", "make", "Plain", "make_function"])
async def test_an_entry_point_is_a_class_a_factory_an_advisor_or_a_function(
    installed: Installed, value: str
) -> None:
    installed.distribution("zz-forms", {"advisors": {"zz": f"zz_named:{value}"}})
    installed.module("zz_named", NAMED)

    client = ChatClient(ScriptedModel("beep"), advisors=["zz"])

    assert len(client.chain) == 1
    assert (await client.call("?")).text == "beep"
    if value in {"ready", "steers"}:
        with pytest.raises(PluginError, match="ready as it is, and takes no parameters"):
            AdvisorChain(["zz?words=3"])


NAMED = """
    from junto.core import Advisor, advisor
    class Plain(Advisor):
        made = []
        def __init__(self, words: int = 1):
            self.made.append(1)
        async def before(self, request, ctx):
            return request
    class Other(Plain):
        name = "other"
    async def steers(request, next, ctx):
        async for event in next(request):
            yield event
    @advisor.before
    def ready(request, ctx):
        return request
    def make():
        return ready
    def make_function():
        return steers
"""


def announce_named(installed: Installed) -> None:
    entries = {"zz": "zz_named:Other", "zz-plain": "zz_named:Plain"}
    installed.distribution("zz-named", {"advisors": entries}, version="4.0")
    installed.module("zz_named", NAMED)
