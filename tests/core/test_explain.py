"""What a chain says of itself."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from junto.core import Advisor, AdvisorChain, ChainWarning, ChatClient, Phase, advisor, place
from junto.core.testing import RecordingAdvisor, ScriptedModel

from .kit import Hook, Naive, Noted, client_of


def of(name: str, **attributes: Any) -> Advisor:
    made = Hook(lambda event: event, name)
    for attribute, value in attributes.items():
        setattr(made, attribute, value)
    return made


def test_every_place_has_its_reason() -> None:
    explanation = AdvisorChain(
        [
            of("first"),
            of("second"),
            of("inner", order=905),
            of("far", order=-3),
            place(of("moved", order=910), before="first"),
        ]
    ).explain(model="scripted:script")

    reasons = {one.name: one.reason for one in explanation.advisors}
    assert list(reasons) == ["far", "moved", "first", "second", "inner"]
    assert reasons == {
        "far": "order -3 (OUTER-3)",
        "moved": "order 910 (INNER+10), moved: before 'first'",
        "first": "order 400 (CONTEXT), after 'moved'",
        "second": "order 400 (CONTEXT), given after 'first'",
        "inner": "order 905 (INNER+5)",
    }


def test_the_text_shows_each_advisor_with_its_hooks_marks_and_origin() -> None:
    client = client_of("x", of("watch", isolated=True, holds=20), Naive("steer"))

    text = str(client.explain(advisors=[Noted("more", buffered=True)], without=["steer"]))

    assert text.splitlines() == [
        "reader",
        "  1  watch  order 400 (CONTEXT)",
        "            tests.core.kit.Hook, from the client, isolated, holds 20",
        "            hooks: on_event",
        "  2  more   order 400 (CONTEXT), given after 'watch'",
        "            tests.core.kit.Noted, from the request, buffered",
        "            hooks: before, on_event, after, on_close",
        "model scripted:script",
    ]


def test_an_advisor_of_a_function_is_explained_by_its_function() -> None:
    @advisor.before
    def ask(request: Any, ctx: Any) -> Any:
        return request

    (one,) = AdvisorChain([ask]).explain().advisors

    assert (one.name, one.hooks) == ("ask", ("before",))
    assert one.kind.startswith(__name__)
    assert one.kind.endswith(".ask")


def test_the_json_holds_what_the_explanation_holds() -> None:
    explanation = client_of("x", of("one"), of("two", order=Phase.OUTER)).explain()

    read = json.loads(explanation.to_json())

    assert read == json.loads(json.dumps(explanation.as_dict()))
    assert [one["name"] for one in read["advisors"]] == ["two", "one"]
    assert read["model"] == "scripted:script"
    assert read["lints"] == []


def test_the_picture_leads_from_the_reader_to_the_model() -> None:
    picture = client_of("x", of('a "b" <c>;\n'), of("held", buffered=True, order=900)).explain()

    assert picture.mermaid().splitlines() == [
        "flowchart LR",
        '    reader(["reader"])',
        '    a1["a #34;b#34; #60;c#62;#59;#10;<br/>400 CONTEXT"]',
        '    a2[["held<br/>900 INNER<br/>buffered"]]',
        '    model(["scripted:script"])',
        "    reader <--> a1 <--> a2 <--> model",
    ]


TRAPS: dict[str, tuple[list[Advisor], tuple[str, ...]]] = {
    "memory-inside-tools": (
        [of("loop", role="tools", order=100), of("past", role="memory", order=200)],
        ("loop", "past"),
    ),
    "redactor-outside-logging": (
        [of("log", role="logging", order=100), of("clean", role="redactor", order=0)],
        ("clean", "log"),
    ),
    "memory-outside-guard": (
        [of("past", role="memory", order=100), of("safe", role="guard", order=200)],
        ("past", "safe"),
    ),
    "memory-inside-retry": (
        [of("again", role="retry", order=0), of("past", role="memory", order=200)],
        ("again", "past"),
    ),
    "guard-isolated": ([of("safe", role="guard", isolated=True)], ("safe",)),
}


@pytest.mark.parametrize("code", TRAPS)
def test_a_known_trap_is_a_lint_that_names_those_concerned(code: str) -> None:
    advisors, concerned = TRAPS[code]

    (lint,) = AdvisorChain(advisors).lints

    assert (lint.code, lint.advisors) == (code, concerned)
    assert all(repr(name) in lint.message for name in concerned)


@pytest.mark.parametrize("code", TRAPS)
def test_a_known_trap_is_a_warning_when_the_client_is_made(code: str) -> None:
    with pytest.warns(ChainWarning, match=code) as caught:
        client = ChatClient(ScriptedModel("x"), advisors=TRAPS[code][0])

    assert caught[0].filename == __file__
    assert f"trap: {code}" in str(client.explain())


async def test_a_trap_of_one_request_is_a_warning_there() -> None:
    advisors = TRAPS["memory-inside-tools"][0]
    client = client_of("x", advisors[0])

    with pytest.warns(ChainWarning, match="memory-inside-tools"):
        await client.call("?", advisors=[advisors[1]])


def test_the_same_advisors_the_other_way_round_are_no_trap() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for advisors, _ in list(TRAPS.values())[:4]:
            for one in advisors:
                one.order = -one.order
            assert AdvisorChain(advisors).lints == ()
            for one in advisors:
                one.order = -one.order


def test_a_misspelt_hook_is_a_lint_that_names_the_right_one() -> None:
    class Quiet(Advisor):
        def onevent(self, event: Any, ctx: Any) -> Any:
            return event

    with pytest.warns(ChainWarning, match=r"'Quiet' has no hook, but a method 'onevent'; rename"):
        client_of("x", Quiet())


def test_an_advisor_is_explained_by_the_name_that_its_users_import() -> None:
    (one,) = client_of("x", RecordingAdvisor()).explain().advisors

    assert one.kind == "junto.core.testing.RecordingAdvisor"
