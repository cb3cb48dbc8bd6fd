"""The harness measures, checks and reports; how fast anything is, no test asserts."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from ..servers import NoServerError
from .__main__ import run
from .bench import Bench
from .contestants import FIFTY, IMPORTS, PEERS, THREE
from .environments import NAMES, PINS, EnvironmentFailedError, _run
from .measure import _text_note
from .processes import Contender, start_server
from .remembering import remembering
from .report import Figure, Report, Row, table
from .wire import CHARACTERS, native, openai

pytest.importorskip("resource", reason="the harness raises its limit of open files by it")

# The fixture starts some twenty processes, one after the other, each of which imports a library.
pytestmark = pytest.mark.timeout(240)

MISSING = Contender("somebody else", "missing", "with_nothing", "native", native=True)
SPEED = Figure("Speed", "µs")
CALM = {"cpu": "Some CPU", "cores": 2, "system": "Linux", "python": "3", "date": "?", "load": 0}


def python(name: str) -> Path:
    """This Python stands in for all environments, but for one that cannot be made."""
    if name == "missing":
        raise EnvironmentFailedError("no wheel for this Python")
    return Path(sys.executable)


@pytest.fixture(scope="module")
def report() -> Report:
    """A run that is as small as it can be."""
    sections = ("chain", "leaving", "reading", "many")
    return asyncio.run(
        run(python, sections=sections, peers=[MISSING], rounds=1, streams=2, small=True)
    )


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    server, address = await start_server()
    async with server:
        yield Bench(server, address, python, rounds=1, small=True)


def rows(report: Report, title: str, contender: str | None = None) -> list[Row]:
    return [
        row
        for row in report.rows
        if row.figure.title.startswith(title) and contender in {None, row.contender}
    ]


def test_reading_gives_each_figure_as_a_ratio_to_the_floor(report: Report) -> None:
    for name in ("floor", "junto, no advisor", THREE.name):
        for title in ("CPU per event, many events", "CPU per event, one", "CPU per request"):
            (row,) = rows(report, title, name)
            assert len(row.values) == len(row.ratios) == 1
            assert min(*row.values, *row.ratios) > 0
            assert bool(row.met) == (name == THREE.name)


def test_everybody_here_reads_the_whole_text(report: Report) -> None:
    notes = {row.note for row in rows(report, "CPU per") if row.contender != MISSING.name}

    assert notes == {""}


def test_whoever_cannot_take_part_has_rows_that_say_why(report: Report) -> None:
    missing = [row for row in report.rows if row.contender == MISSING.name]

    assert len(missing) == 6
    assert {row.note for row in missing} == {"no wheel for this Python"}
    assert not any(row.values for row in missing)


def test_leaving_is_seen_by_the_server_in_every_way(report: Report) -> None:
    for title in ("Cancelling", "Closing", "Leaving"):
        (row,) = rows(report, title, FIFTY.name)
        assert row.values
        assert not row.note
    assert len(rows(report, "Loop ticks")) == 5


def test_many_streams_are_held_together_and_let_go(report: Report) -> None:
    for title in ("CPU per event, many streams", "Memory per stream"):
        (row,) = rows(report, title, THREE.name)
        assert len(row.values) == 1
        assert not row.note


def test_the_chain_tells_what_one_more_advisor_adds(report: Report) -> None:
    judged = {row.contender for row in rows(report, "The chain alone") if row.met}

    assert judged == {"one more, no hook", "one more, on_event", "one more, around"}


async def test_memory_is_measured_in_each_store(bench: Bench) -> None:
    measured = await remembering(bench, ["in-process", "sqlite"])

    judged = {row.contender for row in measured if row.met}
    assert judged == {"in-process", "sqlite"}
    assert all(len(row.values) == 1 and row.values[0] > 0 for row in measured)
    assert {row.contender for row in measured if row.figure.base == "one worker"} == {"sqlite"}


async def test_a_store_that_cannot_be_had_has_rows_that_say_why(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise NoServerError("redis-server is not installed")

    monkeypatch.setattr("tests.benchmarks.remembering.PrivateRedis", none)

    measured = await remembering(bench, ["redis"])

    notes = {row.note for row in measured if row.contender == "redis"}
    assert notes == {"redis-server is not installed"}


def test_text_that_is_lost_is_told() -> None:
    assert _text_note(1200, 1000) == "reads 60% of the text"
    assert not _text_note(2000, 1000)


@pytest.mark.parametrize("events", [1, 2, 5, 1000])
def test_both_protocols_carry_the_same_text(events: int) -> None:
    frames = [list(_frames(answer)) for answer in (native(events), openai(events))]
    first = [frame["output"]["choices"][0]["message"] for frame in frames[0]]
    second = [frame["choices"][0]["delta"] for frame in frames[1] if frame["choices"]]

    for kind in ("content", "reasoning_content"):
        texts = ["".join(part.get(kind, "") for part in parts) for parts in (first, second)]
        assert texts[0] == texts[1]
    assert _characters(first) == _characters(second) == events * CHARACTERS


@pytest.mark.parametrize(
    ("ratios", "met"),
    [
        ([1.1, 1.2, 1.5], "yes"),
        ([1.1, 1.2, 1.6], "yes, by the median"),
        ([1.1, 1.6, 1.7], "no, by the median"),
        ([1.6, 1.7], "no"),
        ([], ""),
    ],
)
def test_a_target_is_met_by_every_round_or_by_the_median(ratios: list[float], met: str) -> None:
    assert Row(SPEED, "junto", ratios, ratios, target=1.5).met == met


def test_the_tables_and_the_json_say_the_same(tmp_path: Path) -> None:
    measured = [Row(SPEED, "junto", [3, 9, 4], [1.0, 3.0, 1.25], target=1.5, note="noisy")]
    report = Report(CALM, 3, 500).ended(measured)

    report.write(tmp_path / "new" / "bench.json")

    written = json.loads((tmp_path / "new" / "bench.json").read_text(encoding="utf-8"))
    assert written["rows"][0]["value"] == 4
    assert written["rows"][0]["ratio"] == 1.25
    line = "| junto | 4 | 1.25 × | 1.00 to 3.00 | ≤ 1.50 | yes, by the median | noisy |"
    assert line in " ".join(report.markdown().split()).replace("- |", "-|")


def test_a_column_with_nothing_in_it_is_left_out() -> None:
    text = table(["", "µs", "target", "met"], [["junto", "3", "", ""]])

    assert text.splitlines()[0].split() == ["|", "|", "µs", "|"]


def test_every_environment_is_made_from_pins_with_hashes() -> None:
    for name in NAMES:
        text = (PINS / f"bench-{name}.txt").read_text(encoding="utf-8")
        pins = [line for line in text.splitlines() if "==" in line]
        assert pins
        assert all(line.endswith("\\") for line in pins)
    assert {peer.environment for peer in PEERS} < set(NAMES)


def test_every_peer_is_also_imported() -> None:
    assert {peer.environment for peer in PEERS} < {one.environment for one in IMPORTS}


def test_a_command_that_fails_says_why_in_one_line() -> None:
    code = "import sys; sys.exit('some warning\\nERROR: no wheel\\nnotice')"

    with pytest.raises(EnvironmentFailedError, match=r"\AERROR: no wheel\Z"):
        _run(sys.executable, "-c", code)


def _frames(answer: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for line in b"".join(answer).splitlines():
        data = line.removeprefix(b"data:").strip()
        if line.startswith(b"data:") and data != b"[DONE]":
            yield json.loads(data)


def _characters(parts: list[dict[str, str]]) -> int:
    return sum(len(text) for part in parts for key, text in part.items() if key != "role")
