"""Law 20: ``explain()`` prints the chain as it will run."""

from __future__ import annotations

import json
import re
import warnings

import pytest

from junto.core import Advisor, AdvisorChain, ChainWarning, ChatClient, Phase, place

from ..kit import Naive, Noted, client_of
from .lab import Provider, Stack, answer, got, hooked


async def test_law_20_the_order_printed_is_the_order_run(way: str, stack: Stack) -> None:
    log: list[str] = []
    client = client_of(Provider("events", answer("Yes")), *stack.made(log))
    explanation = client.explain()
    await got(client, way)

    printed = [one.name for one in explanation.advisors]
    ran = hooked(log, "before")
    assert printed == list(client.chain.names)
    assert [name for name in printed if name in ran] == ran
    assert [one.place for one in explanation.advisors] == list(range(1, stack.size + 1))


async def test_law_20_the_text_and_the_json_name_every_advisor_in_order(stack: Stack) -> None:
    explanation = client_of("x", *stack.made()).explain()
    names = [one.name for one in explanation.advisors]

    places = [str(explanation).index(f"  {name} ") for name in names if name[0].isdigit()]
    assert places == sorted(places)
    assert [one["name"] for one in json.loads(explanation.to_json())["advisors"]] == names
    assert str(explanation).startswith("reader")
    assert str(explanation).endswith("model scripted:script")


def test_law_20_each_has_its_order_phase_name_origin_and_reason() -> None:
    client = client_of("x", Noted("inner", order=Phase.MEMORY + 1), place(Naive("out"), order=0))
    moved = place(Noted("moved", order=901), before="out")
    out = {one.name: one for one in client.explain(advisors=[moved]).advisors}

    assert (out["inner"].order, out["inner"].phase) == (201, "MEMORY+1")
    assert (out["out"].order, out["out"].phase) == (0, "OUTER")
    assert (out["inner"].origin, out["moved"].origin) == ("client", "request")
    assert "before 'out'" in out["moved"].reason
    assert out["moved"].place < out["out"].place
    assert all(one.reason for one in out.values())


def test_law_20_who_buffers_or_holds_is_marked() -> None:
    window = Noted("window")
    window.holds = 12
    text = str(client_of("x", Noted("judge", buffered=True), window).explain())

    assert re.search(r"judge.*?buffered.*?window.*?holds 12", text, re.DOTALL)


class Roled(Advisor):
    def __init__(self, role: str, order: int) -> None:
        self.name = self.role = role
        self.order = order

    async def after(self, response: object, ctx: object) -> object:  # type: ignore[override]  # any
        return response


TRAPS = {
    "memory-inside-tools": ("tools", "memory"),
    "redactor-outside-logging": ("redactor", "logging"),
}


@pytest.mark.parametrize("code", TRAPS)
def test_law_20_a_known_trap_is_in_explain_and_a_warning_that_names_the_pair(
    code: str, stack: Stack
) -> None:
    outer, inner = TRAPS[code]
    advisors = [Roled(outer, 1), *stack.made(), Roled(inner, 900)]
    with pytest.warns(ChainWarning, match=code):
        client = ChatClient(Provider("events", answer("x")), advisors=advisors)

    (lint,) = client.explain().lints
    assert (lint.code, lint.advisors) == (code, (outer, inner))
    assert f"trap: {code}" in str(client.explain())


@pytest.mark.parametrize("code", TRAPS)
def test_law_20_the_right_way_round_says_nothing(code: str, stack: Stack) -> None:
    outer, inner = TRAPS[code]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chain = AdvisorChain([Roled(outer, 900), *stack.made(), Roled(inner, 1)])

    assert chain.explain().lints == ()


def test_law_20_explaining_runs_nothing(stack: Stack) -> None:
    log: list[str] = []
    model = Provider("events", answer("x"))
    client = client_of(model, *stack.made(log))
    str(client.explain())
    client.explain().mermaid()

    assert (log, model.requests) == ([], [])
