"""Recorded answers in other frames, as far as the specification allows: their meaning stays."""

import asyncio
import itertools

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from junto.core import Event
from junto.providers.assembly import AnswerReader
from junto.providers.chat_completions import CompletionReader
from junto.providers.dashscope._errors import origin_of
from junto.providers.dashscope._reader import NativeReader

from ....standin import Recording, Reply, StandIn, recording
from ..conftest import sum_up
from .beats import (
    PLAIN_SOURCES,
    SOURCES,
    Beat,
    interleaved,
    mixed,
    repeating,
    retold,
    sum_of,
    told_by,
)
from .framing import Manner, compatible, manners, native
from .official import OfficialSDKs
from .oracle import read
from .readings import Reading, as_reading, model_for, our_reading

STREAM = {"content-type": "text/event-stream;charset=UTF-8"}


def heard(reader: AnswerReader, body: bytes, cuts: list[int]) -> Reading:
    at = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    events: list[Event] = []
    for start, stop in itertools.pairwise(at):
        events += reader.feed(body[start:stop])
        if reader.finished or reader.failure is not None:
            break
    else:
        events += reader.end()
    return as_reading(sum_up(events, reader.failure))


CUTS = st.lists(st.integers(1, 4000), max_size=8)
SEVERAL = st.integers(1, 4).flatmap(lambda n: st.tuples(st.just(n), interleaved(n)))


@given(told=SEVERAL, manner=manners(), cuts=CUTS)
def test_a_retold_answer_says_the_same(
    told: tuple[int, list[Beat]], manner: Manner, cuts: list[int]
) -> None:
    choices, beats = told
    body = native(beats, manner)
    expected = sum_of(beats)

    assert read(body, choices=choices) == expected
    assert heard(NativeReader(origin_of("m", "h"), choices=choices), body, cuts) == expected


@given(beats=mixed(), manner=manners(), cuts=CUTS, calls=st.sampled_from(["index", "id"]))
def test_pieces_of_two_calls_in_turn_find_their_calls(
    beats: list[Beat], manner: Manner, cuts: list[int], calls: str
) -> None:
    body = native(beats, evolve(manner, calls=calls))
    expected = sum_of(beats)

    assert read(body) == expected
    assert heard(NativeReader(origin_of("m", "h")), body, cuts) == expected


@given(told=SEVERAL, manner=manners(), cuts=CUTS)
def test_a_retold_answer_whose_frames_repeat_all_says_the_same(
    told: tuple[int, list[Beat]], manner: Manner, cuts: list[int]
) -> None:
    choices, beats = told
    body = native(repeating(beats), manner)
    expected = sum_of(beats)
    reader = NativeReader(origin_of("m", "h"), choices=choices, cumulative=True)

    assert read(body, choices=choices, cumulative=True) == expected
    assert heard(reader, body, cuts) == expected


@given(beats=retold(), manner=manners(), cuts=CUTS)
def test_a_retold_answer_says_the_same_in_the_compatible_mode(
    beats: list[Beat], manner: Manner, cuts: list[int]
) -> None:
    body = compatible(beats, manner)
    expected = sum_of(beats)

    assert read(body) == expected
    assert heard(CompletionReader(origin_of("m", "h")), body, cuts) == expected


@given(told=SEVERAL, manner=manners(), cuts=CUTS, left=st.floats(0, 1, exclude_max=True))
def test_a_retold_answer_that_breaks_off_is_read_as_far_as_it_goes(
    told: tuple[int, list[Beat]], manner: Manner, cuts: list[int], left: float
) -> None:
    choices, beats = told
    whole = native(beats, manner)
    body = whole[: int(len(whole) * left)]

    ours = heard(NativeReader(origin_of("m", "h"), choices=choices), body, cuts)

    assert ours.get("text").get(0) == read(body, choices=choices).get("text").get(0)
    assert ours.error == read(body, choices=choices).error


def recorded(body: bytes, protocol: str, choices: int = 1) -> Recording:
    """A stream in the form of a recording, for those who read recordings."""
    expect = {"choices": dict.fromkeys(map(str, range(choices)))} if choices > 1 else {}
    return Recording("retold.sse", 200, STREAM, body, {}, expect, protocol)


async def all_read(answer: Recording, cuts: list[int]) -> dict[str, Reading]:
    """What junto and the official SDKs make of a stream."""
    async with StandIn(Reply.of(answer, answer.cut(cuts))) as server:
        async with model_for(answer, server) as model:
            readings = {"junto": await our_reading(model, answer)}
        async with OfficialSDKs(server.url) as sdks:
            for name, read_officially in sdks.for_protocol(answer.protocol).items():
                readings[name] = await read_officially(answer)
    return readings


# Each example starts a server and three clients; the environment is that of the whole test.
few = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@few
@given(beats=retold(), manner=manners(plain=True), cuts=CUTS)
def test_the_official_sdk_and_junto_agree_on_a_retold_answer(
    beats: list[Beat], manner: Manner, cuts: list[int]
) -> None:
    readings = asyncio.run(all_read(recorded(native(beats, manner), "native-text"), cuts))

    assert readings == dict.fromkeys(readings, sum_of(beats))


@few
@given(beats=interleaved(2, PLAIN_SOURCES), manner=manners(plain=True), cuts=CUTS)
def test_the_official_sdk_and_junto_agree_on_several_answers_at_once(
    beats: list[Beat], manner: Manner, cuts: list[int]
) -> None:
    readings = asyncio.run(all_read(recorded(native(beats, manner), "native-text", 2), cuts))

    expected = sum_of(beats)
    assert readings["junto"] == expected
    for reading in readings.values():
        # AsyncClient counts one choice only: the table has it.
        assert reading.differs(expected) <= {"usage"}


@few
@given(beats=retold(), manner=manners(plain=True), cuts=CUTS)
def test_openais_sdk_and_junto_agree_on_a_retold_answer(
    beats: list[Beat], manner: Manner, cuts: list[int]
) -> None:
    readings = asyncio.run(all_read(recorded(compatible(beats, manner), "compat"), cuts))

    assert readings == dict.fromkeys(readings, sum_of(beats))


@pytest.mark.parametrize("name", SOURCES)
def test_a_recording_taken_apart_and_put_together_is_what_it_was(name: str) -> None:
    assert sum_of(told_by(name)) == read(recording(name).body)
    assert read(native(told_by(name), Manner())) == read(recording(name).body)
