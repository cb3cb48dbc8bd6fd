"""The embedding model over a connection: batches, order, failures, and nothing left open."""

import asyncio
import gzip
import json
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from junto.core import (
    AuthenticationError,
    ChatConnectionError,
    ChatError,
    ChatTimeoutError,
    EmbeddingModel,
    Embeddings,
    InterruptedStreamError,
    ProtocolError,
    RateLimitedError,
    RejectedRequestError,
    UnavailableError,
    Usage,
)
from junto.providers.dashscope import DashScopeEmbeddings, Timeouts, _service

from ...standin import ABORT, GONE, Asked, Reply, StandIn, Step, recording
from .conftest import KEY

SOON = 5
RECORDED = recording("embeddings_native.json")
PLAIN = {"Content-Type": "application/json", "x-request-id": "of-the-header"}
TEXTS = [f"text {number}" for number in range(25)]


def vectors_for(asked: Asked, *before: Step) -> Reply:
    """For each text the number in it, twice; the last text first."""
    texts = asked.json["input"]["texts"]
    entries = [
        {"text_index": index, "embedding": [float(text.split()[1]), 0.5]}
        for index, text in enumerate(texts)
    ]
    answer = {
        "output": {"embeddings": entries[::-1]},
        "usage": {"total_tokens": len(texts)},
        "request_id": f"r-{texts[0].split()[1]}",
    }
    return Reply([*before, json.dumps(answer).encode()], headers=PLAIN)


def refused(status: int, code: str, message: str = "no") -> Reply:
    body = json.dumps({"code": code, "message": message, "request_id": "r-1"})
    return Reply([body.encode()], status, PLAIN)


@pytest.fixture
async def model(server: StandIn) -> AsyncIterator[DashScopeEmbeddings]:
    async with DashScopeEmbeddings(api_key=KEY, base_url=server.url) as asked:
        yield asked


async def error_of(model: DashScopeEmbeddings, texts: list[str] | None = None) -> ChatError:
    with pytest.raises(ChatError) as caught:
        await model.embed(["text 0"] if texts is None else texts)
    return caught.value


def test_it_is_an_embedding_model() -> None:
    model = DashScopeEmbeddings(region="intl")

    assert isinstance(model, EmbeddingModel)
    assert (model.provider, model.model) == ("dashscope", "text-embedding-v4")
    assert model.base_url == "https://dashscope-intl.aliyuncs.com/api/v1"
    assert repr(model) == (
        "DashScopeEmbeddings('text-embedding-v4', host='dashscope-intl.aliyuncs.com')"
    )


async def test_the_recording_is_read(server: StandIn, model: DashScopeEmbeddings) -> None:
    server.will(Reply.of(RECORDED))

    got = await model.embed(["a", "b"])

    assert got == Embeddings(
        vectors=((-0.015, 0.0125, 0.00625), (0.0225, 0.0375, -0.005)),
        usage=Usage(input_tokens=3, total_tokens=3),
        model="text-embedding-v4",
        request_ids=("3f6a1c52-8b1e-9d47-a0c3-5d7e24b9f016",),
    )
    asked = server.asked[0]
    assert asked.path == RECORDED.request["path"]
    assert asked.json == {
        "model": "text-embedding-v4",
        "input": {"texts": ["a", "b"]},
        "parameters": {"text_type": "document"},
    }
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.headers["Accept"] == "application/json"
    assert "X-DashScope-SSE" not in asked.headers


async def test_the_answer_may_come_in_any_pieces(
    server: StandIn, model: DashScopeEmbeddings
) -> None:
    server.will(Reply.of(RECORDED, RECORDED.cut_each()), Reply.of(RECORDED))

    assert (await model.embed(["a", "b"])).vectors == (await model.embed(["a", "b"])).vectors


