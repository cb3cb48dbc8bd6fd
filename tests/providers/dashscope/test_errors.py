"""Codes and messages of the service become the right errors."""

import pytest

from junto.core import (
    AuthenticationError,
    ProviderError,
    RateLimitedError,
    RejectedRequestError,
    Secret,
    UnavailableError,
)
from junto.providers.dashscope._errors import origin_of
from junto.providers.failures import (
    Failure,
    failure_of,
    parse_failure,
    retry_after,
    to_error,
)

ORIGIN = origin_of(
    "qwen-plus", "dashscope.aliyuncs.com", Secret("sk-abcdef0123456789"), "THE_VARIABLE"
)


def error_of(status: int | None, code: str, message: str = "") -> ProviderError:
    return to_error(Failure(status=status, code=code, message=message), ORIGIN)


@pytest.mark.parametrize(
    ("status", "kind", "cls", "retryable"),
    [
        (400, "bad_request", RejectedRequestError, False),
        (401, "auth", AuthenticationError, False),
        (404, "not_found", RejectedRequestError, False),
        (429, "rate_limit", RateLimitedError, True),
        (502, "server", UnavailableError, True),
        (None, "server", UnavailableError, False),
    ],
)
def test_what_the_table_does_not_know_is_judged_by_its_status(
    status: int | None, kind: str, cls: type[ProviderError], *, retryable: bool
) -> None:
    error = error_of(status, "SomethingNew")

    assert (type(error), error.kind, error.retryable) == (cls, kind, retryable)
    assert (error.status, error.code) == (status, "SomethingNew")


def test_a_wait_of_a_minute_goes_with_the_limits_of_a_minute() -> None:
    assert error_of(429, "Throttling.RateQuota").retry_after == 60
    assert error_of(429, "Throttling.BurstRate").retry_after is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_a_time_to_wait_is_read_or_left(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=10) == seconds


def test_the_status_in_a_message_counts_where_no_other_says_more() -> None:
    payload = {"error": {"message": "<429> InternalError.Algo: busy", "type": "server_error"}}

    failure = failure_of(payload, 200)

    assert failure is not None
    assert failure.status == 429


@pytest.mark.parametrize("code", [429, "429"])
def test_a_code_that_is_a_status_counts_as_one(code: object) -> None:
    failure = failure_of({"error": {"message": "busy", "code": code}}, None)

    assert failure is not None
    assert failure.status == 429


@pytest.mark.parametrize("text", ["<200> x", "<1234> x", "x <429>", "<999>"])
def test_no_other_number_is_a_status(text: str) -> None:
    failure = failure_of({"error": {"message": text}}, 200)

    assert failure is not None
    assert failure.status is None


def test_a_message_is_enough_where_the_event_says_that_it_is_an_error() -> None:
    assert failure_of({"message": "no", "request_id": "r"}, 200) is None
    said = failure_of({"message": "<503> no", "request_id": "r"}, 200, said=True)

    assert said is not None
    assert (said.status, said.message, said.request_id) == (503, "<503> no", "r")


def test_the_request_id_hides_in_the_id_of_a_chunk() -> None:
    body = b'data: {"error":{"message":"x","code":"y"},"id":"chatcmpl-abc"}\n\n'

    assert parse_failure(body, 400, request_id="of the header").request_id == "abc"
    assert parse_failure(b"<html>", 502, request_id="of the header").request_id == "of the header"


@pytest.mark.parametrize("payload", [{"code": "", "message": ""}, {"output": {}}, [], None, "x"])
def test_a_success_is_no_error(payload: object) -> None:
    assert failure_of(payload, 200) is None
    assert failure_of(payload, None) is None


def test_a_refused_key_names_its_source_the_host_and_the_regions() -> None:
    text = str(error_of(401, "InvalidApiKey", "Invalid API-key provided."))

    for word in ("Invalid API-key provided.", "THE_VARIABLE", "dashscope.aliyuncs.com", "intl"):
        assert word in text


def test_a_key_is_never_quoted() -> None:
    text = str(error_of(400, "x", "sk-abcdef0123456789 Bearer other sk-1234567890"))

    assert "0123456789" not in text
    assert "1234567890" not in text
    assert "other" not in text


def test_a_long_message_leaves_room_for_what_to_do() -> None:
    text = str(error_of(401, "InvalidApiKey", "x" * 2000 + "\x1b[31m\n"))

    assert len(text) <= 500
    assert "THE_VARIABLE" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("message", ["", "\n", "\ud83d", "\u202e"])
def test_a_message_of_nothing_that_can_be_shown_is_said_to_be_missing(message: str) -> None:
    assert "the service gave no reason" in str(to_error(Failure(message=message), ORIGIN))
