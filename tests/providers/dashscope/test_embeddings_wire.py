"""Answers with vectors, read without a socket: right in any order, or a typed error."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import (
    AuthenticationError,
    ChatError,
    ContentFilteredError,
    ProtocolError,
    ProviderError,
    RateLimitedError,
    RejectedRequestError,
    Usage,
)
from junto.providers.dashscope._embeddings_wire import (
    Batch,
    Limits,
    Wish,
    embeddings_body,
    limits_of,
    read_embeddings,
)
from junto.providers.dashscope._errors import origin_of

from ...standin import recording

ORIGIN = origin_of("text-embedding-v4", "test")
RECORDED = recording("embeddings_native.json")
BOTH = Wish(output="dense&sparse")


def entry(index: Any, *vector: Any, **more: Any) -> dict[str, Any]:
    return {"text_index": index, "embedding": list(vector), **more}


def answer(*entries: Any, **more: Any) -> bytes:
    return json.dumps({"output": {"embeddings": entries}, "request_id": "r-1"} | more).encode()


def read(body: bytes, count: int = 1, wish: Wish | None = None) -> Batch | ChatError:
    return read_embeddings(body, ORIGIN, "of-the-header", count=count, wish=wish or Wish())


def read_well(body: bytes, count: int = 1, wish: Wish | None = None) -> Batch:
    batch = read(body, count, wish)
    assert isinstance(batch, Batch)
    return batch


def test_the_recorded_answer_is_read() -> None:
    batch = read_well(RECORDED.body, 2)

    assert batch.vectors == ((-0.015, 0.0125, 0.00625), (0.0225, 0.0375, -0.005))
    assert batch.sparse == ()
    assert batch.usage == Usage(input_tokens=3, total_tokens=3)
    assert batch.request_id == "3f6a1c52-8b1e-9d47-a0c3-5d7e24b9f016"


def test_the_recorded_request_is_what_is_sent() -> None:
    body = embeddings_body("text-embedding-v4", ["a", "b"], "document", Wish(dimensions=64))

    assert body == RECORDED.request["json"]


def test_what_is_asked_for_is_said_and_nothing_else() -> None:
    wish = Wish(output="sparse", instruct="Find the answer.")
    parameters = embeddings_body("m", ["a"], "query", wish)["parameters"]

    assert parameters == {
        "text_type": "query",
        "output_type": "sparse",
        "instruct": "Find the answer.",
    }


@given(count=st.integers(1, 25), seed=st.integers(0, 10**6))
def test_vectors_are_in_the_order_of_the_texts_whatever_the_services_order(
    count: int, seed: int
) -> None:
    entries = [entry(index, index, 0.5) for index in range(count)]
    random.Random(seed).shuffle(entries)

    batch = read_well(answer(*entries), count)

    assert batch.vectors == tuple((float(index), 0.5) for index in range(count))


def test_weights_of_terms_are_by_their_numbers() -> None:
    terms = [{"index": 7, "value": 0.5, "token": "风"}, {"index": 2**31, "value": 1}]
    body = answer(
        entry(1, 1, sparse_embedding=[]), entry(0, 2, sparse_embedding=terms, type="text")
    )

    batch = read_well(body, 2, BOTH)
    assert batch.vectors == ((2.0,), (1.0,))
    assert batch.sparse == ({7: 0.5, 2**31: 1.0}, {})

    assert read_well(body, 2, Wish(output="sparse")).vectors == ((), ())
    assert read_well(body, 2).sparse == ()


def test_a_byte_order_mark_is_no_harm() -> None:
    assert read_well(b"\xef\xbb\xbf" + answer(entry(0, 1))).vectors == ((1.0,),)


def test_a_success_may_have_an_empty_code() -> None:
    assert read_well(answer(entry(0, 1), code="", message="", error=None)).vectors == ((1.0,),)


@pytest.mark.parametrize("usage", [None, {}, "3", {"total_tokens": -1}, {"total_tokens": 1.5}])
def test_a_usage_that_is_none_is_unknown_and_costs_no_vectors(usage: Any) -> None:
    batch = read_well(answer(entry(0, 1), usage=usage))

    assert batch.usage == Usage()
    assert batch.request_id == "r-1"


def test_the_id_of_the_headers_counts_where_the_body_has_none() -> None:
    assert read_well(answer(entry(0, 1), request_id=None)).request_id == "of-the-header"


def test_an_id_shows_no_key_and_no_control_characters() -> None:
    body = answer(entry(0, 1), request_id="for sk-0123456789abcdef\x1b[31m")

    assert read_well(body).request_id == "for sk-… [31m"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "truncated"),
        (b"<html>no</html>", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"null", "null"),
        (b"[]", "array"),
        (b"[" * 100_000, "array"),
        (b'{"output":' + b"[" * 100_000, "array"),
        (b"{}", "no output"),
        (b'{"output": null}', "no output"),
        (b'{"output": {}}', "embeddings"),
        (b'{"output": {"embeddings": null}}', "null"),
        (b'{"output": {"embeddings": [1]}}', "int"),
        (b'data:{"output":{"embeddings":[{"text_index":0,"embedding":[1]}]}}\n\n', "malformed"),
        (answer(), "no vector for text 0"),
        (answer(entry(0, 1), entry(2, 1)), "text 2 of a batch of 2"),
        (answer(entry(0, 1), entry(-1, 1)), "text -1"),
        (answer(entry(0, 1), entry(0, 1)), "two vectors for text 0"),
        (answer(entry(1, 1)), "no vector for text 0"),
        (answer(entry(0, 1)), "no vector for text 1"),
        (answer(entry(0, 1), entry(1, 1), entry(2, 1)), "text 2"),
        (answer(entry("0", 1), entry(1, 1)), "text_index"),
        (answer(entry(True, 1), entry(1, 1)), "text_index"),
        (answer(entry(10**400, 1), entry(1, 1)), "of a batch of 2"),
        (answer({"embedding": [1]}, entry(1, 1)), "text_index"),
        (answer(entry(0, 1), entry(1)), "the vector of text 1 of the batch is missing"),
        (answer(entry(0, 1), {"text_index": 1}), "the vector of text 1 of the batch is missing"),
        (answer(entry(0, 1), entry(1, 1, 2)), "has 2 numbers, not 1"),
        (answer(entry(0, 1), entry(1, "0.5")), "str"),
        (answer(entry(0, 1), entry(1, None)), "null"),
        (answer(entry(0, 1), entry(1, True)), "bool"),
        (answer(entry(0, 1), entry(1, float("nan"))), "malformed"),
        (answer(entry(0, 1), entry(1, float("inf"))), "malformed"),
        (answer(entry(0, 1), entry(1, 10**400)), "range"),
        (answer(entry(0, 1), entry(1, "X")).replace(b'"X"', b"1e999"), "range"),
    ],
)
def test_an_answer_that_does_not_fit_is_a_protocol_error(body: bytes, said: str) -> None:
    error = read(body, 2)

    assert isinstance(error, ProtocolError)
    assert said in str(error)
    assert error.request_id in {"r-1", "of-the-header"}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"sparse_embedding": None},
        {"sparse_embedding": {"7": 0.5}},
        {"sparse_embedding": [{"index": -1, "value": 0.5}]},
        {"sparse_embedding": [{"index": 1, "value": "much"}]},
        {"sparse_embedding": [{"value": 0.5}]},
    ],
)
def test_weights_that_are_none_are_a_protocol_error(wrong: dict[str, Any]) -> None:
    error = read(answer(entry(0, 1, **wrong)), 1, BOTH)

    assert isinstance(error, ProtocolError)
    assert "sparse" in str(error)


def test_vectors_of_another_length_than_asked_for_are_a_protocol_error() -> None:
    error = read(answer(entry(0, 1, 2, 3)), 1, Wish(dimensions=64))

    assert isinstance(error, ProtocolError)
    assert "has 3 numbers, not 64" in str(error)


FRAME = b"id:1\nevent:error\n:HTTP_STATUS/429\ndata:%s\n\n"
SLOW = b'{"code":"Throttling.RateQuota","message":"slow","request_id":"r-9"}'


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (SLOW, RateLimitedError, None),
        (FRAME % SLOW, RateLimitedError, 429),
        (b"data: " + SLOW + b"\n\n", RateLimitedError, None),
        (
            b'{"error":{"code":"invalid_api_key","message":"no"},"request_id":"r-9"}',
            AuthenticationError,
            None,
        ),
        (
            b'{"code":"InvalidParameter","message":"<429> too many requests","request_id":"r-9"}',
            RateLimitedError,
            429,
        ),
        (
            b'{"code":"DataInspectionFailed","message":"no","request_id":"r-9","output":null}',
            ContentFilteredError,
            None,
        ),
        (answer(entry(0, 1), code="InternalError", request_id="r-9"), ProviderError, None),
        (answer(entry(0, 1), error="overloaded", request_id="r-9"), ProviderError, None),
        (b'{"code":503,"message":["odd"],"request_id":"r-9"}', ProviderError, 503),
    ],
)
def test_an_error_inside_a_success_is_that_error(
    body: bytes, kind: type[ProviderError], status: int | None
) -> None:
    error = read(body)

    assert isinstance(error, kind)
    assert error.status == status
    assert error.request_id == "r-9"


def test_an_error_in_a_long_answer_is_found() -> None:
    error = read(answer(entry(0, *[0.5] * 50_000), code="InternalError"))

    assert isinstance(error, ProviderError)
    assert error.code == "InternalError"


def test_a_long_answer_that_is_no_json_is_not_searched_to_its_end() -> None:
    frames = b"data:{\n\n" * 10_000
    error = read(frames + FRAME % SLOW)

    assert isinstance(error, ProtocolError)
    assert isinstance(read(frames[:800] + FRAME % SLOW), RateLimitedError)


def test_a_batch_that_is_too_large_says_so() -> None:
    text = "batch size is invalid, it should not be larger than 10"
    error = read(json.dumps({"code": "InvalidParameter", "message": text}).encode())

    assert isinstance(error, RejectedRequestError)
    assert text in str(error)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text_index", "embedding", "sparse_embedding", "index", "value", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(entries=JSON, code=st.none() | JSON, error=JSON, usage=JSON, count=st.integers(1, 3))
def test_whatever_json_comes_it_is_vectors_or_a_typed_error(
    entries: Any, code: Any, error: Any, usage: Any, count: int
) -> None:
    payload = {
        "output": {"embeddings": entries},
        "code": code,
        "error": error,
        "usage": usage,
        "request_id": code,
    }
    got = read(json.dumps(payload).encode(), count, BOTH)

    assert isinstance(got, Batch | ProviderError | ProtocolError)


@given(
    body=st.binary(max_size=40)
    | st.builds(
        lambda at, junk: RECORDED.body[:at] + junk + RECORDED.body[at + len(junk) :],
        st.integers(0, len(RECORDED.body)),
        st.binary(max_size=6),
    )
)
def test_whatever_bytes_come_they_are_vectors_or_a_typed_error(body: bytes) -> None:
    assert isinstance(read(body, 2, BOTH), Batch | ProviderError | ProtocolError)
    assert isinstance(read(body, 2), Batch | ProviderError | ProtocolError)


@pytest.mark.parametrize(
    ("model", "batch", "longest"),
    [
        ("text-embedding-v1", 25, 1536),
        ("text-embedding-v2", 25, 1536),
        ("text-embedding-v3", 10, 1024),
        ("text-embedding-v4", 10, 2048),
    ],
)
def test_the_limits_of_the_models_that_are_known(model: str, batch: int, longest: int) -> None:
    limits = limits_of(model)

    assert limits.batch == batch
    assert max(limits.dimensions) == longest


def test_an_unknown_model_gets_a_batch_that_every_model_takes() -> None:
    known = [limits_of(f"text-embedding-v{number}").batch for number in range(1, 5)]

    assert limits_of("text-embedding-v9") == Limits(batch=min(known))