@pytest.mark.parametrize("name", ["text-embedding-v4", "text-embedding-v2", "mine"])
async def test_many_texts_go_in_batches_and_come_back_in_order(server: StandIn, name: str) -> None:
    server.will(vectors_for)
    texts = [f"text {number}" for number in range(53)]
    async with DashScopeEmbeddings(name, api_key=KEY, base_url=server.url) as model:
        got = await model.embed(texts)

    size = 25 if name == "text-embedding-v2" else 10
    sizes = sorted((len(asked.json["input"]["texts"]) for asked in server.asked), reverse=True)
    assert sizes == [*[size] * (53 // size), 53 % size]
    assert got.vectors == tuple((float(number), 0.5) for number in range(53))
    assert got.usage == Usage(input_tokens=53, total_tokens=53)
    assert got.request_ids == tuple(f"r-{start}" for start in range(0, 53, size))
    assert got.model == name


async def test_the_size_of_a_batch_can_be_said(server: StandIn) -> None:
    server.will(vectors_for)
    async with DashScopeEmbeddings("mine", batch=20, api_key=KEY, base_url=server.url) as model:
        await model.embed(TEXTS)

    assert sorted(len(asked.json["input"]["texts"]) for asked in server.asked) == [5, 20]


@pytest.mark.parametrize("at_once", [1, 2, 3])
async def test_only_a_few_requests_are_on_their_way_at_once(server: StandIn, at_once: int) -> None:
    go = asyncio.Event()
    running = 0
    most = 0

    class Leaving(asyncio.Event):
        """Counts those who wait here as gone when they go on."""

        async def wait(self) -> Any:
            nonlocal running
            await go.wait()
            running -= 1

    def answer(asked: Asked) -> Reply:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == at_once:
            go.set()
        return vectors_for(asked, Leaving())

    server.will(answer)
    async with DashScopeEmbeddings(
        batch=2, concurrency=at_once, api_key=KEY, base_url=server.url
    ) as model:
        got = await model.embed(TEXTS)

    assert most == at_once
    assert got.vectors == tuple((float(number), 0.5) for number in range(25))


async def test_the_purpose_is_said(server: StandIn, model: DashScopeEmbeddings) -> None:
    server.will(vectors_for)
    await model.embed(["text 1"], purpose="query")

    assert server.asked[0].json["parameters"] == {"text_type": "query"}


async def test_what_is_wished_for_is_said(server: StandIn) -> None:
    weights = [{"index": 7, "value": 0.5, "token": "a"}]
    entry = {"text_index": 0, "embedding": [0.5] * 64, "sparse_embedding": weights}
    server.will(Reply([json.dumps({"output": {"embeddings": [entry]}}).encode()], headers=PLAIN))
    async with DashScopeEmbeddings(
        dimensions=64,
        output="dense&sparse",
        instruct="Find it.",
        workspace="ws-1",
        data_inspection=True,
        api_key=KEY,
        base_url=server.url,
    ) as model:
        got = await model.embed(["a"])

    assert server.asked[0].json["parameters"] == {
        "text_type": "document",
        "dimension": 64,
        "output_type": "dense&sparse",
        "instruct": "Find it.",
    }
    assert server.asked[0].headers["X-DashScope-WorkSpace"] == "ws-1"
    assert "cip" in server.asked[0].headers["X-DashScope-DataInspection"]
    assert got.sparse == ({7: 0.5},)
    assert got.request_ids == ("of-the-header",)
    assert got.usage == Usage()


async def test_the_one_length_of_a_model_is_checked_and_not_sent(server: StandIn) -> None:
    server.will(vectors_for)
    async with DashScopeEmbeddings(
        "text-embedding-v2", dimensions=1536, api_key=KEY, base_url=server.url
    ) as model:
        error = await error_of(model)

    assert "dimension" not in server.asked[0].json["parameters"]
    assert "has 2 numbers, not 1536" in str(error)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"dimensions": 100}, "2048, 1536, 1024, 768, 512, 256, 128, 64 dimensions, not 100"),
        ({"dimensions": 0}, "dimensions is a whole number"),
        ({"dimensions": True}, "dimensions is a whole number"),
        ({"dimensions": "64"}, "dimensions is a whole number"),
        ({"model": "text-embedding-v3", "dimensions": 2048}, "not 2048"),
        ({"model": "text-embedding-v2", "dimensions": 1024}, "1536 dimensions, not 1024"),
        ({"model": "text-embedding-v2", "output": "sparse"}, "dense vectors only"),
        ({"output": "thin"}, "dense&sparse; not 'thin'"),
        ({"concurrency": 0}, "concurrency is a whole number"),
        ({"batch": 0}, "batch is a whole number"),
        ({"model": ""}, "needs a name"),
        ({"region": "mars"}, "mars"),
    ],
)
def test_what_cannot_be_right_is_refused_when_the_model_is_made(
    arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        DashScopeEmbeddings(**arguments)


def test_a_keyword_that_does_not_exist_is_refused() -> None:
    wrong: dict[str, Any] = {"api_keys": KEY}
    with pytest.raises(TypeError, match="api_keys"):
        DashScopeEmbeddings(**wrong)


async def test_no_texts_make_no_request_and_need_no_key() -> None:
    got = await DashScopeEmbeddings().embed([])

    assert got == Embeddings(vectors=(), model="text-embedding-v4")


@pytest.mark.parametrize(
    ("texts", "error", "said"),
    [
        (["a", ""], RejectedRequestError, r"texts\[1\] is empty"),
        (["a", 3], TypeError, r"texts\[1\] is a text, not int"),
        ("a", TypeError, r"pass \[text\]"),
    ],
)
async def test_what_is_no_text_is_refused_before_anything_is_sent(
    texts: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):  # else there would be no key
        await DashScopeEmbeddings().embed(texts)


async def test_a_purpose_that_does_not_exist_is_refused() -> None:
    wrong: Any = "search"
    with pytest.raises(ValueError, match="'document' or 'query', not 'search'"):
        await DashScopeEmbeddings().embed(["a"], purpose=wrong)


async def test_without_a_key_the_error_says_where_one_may_be_put() -> None:
    error = await error_of(DashScopeEmbeddings(), TEXTS)

    assert isinstance(error, AuthenticationError)
    assert str(error).startswith("no key for DashScope: set DASHSCOPE_API_KEY")
    assert "DashScopeModel" not in str(error)


async def test_a_failure_gives_the_other_requests_up_and_says_which_texts(
    server: StandIn, model: DashScopeEmbeddings
) -> None:
    others = asyncio.Event()

    def answer(asked: Asked) -> Reply:
        if len(server.asked) == 3:
            others.set()
        if asked.json["input"]["texts"][0] != "text 10":
            return Reply([GONE], headers=PLAIN)
        slow = refused(429, "Throttling.RateQuota", "slow down")
        return Reply([others, *slow.steps], slow.status, slow.headers)

    server.will(answer)
    async with asyncio.timeout(SOON):
        error = await error_of(model, TEXTS)
        for asked in server.asked:
            if asked.json["input"]["texts"][0] != "text 10":
                await asked.gone.wait()

    assert isinstance(error, RateLimitedError)
    assert str(error).startswith("texts 10 to 19 of 25: slow down")
    assert (error.status, error.request_id, error.retry_after) == (429, "r-1", 60)
    assert len(server.asked) == 3


async def test_a_failure_begins_no_further_request(server: StandIn) -> None:
    server.will(vectors_for, refused(500, "InternalError"))
    async with DashScopeEmbeddings(
        batch=1, concurrency=1, api_key=KEY, base_url=server.url
    ) as model:
        error = await error_of(model, TEXTS)

    assert isinstance(error, UnavailableError)
    assert str(error).startswith("text 1 of 25: ")
    assert len(server.asked) == 2


async def test_cancelling_frees_every_connection(
    server: StandIn, model: DashScopeEmbeddings
) -> None:
    all_there = asyncio.Event()

    def answer(asked: Asked) -> Reply:
        if len(server.asked) == 3:
            all_there.set()
        return Reply([b"{", GONE], headers=PLAIN)

    server.will(answer)
    task = asyncio.create_task(model.embed(TEXTS))
    async with asyncio.timeout(SOON):
        await all_there.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for asked in server.asked:
            await asked.gone.wait()

    assert not [t for t in asyncio.all_tasks() if "work" in repr(t.get_coro())]


async def test_batches_of_different_lengths_are_a_protocol_error(
    server: StandIn, model: DashScopeEmbeddings
) -> None:
    def answer(asked: Asked) -> Reply:
        texts = asked.json["input"]["texts"]
        entries = [{"text_index": n, "embedding": [1] * len(texts)} for n in range(len(texts))]
        return Reply([json.dumps({"output": {"embeddings": entries}}).encode()], headers=PLAIN)

    server.will(answer)
    error = await error_of(model, TEXTS)

    assert isinstance(error, ProtocolError)
    assert "different lengths" in str(error)


async def test_connections_are_kept_for_the_next_request(
    server: StandIn, model: DashScopeEmbeddings
) -> None:
    server.will(vectors_for)
    for _ in range(3):
        await model.embed(["text 1"])

    assert len({id(asked.connection) for asked in server.asked}) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply([b"<html>"], 503, {"Content-Type": "text/html"}), UnavailableError),
        (Reply.of(recording("err_504_empty_body.txt")), UnavailableError),
        (Reply.of(recording("err_401_native_invalid_key.json")), AuthenticationError),
        (Reply.of(recording("err_400_native_sse_framed_ct_json.txt")), RejectedRequestError),
        (Reply.of(recording("err_404_native_openai_shape.json")), RejectedRequestError),
        (Reply.of(recording("embeddings_compat.json")), ProtocolError),
        (Reply([b"{}"], headers={"Content-Type": "text/html"}), ProtocolError),
        (Reply([b"{}"], headers=PLAIN | {"Content-Encoding": "br"}), ProtocolError),
        (Reply([b"{}"], headers=PLAIN | {"Content-Encoding": "gzip"}), ProtocolError),
        (Reply([], 302, {"Location": "https://else.example/"}), ProtocolError),
        (Reply([], headers=PLAIN), ProtocolError),
        (Reply([RECORDED.body[:60], ABORT], headers=PLAIN), InterruptedStreamError),
    ],
)
async def test_every_other_answer_is_a_typed_error(
    server: StandIn, model: DashScopeEmbeddings, reply: Reply, kind: type[ChatError]
) -> None:
    server.will(reply)
    error = await error_of(model, ["a", "b"])

    assert isinstance(error, kind)


