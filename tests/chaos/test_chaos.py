"""The attack finds nothing in our store, and finds what is wrong in others."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from junto.core import AssistantMessage
from junto.core.memory import ConversationKey, Turn, TurnStatus

from ..servers import NoServerError
from .__main__ import main, run, told
from .attack import Plan
from .checker import Acknowledged, Found, check_conversation, read_logs
from .words import KEYS, asks_tool, whole, wrong_history

# What is measured here is not for judging: a machine may be as busy as it likes.
SHORT = Plan(seconds=1.5, processes=2, grace=8.0)
KEY = KEYS[0]


def turn(number: int, key: ConversationKey = KEY) -> Turn:
    question, *answer = whole(key, f"t{number}")
    return Turn(f"t{number}", [question], answer, seq=number)


def told_of(number: int, begun: float, over: float) -> Acknowledged:
    return Acknowledged(KEY, f"t{number}", begun, over)


TURNS = [turn(n) for n in (1, 2, 3)]
TOLD = {f"t{n}": told_of(n, n, n + 0.5) for n in (1, 2, 3)}

BREAKS: dict[str, Callable[[list[Turn]], list[Turn]]] = {
    "lost": lambda turns: turns[:2],
    "doubled": lambda turns: [*turns, evolve(turns[0], seq=4)],
    "half": lambda turns: [
        evolve(turns[0], output=[AssistantMessage(turns[0].output[-1].text[:-1])]),
        *turns[1:],
    ],
    "half ": lambda turns: [evolve(turns[0], status=TurnStatus.INCOMPLETE), *turns[1:]],
    "orphans": lambda turns: [evolve(turns[0], output=()), *turns[1:]],
    "order": lambda turns: [*turns[:2], evolve(turns[2], seq=4)],
    "order ": lambda turns: [turns[0], evolve(turns[2], seq=2), evolve(turns[1], seq=3)],
    "foreign": lambda turns: [evolve(turn(1, KEYS[-1]), seq=1), *turns[1:]],
}


def test_a_store_as_it_was_acknowledged_has_no_violation() -> None:
    found = Found()

    check_conversation(KEY, TURNS, TOLD, found)

    assert found.violations == []


@pytest.mark.parametrize("kind", BREAKS)
def test_the_checker_finds_each_kind_of_violation(kind: str) -> None:
    found = Found()

    check_conversation(KEY, BREAKS[kind](TURNS), TOLD, found)

    assert kind.strip() in {one for one, _ in found.violations}


def test_turns_that_ran_at_the_same_time_may_be_stored_in_any_order() -> None:
    found = Found()

    check_conversation(KEY, TURNS[:2], {"t1": told_of(1, 2, 5), "t2": told_of(2, 1, 6)}, found)

    assert found.violations == []


def test_a_model_that_is_sent_a_broken_history_complains() -> None:
    with_tool = next(n for n in range(9) if asks_tool(f"t{n}"))
    good = [*turn(with_tool).messages, *TURNS[0].messages]

    assert wrong_history(KEY, good) == ""
    assert wrong_history(KEYS[1], good).startswith("foreign")
    assert wrong_history(KEY, [good[0], *good[2:]]).startswith("half")
    assert wrong_history(KEY, [good[0], *good]).startswith("orphan")


def test_a_line_that_was_cut_by_a_kill_acknowledges_nothing(tmp_path: Path) -> None:
    line = {"what": "acknowledged", "key": [KEY.conversation, KEY.tenant], "id": "t1"}
    whole_line = json.dumps({**line, "begun": 0, "over": 1})
    (tmp_path / "0-0.log").write_text(f"{whole_line}\n{whole_line[:-5]}", encoding="utf-8")

    assert read_logs(tmp_path, Found()) == [told_of(1, 0, 1)]


async def test_sqlite_loses_nothing_while_workers_are_killed(tmp_path: Path) -> None:
    found, _ = await run("sqlite", tmp_path, SHORT)

    assert found.violations == []
    assert found.counts["acknowledged"] > 0
    assert found.counts["kills"] >= SHORT.processes


async def test_a_naive_store_is_found_to_lose_turns(tmp_path: Path) -> None:
    found = Found()
    # It is a matter of chance: on a busy machine it takes longer.
    for seconds in (1.0, 3.0, 9.0):
        folder = tmp_path / f"{seconds}"
        folder.mkdir()
        plan = evolve(SHORT, seconds=seconds, conversations=1)
        found, _ = await run("sqlite", folder, plan, naive=True)
        if found.violations:
            break

    assert found.of("lost") + found.of("order") + found.of("half") > 0
    assert f"sqlite: {len(found.violations)} violations" in told({"sqlite": (found, 0.0)})


def test_a_store_that_cannot_be_had_is_told_and_is_no_success(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise NoServerError("redis-server is not installed")

    monkeypatch.setattr("tests.chaos.targets.PrivateRedis", none)

    assert main(["--stores", "redis"]) == 1
    assert "SKIPPED redis: redis-server is not installed" in capsys.readouterr().out


def test_what_is_no_store_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--stores", "sqlite oracle"])

    assert "'oracle' is none of sqlite, postgres, redis" in capsys.readouterr().err
