"""The reranker: what goes out, documents in order, and typed errors for all else."""

import asyncio
import json
import logging
import random
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import (
    AuthenticationError,
    ChatConnectionError,
    ChatError,
    InterruptedStreamError,
    ProtocolError,
    ProviderError,
    Ranked,
    Ranking,
    RateLimitedError,
    RejectedRequestError,
    RerankModel,
    Usage,
)
from junto.providers.dashscope import DashScopeReranker
from junto.providers.dashscope._errors import origin_of
from junto.providers.dashscope._rerank_wire import read_ranking

from ...standin import ABORT, GONE, Reply, StandIn, recording
from .conftest import KEY

SOON = 5
PLAIN = {"Content-Type": "application/json", "x-request-id": "of-the-header"}
ORIGIN = origin_of("gte-rerank-v2", "test")
DOCUMENTS = ["a", "b", "c"]


def result(index: Any, score: Any, **more: Any) -> dict[str, Any]:
    return {"index": index, "relevance_score": score, **more}


def answer(*results: Any, **more: Any) -> bytes:
    whole = {"output": {"results": results}, "usage": {"total_tokens": 9}, "request_id": "r-1"}
    return json.dumps(whole | more).encode()


ANSWER = answer(result(2, 0.9, document={"text": "c"}), result(0, 0.5), result(1, 0.25))


def read(body: bytes, count: int = 3, top_n: int = 3) -> Ranking | ChatError:
    return read_ranking(body, ORIGIN, "of-the-header", count=count, top_n=top_n)


@pytest.fixture
async def model(server: StandIn) -> AsyncIterator[DashScopeReranker]:
    async with DashScopeReranker(api_key=KEY, base_url=server.url) as asked:
        yield asked


async def error_of(model: DashScopeReranker) -> ChatError:
    with pytest.raises(ChatError) as caught:
        await model.rerank("q", DOCUMENTS)
    return caught.value


def test_it_is_a_rerank_model() -> None:
    model = DashScopeReranker(region="intl")

    assert isinstance(model, RerankModel)
    assert (model.provider, model.model) == ("dashscope", "gte-rerank-v2")
    assert repr(model) == "DashScopeReranker('gte-rerank-v2', host='dashscope-intl.aliyuncs.com')"


async def test_documents_are_put_into_order(server: StandIn, model: DashScopeReranker) -> None:
    server.will(Reply([ANSWER], headers=PLAIN))

    got = await model.rerank("q", DOCUMENTS)

    assert got == Ranking(
        results=(Ranked(2, 0.9), Ranked(0, 0.5), Ranked(1, 0.25)),
        usage=Usage(input_tokens=9, total_tokens=9),
        model="gte-rerank-v2",
        request_id="r-1",
    )
    asked = server.asked[0]
    assert asked.path == "/api/v1/services/rerank/text-rerank/text-rerank"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.json == {
        "model": "gte-rerank-v2",
        "input": {"query": "q", "documents": DOCUMENTS},
        "parameters": {"top_n": 3, "return_documents": False},
    }


async def test_what_makes_a_document_good_is_said(server: StandIn) -> None:
    server.will(Reply([answer(result(0, 1))], headers=PLAIN))
    async with DashScopeReranker(
        "qwen3-rerank", instruct="Find the answer.", api_key=KEY, base_url=server.url
    ) as model:
        got = await model.rerank("q", DOCUMENTS, top_n=1)

    assert got.results == (Ranked(0, 1.0),)
    assert server.asked[0].json["parameters"] == {
        "top_n": 1,
        "return_documents": False,
        "instruct": "Find the answer.",
    }


async def test_more_than_there_are_is_all_of_them(
    server: StandIn, model: DashScopeReranker
) -> None:
    server.will(Reply([ANSWER], headers=PLAIN))

    assert len((await model.rerank("q", DOCUMENTS, top_n=50)).results) == 3
    assert server.asked[0].json["parameters"]["top_n"] == 3


@given(
    scores=st.lists(st.integers(-3, 3) | st.floats(-1, 1), min_size=1, max_size=20),
    seed=st.integers(0, 10**6),
    data=st.data(),
)
def test_the_best_come_first_whatever_the_services_order(
    scores: list[float], seed: int, data: st.DataObject
) -> None:
    top_n = data.draw(st.integers(1, len(scores)))
    results = [result(index, score) for index, score in enumerate(scores)]
    random.Random(seed).shuffle(results)

    ranking = read(answer(*results), len(scores), top_n)

    assert isinstance(ranking, Ranking)
    best = [ranked.score for ranked in ranking.results]
    assert best == sorted(scores, reverse=True)[:top_n]
    assert all(scores[ranked.index] == ranked.score for ranked in ranking.results)


