"""Hundreds of refusals at once, and the time to wait that each of them names."""

import asyncio
import json
from collections import Counter
from email.utils import formatdate
from typing import Any

import pytest

from junto.core import ProviderError, RateLimitedError, UnavailableError

from ....standin.raw import ASK, GONE, RESET
from ..conftest import Heard
from .conftest import Bench, acquired
from .ways import NATIVE, NATIVE_PLAIN, TEXT, WAYS, Way, head, sized

MANY = 200


def refusal(way: Way, status: int, **headers: Any) -> bytes:
    body = json.dumps({"code": "", "message": "no", "request_id": "r-1"}).encode()
    return sized(way, body, status, **headers)


async def storm(bench: Bench, way: Way, model: Any, many: int = MANY) -> list[Heard]:
    return list(await asyncio.gather(*(bench.hear(model, way) for _ in range(many))))


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(("status", "kind"), [(429, RateLimitedError), (503, UnavailableError)])
async def test_a_storm_leaves_its_connections_to_the_calm(
    bench: Bench, way: Way, status: int, kind: type[ProviderError]
) -> None:
    script = [ASK, refusal(way, status), ASK, sized(way, way.body()), GONE]
    async with bench.open(way, script) as model:
        refused = await storm(bench, way, model, 50)
        left = len(acquired(model))
        answered = await storm(bench, way, model, 50)

    assert Counter(type(heard.error) for heard in refused) == {kind: 50}
    assert left == 0
    assert [heard.text for heard in answered] == [TEXT] * 50
    assert len(bench.server.calls) == 50


@pytest.mark.parametrize("connections", [5, 1000])
async def test_hundreds_at_once_are_all_answered_whatever_the_pool(
    bench: Bench, connections: int
) -> None:
    answer = refusal(NATIVE, 429, Connection="close", Retry_After="3")
    async with bench.open(NATIVE, [ASK, answer], connections=connections) as model:
        heard = await storm(bench, NATIVE, model)

    errors = [one.error for one in heard if isinstance(one.error, RateLimitedError)]
    assert len(errors) == len(bench.server.calls) == MANY
    assert {(e.status, e.retry_after, e.request_id, e.attempts) for e in errors} == {
        (429, 3, "r-1", 1)
    }


async def test_a_storm_of_resets_leaves_nothing_open(bench: Bench) -> None:
    scripts: list[list[Any]] = [
        [ASK, RESET],
        [ASK, head(status=500), RESET],
        [RESET],
        [ASK, head(NATIVE), RESET],
    ]
    async with bench.open(NATIVE, *scripts * 50) as model:
        heard = await storm(bench, NATIVE, model)

    assert all(one.error is not None for one in heard)
    assert len(bench.server.calls) == MANY


async def test_many_answers_at_once_are_each_their_own(bench: Bench) -> None:
    answers: list[list[Any]] = [
        [ASK, sized(NATIVE, NATIVE.body(f"{n}!")), GONE] for n in range(MANY)
    ]
    async with bench.open(NATIVE, *answers) as model:
        heard = await storm(bench, NATIVE, model)

    assert {one.text for one in heard} == {f"{n}!" for n in range(MANY)}


IN_AN_HOUR = formatdate(4_000_000_000, usegmt=True)
WAITS: dict[str, tuple[dict[str, str], float | None]] = {
    "milliseconds": ({"Retry_After_Ms": "250"}, 0.25),
    "milliseconds first": ({"Retry_After_Ms": "250", "Retry_After": "9"}, 0.25),
    "odd milliseconds": ({"Retry_After_Ms": "soon", "Retry_After": "9"}, 9),
    "seconds": ({"Retry_After": "9"}, 9),
    "a part of a second": ({"Retry_After": "0.5"}, 0.5),
    "at once": ({"Retry_After": "0"}, 0),
    "a long time": ({"Retry_After": "86400"}, 86400),
    "a past date": ({"Retry_After": "Thu, 01 Jan 1970 00:00:01 GMT"}, None),
    "a date of no year": ({"Retry_After": "Thu, 01 Jan 99999 00:00:01 GMT"}, None),
    "less than nothing": ({"Retry_After": "-1"}, None),
    "no number": ({"Retry_After": "nan"}, None),
    "for ever": ({"Retry_After": "inf"}, None),
    "more than a float": ({"Retry_After": "9" * 400}, None),
    "words": ({"Retry_After": "in a while"}, None),
    "nothing": ({"Retry_After": ""}, None),
    "no word of it": ({}, None),
}


@pytest.mark.parametrize("what", WAITS)
@pytest.mark.parametrize("status", [429, 503])
async def test_the_time_to_wait(bench: Bench, what: str, status: int) -> None:
    headers, wait = WAITS[what]
    heard = await bench.ask(NATIVE, ASK, refusal(NATIVE, status, **headers), GONE)

    assert isinstance(heard.error, ProviderError)
    # A throttle of which nothing is known is over in about a minute.
    assert heard.error.retry_after == (60 if wait is None and status == 429 else wait)
    assert heard.error.retryable


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000", ""])
async def test_a_date_to_wait_for_is_in_universal_time(
    bench: Bench, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    monkeypatch.setattr("junto.providers._retry_after.time.time", lambda: 3_999_999_990.0)
    date = IN_AN_HOUR.replace("GMT", zone).strip()
    heard = await bench.ask(NATIVE, ASK, refusal(NATIVE, 429, Retry_After=date), GONE)

    assert isinstance(heard.error, RateLimitedError)
    assert heard.error.retry_after == 10


async def test_a_refusal_is_not_asked_again_by_itself(bench: Bench) -> None:
    await bench.ask(NATIVE_PLAIN, ASK, refusal(NATIVE_PLAIN, 503), ASK, GONE)

    assert len(bench.server.calls) == 1
    assert len(bench.server.calls[0].requests) == 1


async def test_an_answer_after_a_refusal_uses_its_connection(bench: Bench) -> None:
    script = [ASK, refusal(NATIVE, 429), ASK, sized(NATIVE, NATIVE.body()), GONE]
    async with bench.open(NATIVE, script) as model:
        assert (await bench.hear(model, NATIVE)).error is not None
        assert (await bench.hear(model, NATIVE)).text == TEXT

    assert len(bench.server.calls) == 1
