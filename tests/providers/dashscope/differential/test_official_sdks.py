"""The official SDKs and junto read the same bytes, and agree but for a table."""

from collections.abc import AsyncIterator

import pytest
from attrs import evolve

from junto.providers.dashscope import DashScopeModel

from ....standin import ABORT, Recording, Reply, StandIn, recordings
from .official import OfficialSDKs
from .oracle import read
from .readings import Reading, choices_asked, model_for, our_reading
from .table import PAGE, Row, as_markdown, page_with, rows

CHATS = [r for r in recordings().values() if r.protocol.startswith(("native", "compat"))]
TABLE = {key: row for row in rows() for key in row.cases()}


@pytest.fixture
async def model(server: StandIn, recording: Recording) -> AsyncIterator[DashScopeModel]:
    async with model_for(recording, server) as asked:
        yield asked


def steps_of(recording: Recording) -> Reply:
    steps = [recording.body]
    return Reply.of(recording, [*steps, ABORT] if "midframe" in recording.name else steps)


def specified(recording: Recording) -> Reading:
    """What the specification makes of a recording."""
    return read(
        recording.body,
        status=recording.status,
        choices=choices_asked(recording),
        cumulative=bool(recording.expect.get("cumulative")),
    )


@pytest.mark.parametrize("recording", CHATS, ids=lambda r: r.name)
async def test_junto_and_the_official_sdks_agree_on_a_recording_but_for_the_table(
    recording: Recording, server: StandIn, model: DashScopeModel, official: OfficialSDKs
) -> None:
    server.will(steps_of(recording))
    ours = await our_reading(model, recording)
    readers = official.for_protocol(recording.protocol)

    for sdk, read_officially in readers.items():
        theirs = await read_officially(recording)
        for field in ours.differs(theirs):
            row = TABLE.get((sdk, recording.name, field))
            assert row is not None, (
                f"{sdk} reads the {field} of {recording.name} as {theirs.get(field)!r}, and junto"
                f" as {ours.get(field)!r}: mend one, or list it in disagreements.toml"
            )
            right = ours if row.right == "junto" else theirs
            assert right.get(field) == specified(recording).get(field)
        listed = {field for s, name, field in TABLE if (s, name) == (sdk, recording.name)}
        assert listed <= ours.differs(theirs), f"{sdk} and junto agree: strike it off the table"
    assert len(server.asked) == 1 + len(readers), "something was asked again"


@pytest.mark.parametrize("recording", CHATS, ids=lambda r: r.name)
async def test_junto_reads_a_recording_as_the_specification_says(
    recording: Recording, server: StandIn, model: DashScopeModel
) -> None:
    server.will(steps_of(recording))

    assert await our_reading(model, recording) == specified(recording)


def test_the_table_names_recordings_that_are_here_and_each_once() -> None:
    names = {recording.name for recording in CHATS}
    keys = [key for row in rows() for key in row.cases()]

    assert {name for _, name, _ in keys} <= names
    assert len(set(keys)) == len(keys)
    assert {row.right for row in rows()} <= {"junto", "sdk"}
    assert all(row.reads and row.because and row.source for row in rows())


def test_the_page_says_what_the_table_says() -> None:
    assert page_with(as_markdown(rows())) == PAGE.read_text("utf-8"), (
        "write it anew: python -m tests.providers.dashscope.differential.table"
    )


def test_sdks_that_read_alike_share_a_line_of_the_page() -> None:
    row = Row("a", ["text"], ["x"], "junto", "Says a.", "Because.", "1")

    table = as_markdown([row, evolve(row, sdk="b")])

    assert table.count("Says a.") == 1
    assert "`a`, `b`" in table