def test_results_of_one_score_stay_in_the_services_order() -> None:
    ranking = read(answer(result(1, 0.5), result(2, 0.9), result(0, 0.5)))

    assert isinstance(ranking, Ranking)
    assert [ranked.index for ranked in ranking.results] == [2, 1, 0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "truncated"),
        (b"<html>", "malformed"),
        (b"[]", "array"),
        (b"{}", "no output"),
        (b'{"output": {}}', "results"),
        (b'{"output": {"results": {}}}', "object"),
        (answer(), "ranked 0 documents, not 3"),
        (answer(result(0, 1), result(1, 1)), "ranked 2 documents, not 3"),
        (answer(result(0, 1), result(1, 1), result(1, 1)), "document 1 twice"),
        (answer(result(0, 1), result(1, 1), result(3, 1)), "document 3 of 3"),
        (answer(result(0, 1), result(1, 1), result(-1, 1)), "document -1 of 3"),
        (answer(result(0, 1), result(1, 1), result(2, "1")), "relevance_score"),
        (answer(result(0, 1), result(1, 1), result(2, None)), "relevance_score"),
        (answer(result(0, 1), result(1, 1), result(2, float("nan"))), "malformed"),
        (answer(result(0, 1), result(1, 1), result(2, "X")).replace(b'"X"', b"1e999"), "range"),
        (answer(result(0, 1), result(1, 1), result("2", 1)), "index"),
        (answer(result(0, 1), result(1, 1), {"index": 2}), "relevance_score"),
        (answer(result(0, 1), result(1, 1), {"relevance_score": 2}), "index"),
    ],
)
def test_an_answer_that_does_not_fit_is_a_protocol_error(body: bytes, said: str) -> None:
    error = read(body)

    assert isinstance(error, ProtocolError)
    assert said in str(error)
    assert error.request_id in {"r-1", "of-the-header"}


@pytest.mark.parametrize(
    "frame", [b"%s", b"data:%s\n\n", b"id:1\nevent:error\n:HTTP_STATUS/429\ndata:%s\n\n"]
)
def test_an_error_inside_a_success_is_that_error(frame: bytes) -> None:
    error = read(frame % b'{"code":"Throttling","message":"slow","request_id":"r-9"}')

    assert isinstance(error, RateLimitedError)
    assert error.request_id == "r-9"


@given(
    body=st.builds(
        lambda at, junk: ANSWER[:at] + junk + ANSWER[at + len(junk) :],
        st.integers(0, len(ANSWER)),
        st.binary(max_size=6),
    )
)
def test_whatever_bytes_come_they_are_a_ranking_or_a_typed_error(body: bytes) -> None:
    assert isinstance(read(body), Ranking | ProviderError | ProtocolError)


async def test_no_documents_make_no_request_and_need_no_key() -> None:
    assert await DashScopeReranker().rerank("q", []) == Ranking(results=(), model="gte-rerank-v2")


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("", ["a"]), RejectedRequestError, "the query is empty"),
        ((None, ["a"]), TypeError, "the query is a text, not NoneType"),
        (("q", ["a", ""]), RejectedRequestError, r"documents\[1\] is empty"),
        (("q", ["a", {"text": "b"}]), TypeError, r"documents\[1\] is a text, not dict"),
        (("q", "a"), TypeError, r"documents is a list of texts.*pass \[text\]"),
        (("q", ["a"], 0), ValueError, "top_n is at least 1, not 0"),
        (("q", ["a"], 1.5), TypeError, "top_n is a number of documents, not float"),
        (("q", ["a"], True), TypeError, "top_n is a number of documents, not bool"),
    ],
)
async def test_what_cannot_be_right_is_refused_before_anything_is_sent(
    arguments: Any, error: type[Exception], said: str
) -> None:
    query, documents, *rest = arguments
    with pytest.raises(error, match=said):  # else there would be no key
        await DashScopeReranker().rerank(query, documents, top_n=rest[0] if rest else None)


async def test_cancelling_frees_the_connection(server: StandIn, model: DashScopeReranker) -> None:
    server.will(Reply([b"{", GONE], headers=PLAIN))
    task = asyncio.create_task(model.rerank("q", DOCUMENTS))
    async with asyncio.timeout(SOON):
        await server.came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.asked[0].gone.wait()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply.of(recording("err_401_native_invalid_key.json")), AuthenticationError),
        (Reply([ANSWER[:40], ABORT], headers=PLAIN), InterruptedStreamError),
        (Reply([b"{}"], headers={"Content-Type": "text/html"}), ProtocolError),
        (Reply([], 302, {"Location": "https://else.example/"}), ProtocolError),
    ],
)
async def test_every_other_answer_is_a_typed_error(
    server: StandIn, model: DashScopeReranker, reply: Reply, kind: type[ChatError]
) -> None:
    server.will(reply)

    assert isinstance(await error_of(model), kind)


async def test_a_closed_model_says_so() -> None:
    async with DashScopeReranker(api_key=KEY) as model:
        pass

    assert isinstance(await error_of(model), ChatConnectionError)


async def test_the_key_is_nowhere_to_be_seen(
    server: StandIn, model: DashScopeReranker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    leak = f'{{"code":"Bad {KEY}","message":"no: Bearer {KEY}","request_id":"{KEY}"}}'.encode()
    server.will(
        Reply([leak], 400, PLAIN),
        Reply([leak], headers=PLAIN),
        Reply([KEY.encode()], headers=PLAIN),
        Reply([answer(result(7, 1, document=KEY))], headers=PLAIN),
    )
    shown = [repr(model), str(vars(model))]
    for _ in range(4):
        error = await error_of(model)
        shown += [str(error), repr(error), str(vars(error))]
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown += [line for line in trace.format() if "test_rerank" not in line]

    assert not [text for text in [*shown, caplog.text] if KEY in text]