async def test_an_answer_that_breaks_off_has_the_id_of_its_request(
    server: StandIn, model: DashScopeEmbeddings
) -> None:
    server.will(Reply([RECORDED.body[:60], ABORT], headers=PLAIN))
    error = await error_of(model, ["a", "b"])

    assert isinstance(error, InterruptedStreamError)
    assert error.request_id == "of-the-header"
    assert error.retryable


@pytest.mark.parametrize("squeeze", [bytes, gzip.compress])
async def test_an_answer_beyond_the_limit_is_refused_and_its_connection_closed(
    server: StandIn,
    model: DashScopeEmbeddings,
    monkeypatch: pytest.MonkeyPatch,
    squeeze: Callable[[bytes], bytes],
) -> None:
    monkeypatch.setattr(_service, "_JSON_LIMIT", 1000)
    body = RECORDED.body.ljust(1001)
    headers = PLAIN | ({"Content-Encoding": "gzip"} if squeeze is gzip.compress else {})
    server.will(
        Reply([squeeze(body[:1000])], headers=headers),
        Reply([squeeze(body), GONE], headers=headers),
    )
    async with asyncio.timeout(SOON):
        assert len((await model.embed(["a", "b"])).vectors) == 2
        error = await error_of(model, ["a", "b"])
        await server.asked[1].gone.wait()

    assert isinstance(error, ProtocolError)
    assert "longer than 1000 bytes" in str(error)


