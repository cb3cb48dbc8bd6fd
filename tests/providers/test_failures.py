"""The shapes of errors that servers have, whichever provider asks them."""

import json
from typing import Any

import pytest

from junto.core import ProviderError, RejectedRequestError
from junto.providers.failures import (
    Failure,
    Origin,
    failure_of,
    judge_by,
    parse_failure,
    to_error,
)


def read(body: Any, status: int = 400) -> Failure:
    return parse_failure(body if isinstance(body, bytes) else json.dumps(body).encode(), status)


@pytest.mark.parametrize(
    ("body", "code", "kind", "message"),
    [
        ({"error": {"message": "m", "type": "t", "code": "c"}}, "c", "t", "m"),
        ({"error": {"message": "m", "type": "t", "code": None}}, "", "t", "m"),
        ({"error": {"message": "m", "type": "t", "code": 400}}, "t", "t", "m"),
        ({"error": {"message": "m", "type": "t", "code": "400"}}, "t", "t", "m"),
        ({"error": {"message": "m", "code": 20012}}, "20012", "", "m"),
        ([{"error": {"message": "m", "code": 400, "status": "INVALID"}}], "", "", "m"),
        ({"error": "m"}, "", "", "m"),
        ({"object": "error", "message": "m", "type": "t", "code": 400}, "t", "t", "m"),
        ({"detail": "m"}, "", "", "m"),
        ({"code": "c", "message": "m"}, "c", "", "m"),
    ],
)
def test_a_body_in_json_says_code_type_and_message(
    body: Any, code: str, kind: str, message: str
) -> None:
    assert read(body) == Failure(status=400, code=code, type=kind, message=message)


def test_a_list_of_details_says_what_is_wrong_and_where() -> None:
    body = {
        "detail": [
            {"loc": ["body", "messages", 0], "msg": "Field required", "type": "missing"},
            {"loc": [], "msg": "and more"},
            "no table",
        ]
    }

    assert read(body).message == "body.messages.0: Field required; and more"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"Internal Server Error", "Internal Server Error"),
        (b"404 page not found\n", "404 page not found"),
        (b"<html><head><title>502 Bad &amp; Gateway</title></head>", "502 Bad & Gateway"),
        (b"<html>", ""),
        (b'{"error":', ""),
        (b"", ""),
        (b"x" * 1000, "x" * 300),
    ],
)
def test_a_body_that_is_not_json_gives_its_words_or_its_title(body: bytes, message: str) -> None:
    assert read(body, 502) == Failure(status=502, message=message)


def test_a_code_that_is_a_status_is_the_status_of_an_error_inside_a_stream() -> None:
    payload = {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}

    within, refused = failure_of(payload, None), failure_of(payload, 429)

    assert within == Failure(
        status=503, code="unavailable_error", type="unavailable_error", message="Loading model"
    )
    assert refused is not None
    assert refused.status == 429  # HTTP's own counts where there is one


@pytest.mark.parametrize("payload", [[], [1], [[]], {"detail": "x"}, {"type": "x"}])
def test_what_says_no_error_is_none(payload: Any) -> None:
    assert failure_of(payload, None) is None


def test_what_is_not_implemented_is_not_to_be_tried_again() -> None:
    verdict = judge_by(Failure(status=501))

    assert (verdict.error, verdict.kind) == (RejectedRequestError, "not_supported")
    assert not verdict.retryable


def test_the_type_stands_in_the_text_where_there_is_no_code() -> None:
    error: ProviderError = to_error(
        Failure(status=400, type="api_error", message="no"), Origin("m", "host")
    )

    assert str(error) == "no (400 api_error)"
    assert error.code is None
