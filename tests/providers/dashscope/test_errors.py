"""Codes and messages of the service become the right errors."""

import pytest

from junto.core import (
    AuthenticationError,
    ContentFilteredError,
    ProviderError,
    QuotaError,
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
    ("status", "code", "message", "kind", "cls", "retryable"),
    [
        (400, "Arrearage", "Access denied, …good standing.", "billing", QuotaError, False),
        (429, "CommodityNotPurchased", "", "billing", QuotaError, False),
        (429, "PrepaidBillOverdue", "", "billing", QuotaError, False),
        (
            429,
            "Throttling.AllocationQuota",
            "Free allocated quota exceeded.",
            "billing",
            QuotaError,
            False,
        ),
        (
            429,
            "Throttling.AllocationQuota",
            "Allocated quota exceeded",
            "rate_limit",
            RateLimitedError,
            True,
        ),
        (400, "Throttling.AllocationQuota", "voices", "billing", QuotaError, False),
        (
            429,
            "insufficient_quota",
            "check your plan and billing",
            "rate_limit",
            RateLimitedError,
            True,
        ),
        (429, "Throttling", "", "rate_limit", RateLimitedError, True),
        (429, "Throttling.BurstRate", "", "rate_limit", RateLimitedError, True),
        (429, "LimitRequests", "", "rate_limit", RateLimitedError, True),
        (429, "Throttling.ResourceExhausted", "", "overloaded", RateLimitedError, True),
        (400, "DataInspectionFailed", "", "content_filter", ContentFilteredError, False),
        (
            500,
            "internal_error",
            "<400> InternalError.Algo.DataInspectionFailed: data may contain inappropriate …",
            "content_filter",
            ContentFilteredError,
            False,
        ),
        (401, "NOT AUTHORIZED", "", "auth", AuthenticationError, False),
        (401, "", "", "auth", AuthenticationError, False),
        (403, "AccessDenied.Unpurchased", "", "permission", AuthenticationError, False),
        (
            400,
            "InvalidParameter",
            "Model not exist.",
            "model_not_found",
            RejectedRequestError,
            False,
        ),
        (404, "", "", "not_found", RejectedRequestError, False),
        (
            400,
            "InvalidParameter",
            "url error, please check url！",
            "wrong_path",
            RejectedRequestError,
            False,
        ),
        (
            400,
            "InvalidParameter",
            "File parsing in progress",
            "file_pending",
            RejectedRequestError,
            True,
        ),
        (400, "InvalidURL.Timeout", "", "bad_media", RejectedRequestError, True),
        (400, "InvalidFile.Size", "", "bad_media", RejectedRequestError, False),
        (400, "BadRequest.TooLarge", "", "bad_request", RejectedRequestError, False),
        (
            400,
            "InvalidParameter.NotSupportEnableThinking",
            "",
            "bad_request",
            RejectedRequestError,
            False,
        ),
        (400, "SomethingNew", "", "bad_request", RejectedRequestError, False),
        (413, "", "", "too_large", RejectedRequestError, False),
        (400, "APIConnectionError", "Connection error.", "network", UnavailableError, True),
        (500, "InternalError.Algo", "Expecting ',' delimiter", "server", UnavailableError, True),
        (500, "InternalError.Timeout", "", "server", UnavailableError, True),
        (500, "InvokePluginFailed", "", "server", UnavailableError, False),
        (503, "ModelUnavailable", "", "overloaded", UnavailableError, True),
        (502, "", "", "server", UnavailableError, True),
        (None, "server_error", "Backend buffer overflow.", "overloaded", UnavailableError, True),
        (
            429,
            "server_error",
            "<429> InternalError.Algo: busy",
            "overloaded",
            RateLimitedError,
            True,
        ),
    ],
)
def test_the_table(  # noqa: PLR0917  a row
    status: int | None,
    code: str,
    message: str,
    kind: str,
    cls: type[ProviderError],
    retryable: bool,
) -> None:
    error = error_of(status, code, message)

    assert (type(error), error.kind, error.retryable) == (cls, kind, retryable)
    assert (error.status, error.code) == (status, code or None)


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
