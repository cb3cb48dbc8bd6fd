"""What the codes and messages of OpenAI and of the servers that speak its protocol mean."""

from __future__ import annotations

from junto.core import (
    AuthenticationError,
    ContentFilteredError,
    QuotaError,
    RateLimitedError,
    RejectedRequestError,
    UnavailableError,
    clean_text,
)

from ..failures import Failure, Origin, Rule, Verdict, judge_by

__all__ = ["hint_of", "judge"]

_AUTH = Verdict(AuthenticationError, "auth")
_BAD = Verdict(RejectedRequestError, "bad_request")
_BUSY = Verdict(UnavailableError, "overloaded", retryable=True)
_FILTER = Verdict(ContentFilteredError, "content_filter")
_LENGTH = Verdict(RejectedRequestError, "context_length")
_LOADING = Verdict(UnavailableError, "loading", retryable=True)
_NO_MODEL = Verdict(RejectedRequestError, "model_not_found")
_PART = Verdict(RejectedRequestError, "unsupported_part")
_PERMISSION = Verdict(AuthenticationError, "permission")
_QUOTA = Verdict(QuotaError, "billing")
_RATE = Verdict(RateLimitedError, "rate_limit", retryable=True)
_SERVER = Verdict(UnavailableError, "server", retryable=True)

_rule = Rule.of

RULES: tuple[Rule, ...] = (
    # Here, unlike with DashScope, a quota is money.
    _rule(_QUOTA, r"insufficient_(user_)?quota|billing_\w+|insufficient_balance"),
    _rule(_QUOTA, message=r"insufficient (account )?(balance|credits)|exceeded your current quota"),
    _rule(_RATE, r"rate_?limit\w*|too_many_requests|slow_down"),
    _rule(
        _FILTER, r"content_?filter\w*|content_policy_violation|moderation\w*|.*AIPolicyViolation"
    ),
    _rule(_FILTER, r"data_inspection_failed"),
    _rule(_FILTER, message=r"input was flagged", status=403),
    _rule(_AUTH, r"(invalid|incorrect)_api_?key|invalid_auth\w*|authentication_?error"),
    _rule(_AUTH, message=r"invalid api key|api key not valid"),
    _rule(_PERMISSION, r"permission\w*|access_denied|unsupported_country\w*"),
    _rule(_NO_MODEL, r"model_not_\w+|deployment_?not_?found"),
    _rule(_NO_MODEL, message=r"\bmodel\b.{0,200}\b(not found|not exist)\b|no such model"),
    _rule(_NO_MODEL, message=r"invalid model name|not a valid model"),
    _rule(_LENGTH, r"context_length_exceeded|exceed_context_size\w*|string_above_max_length"),
    _rule(_LENGTH, message=r"context (length|size|window)|prompt is too long|input token count"),
    _rule(_PART, message=r"(image|audio|video) input is not supported|not a multimodal model"),
    _rule(_PART, message=r"does not support (image|audio|video|vision)"),
    _rule(_LOADING, message=r"loading model", status=503),
    # Some say 500 for what is wrong with the request.
    _rule(_BAD, message=r"validation error|failed to parse", status=500),
)
"""In order: the first that fits; after all of them the status decides."""

INSIDE: tuple[Rule, ...] = (
    _rule(_BAD, r"(invalid|bad)_?request\w*|(invalid|unsupported|missing)_\w+"),
    _rule(_BUSY, r"(engine_)?overloaded(_error)?|server_busy|unavailable_error"),
    _rule(_SERVER, r"(internal_?)?server_?error|api_error"),
)
"""What types say that are too coarse to count where there is a status: inside a stream."""


def judge(failure: Failure) -> Verdict:
    """What ``failure`` means."""
    return judge_by(failure, RULES if failure.status is not None else RULES + INSIDE)


def hint_of(verdict: Verdict, origin: Origin) -> str:
    """What a person can do about it."""
    if verdict.kind == "auth":
        if origin.key is None:
            return f"no key was sent to {origin.host}: pass api_key=, or set {origin.key_source}"
        return f"the key came from {origin.key_source} and was sent to {origin.host}"
    return {
        "model_not_found": f"model {clean_text(origin.model, 60)!r} at {origin.host}",
        "not_found": f"{origin.host} has nothing at this path: base_url= ends with /v1 mostly",
        "context_length": "shorten the conversation, or lower max_tokens",
        "loading": "it will answer as soon as the model is loaded",
    }.get(verdict.kind, "")
