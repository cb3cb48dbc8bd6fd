"""What the service's codes and messages mean (wire.md section 12.2), as data.

The first rule that fits decides; a rule fits when each of its patterns is found.  Codes
are compared without regard to case, and those of the compatible mode are listed too:
gateways answer with them on the native path.
"""

from __future__ import annotations

from junto.core import (
    AuthenticationError,
    ContentFilteredError,
    QuotaError,
    RateLimitedError,
    RejectedRequestError,
    UnavailableError,
)

from ..failures import Rule, Verdict

__all__ = ["RULES"]

_MINUTE = 60.0  # windows of limits reset within about a minute (12.3)

_rule = Rule.of

_BAD = Verdict(RejectedRequestError, "bad_request")
_STREAM = Verdict(RejectedRequestError, "stream_required")
_LENGTH = Verdict(RejectedRequestError, "context_length")
_PATH = Verdict(RejectedRequestError, "wrong_path")
_MEDIA = Verdict(RejectedRequestError, "bad_media")
_NO_MODEL = Verdict(RejectedRequestError, "model_not_found")
_NOT_FOUND = Verdict(RejectedRequestError, "not_found")
_FILTER = Verdict(ContentFilteredError, "content_filter")
_BILLING = Verdict(QuotaError, "billing")
_AUTH = Verdict(AuthenticationError, "auth")
_PERMISSION = Verdict(AuthenticationError, "permission")
_RATE = Verdict(RateLimitedError, "rate_limit", retryable=True, wait=_MINUTE)
_BURST = Verdict(RateLimitedError, "rate_limit", retryable=True)
_BUSY = Verdict(RateLimitedError, "overloaded", retryable=True)
_OVERLOADED = Verdict(UnavailableError, "overloaded", retryable=True)
_SERVER = Verdict(UnavailableError, "server", retryable=True)
_SETUP = Verdict(UnavailableError, "server", retryable=False)
_TIMEOUT = Verdict(UnavailableError, "timeout", retryable=True)
_NETWORK = Verdict(UnavailableError, "network", retryable=True)

RULES: tuple[Rule, ...] = (
    # Money.  It comes as 400, 403 and 429, and "quota" alone does not mean it (quirks 53, 54).
    _rule(_BILLING, r"Arrearage|CommodityNotPurchased|\w*BillOverdue|AllocationQuota\.\w+"),
    _rule(
        _BILLING,
        r"Throttling\.AllocationQuota|insufficient_quota|",
        r"free allocated quota|month allocated quota|plan quota has been exhausted"
        r"|account is in good standing",
    ),
    _rule(_BILLING, r"Throttling\.AllocationQuota", status=400),  # of voices and the like
    # Speed.
    _rule(_BURST, r"Throttling\.BurstRate|limit_burst_rate|Throttling\.Concurrency"),
    _rule(_BUSY, r"Throttling\.ResourceExhausted"),
    _rule(_RATE, r"Throttling(?:\..*)?|limit_?requests|insufficient_quota|rate_limit\w*"),
    # Moderation and other policies.
    _rule(_FILTER, r"(?:.*\.)?DataInspectionFailed|data_inspection_failed"),
    _rule(_FILTER, r"IPInfringementSuspect|FaqRuleBlocked|CustomRoleBlocked"),
    _rule(_FILTER, message=r"DataInspectionFailed|data may contain inappropriate content"),
    # Who asks.
    _rule(_AUTH, r"InvalidApi-?Key|invalid_api_key|NOT AUTHORIZED|invalid access token.*"),
    _rule(_PERMISSION, r"(?:.*\.)?AccessDenied(?:\..*)?|access_denied"),
    # What is asked for.
    _rule(_NO_MODEL, r"ModelNotFound|model_not_found|model_not_supported"),
    _rule(_NO_MODEL, r"InvalidParameter|", r"\bmodel not exist"),
    _rule(_NOT_FOUND, r"WorkSpaceNotFound|NotFound"),
    _rule(Verdict(RejectedRequestError, "conflict"), r"Conflict"),
    # How it is asked: the code is InvalidParameter for nearly everything.
    _rule(_STREAM, message=r"only support stream mode|must be set to false for non-stream"),
    _rule(_LENGTH, message=r"range of input length|total message token length exceed"),
    _rule(_LENGTH, message=r"maximum context length"),
    _rule(_PATH, message=r"url error, please check url"),
    _rule(
        Verdict(RejectedRequestError, "file_pending", retryable=True, wait=_MINUTE),
        message=r"file parsing in progress",
    ),
    _rule(Verdict(RejectedRequestError, "bad_media", retryable=True), r"InvalidURL\.Timeout"),
    _rule(_MEDIA, r"InvalidURL(?:\..*)?|InvalidFile(?:\..*)?|InvalidParameter\.DataInspection"),
    _rule(_MEDIA, r"BadRequest\.InputDownloadFailed"),
    # The status of an inner service, at the head of the message.
    _rule(_BUSY, message=r"^<429>"),
    _rule(_BAD, message=r"^<4(?!08|29)\d\d>"),
    # The service's own trouble.
    _rule(_BAD, r"InternalError\.Algo", r"list index out of range|missing content-length"),
    _rule(_TIMEOUT, r"RequestTimeOut|ResponseTimeout|GatewayTimeout"),
    _rule(_OVERLOADED, r"ModelServingError|ModelUnavailable|ServiceUnavailable"),
    _rule(_SETUP, r"InvokePluginFailed|AppProcessFailed|RetrivalFailed"),
    _rule(_NETWORK, r"APIConnectionError"),
    _rule(Verdict(UnavailableError, "network"), r"ClientDisconnect"),
    _rule(_BAD, r"InvalidParameter(?:\..*)?|invalid_parameter_error|BadRequest(?:\..*)?"),
    _rule(_BAD, r"(?:.*\.)?InvalidParameter|invalid_request_error"),
    _rule(_SERVER, r"InternalError(?:\..*)?|internal_error|SystemError|ModelServiceFailed"),
    _rule(_SERVER, r"RewriteFailed"),
    _rule(_BUSY, message=r"too many requests|requests? (?:rate limit|throttl)"),
    _rule(_OVERLOADED, r"server_error", r"backend buffer overflow|too many requests"),
    _rule(_OVERLOADED, message=r"backend buffer overflow"),
    _rule(_RATE, status=429),
)
"""In order: the first that fits."""