async def test_a_dripping_answer_does_not_stop_the_clock(server: StandIn) -> None:
    drip = [part for _ in range(100) for part in (b" ", 0.02)]
    server.will(Reply(drip, headers=PLAIN))
    async with DashScopeEmbeddings(
        api_key=KEY, base_url=server.url, timeouts=Timeouts(first_event=0.1)
    ) as model:
        error = await error_of(model)
        async with asyncio.timeout(SOON):
            await server.asked[0].gone.wait()

    assert isinstance(error, ChatTimeoutError)
    assert error.clock == "first_event"


async def test_nobody_listening_is_a_connection_error_that_says_which_texts() -> None:
    async with StandIn() as server:
        url = server.url
    async with DashScopeEmbeddings(api_key=KEY, base_url=url, concurrency=1) as model:
        error = await error_of(model, TEXTS)

    assert isinstance(error, ChatConnectionError)
    assert str(error).startswith("texts 0 to 9 of 25: no connection to ")


async def test_a_closed_model_says_so() -> None:
    model = DashScopeEmbeddings(api_key=KEY)
    await model.aclose()
    await model.aclose()

    assert isinstance(await error_of(model), ChatConnectionError)


async def test_a_base_url_of_the_compatible_mode_leads_to_the_native_path(server: StandIn) -> None:
    server.will(vectors_for)
    url = server.url.removesuffix("/api/v1") + "/compatible-mode/v1"
    async with DashScopeEmbeddings(api_key=KEY, base_url=url) as model:
        await model.embed(["text 1"])

    assert server.asked[0].path == RECORDED.request["path"]


def test_one_model_serves_one_loop_after_another() -> None:
    async def ask(model: DashScopeEmbeddings) -> Embeddings:
        async with StandIn(vectors_for) as server:
            model._service.base_url = server.url
            return await model.embed(TEXTS)

    model = DashScopeEmbeddings(api_key=KEY)
    first, second = [asyncio.run(ask(model)) for _ in range(2)]
    asyncio.run(model.aclose())

    assert first == second


async def test_the_key_is_nowhere_to_be_seen(
    server: StandIn, model: DashScopeEmbeddings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    leak = f'{{"code":"Bad {KEY}","message":"no: Bearer {KEY}","request_id":"{KEY}"}}'.encode()
    server.will(
        Reply([leak], 400, PLAIN),
        Reply([leak], headers=PLAIN),
        Reply([b"data:" + leak + b"\n\n"], headers=PLAIN),
        Reply([KEY.encode()], headers=PLAIN),
        Reply([b'{"output": {"embeddings": [], "x": "' + KEY.encode() + b'"}}'], headers=PLAIN),
        Reply([KEY.encode(), ABORT], headers=PLAIN),
        Reply([b'{"' + KEY.encode() + b'":', b"[" * 100_000], headers=PLAIN),
        Reply([], headers={"Content-Type": KEY}),
        Reply([], 302, {"Location": f"https://{KEY}/"}),
    )
    shown = [repr(model), str(vars(model))]
    for _ in range(9):
        error = await error_of(model)
        shown += [str(error), repr(error), str(vars(error))]
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown += [line for line in trace.format() if "test_embeddings" not in line]

    assert not [text for text in [*shown, caplog.text] if KEY in text]
