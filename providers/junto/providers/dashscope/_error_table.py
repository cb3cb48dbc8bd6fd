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
_MEDIA_LATE = Verdict(RejectedRequestError, "bad_media", retryable=True)
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
        message=r"free allocated quota|(?:hour|day|week|month) allocated quota"
        r"|plan quota has been exhausted|free tier of the model|account is in good standing",
    ),
    _rule(_BILLING, r"Throttling\.AllocationQuota", status=400),  # of voices and the like
    # Speed.
    _rule(_BURST, r"Throttling\.BurstRate|limit_burst_rate|Throttling\.Concurrency"),
    _rule(_BUSY, r"Throttling\.ResourceExhausted"),
    _rule(_RATE, r"Throttling(?:\..*)?|limit_?requests|insufficient_quota|rate_?limit\w*"),
    _rule(_BURST, message=r"request rate increased too quickly"),
    _rule(
        _RATE,
        message=r"exceeded your (?:current )?(?:quota|requests?)\b|allocated quota exceeded"
        r"|requests rate limit exceeded|requests throttling triggered",
    ),
    # Moderation and other policies.
    _rule(_FILTER, r"(?:.*\.)?DataInspectionFailed|data_inspection_failed"),
    _rule(_FILTER, r"IPInfringementSuspect|FaqRuleBlocked|CustomRoleBlocked"),
    _rule(_FILTER, message=r"DataInspectionFailed|data may contain inappropriate content"),
    _rule(_FILTER, message=r"does not comply with green network"),
    # Who asks.
    _rule(_AUTH, r"InvalidApi-?Key|invalid_api_key|NOT AUTHORIZED|invalid access token.*"),
    _rule(_PERMISSION, r"(?:.*\.)?AccessDenied(?:\..*)?|access_denied"),
    # What is asked for.
    _rule(_NO_MODEL, r"ModelNotFound|model_not_found|model_not_supported"),
    _rule(_NO_MODEL, message=r"^(?:<4\d\d> )?(?:model not exist|the model \S+ does not exist)"),
    _rule(_NOT_FOUND, r"WorkSpaceNotFound|NotFound"),
    _rule(Verdict(RejectedRequestError, "conflict"), r"Conflict"),
    # How it is asked: the code is InvalidParameter for nearly everything.
    _rule(_STREAM, message=r"only support stream mode|must be set to false for non-stream"),
    _rule(_STREAM, message=r"only support stream call|only support with stream=true"),
    _rule(_LENGTH, message=r"range of input length|total message token length exceed"),
    _rule(_LENGTH, message=r"maximum context length"),
    _rule(_PATH, message=r"url error, please check url"),
    _rule(
        Verdict(RejectedRequestError, "file_pending", retryable=True, wait=_MINUTE),
        message=r"file parsing in progress",
    ),
    # The caller's mistakes that the service takes for its own.
    _rule(
        _BAD,
        r"InternalError(?:\..*)?|internal_error|server_error|ServiceUnavailableError|",
        r"list index out of range|missing content-length of|role must be (?:in \[|user)",
    ),
    # What is shown to the model.
    _rule(_MEDIA_LATE, r"InvalidURL\.Timeout"),
    _rule(_MEDIA_LATE, r"InvalidParameter(?:\..*)?|invalid_parameter_error", r"timed out during"),
    _rule(_MEDIA, r"InvalidURL(?:\..*)?|InvalidFile(?:\..*)?|InvalidParameter\.DataInspection"),
    _rule(_MEDIA, r"InvalidImage\w*(?:\..*)?|Audio\.\w+|InvalidPerson"),
    _rule(
        _MEDIA,
        r"InvalidParameter(?:\..*)?|invalid_parameter_error",
        r"data inspection|data-uri item|multimodal (?:content|file|url)|modality input"
        r"|provided url does not appear|(?:image|video|audio|file) (?:format|size|length|file\b)"
        r"|(?:download|read|decode) (?:the )?(?:image|video|audio|input files)",
    ),
    # The status of an inner service, at the head of the message.
    _rule(_BUSY, message=r"^<429>"),
    _rule(_AUTH, message=r"^<401>"),
    _rule(_PERMISSION, message=r"^<403>"),
    _rule(_NOT_FOUND, message=r"^<404>"),
    _rule(_BAD, message=r"^<4(?!08)\d\d>"),
    # The service's own trouble.
    _rule(_TIMEOUT, r"RequestTimeOut|ResponseTimeout|GatewayTimeout"),
    _rule(_TIMEOUT, message=r"^(?:<5\d\d> )?(?:request timed out|response timeout)"),
    _rule(_OVERLOADED, r"ModelServingError|ModelUnavailable|ServiceUnavailable"),
    _rule(_OVERLOADED, message=r"backend buffer overflow|^model is unavailable"),
    _rule(_SETUP, r"InvokePluginFailed|AppProcessFailed|RetrivalFailed"),
    _rule(_NETWORK, r"APIConnectionError"),
    _rule(Verdict(UnavailableError, "network"), r"ClientDisconnect"),
    _rule(_BAD, r"InvalidParameter(?:\..*)?|invalid_parameter_error|BadRequest(?:\..*)?"),
    _rule(_BAD, r"(?:.*\.)?InvalidParameter|invalid_request_error"),
    _rule(_BUSY, message=r"too many requests"),
    _rule(_SERVER, r"InternalError(?:\..*)?|internal_error|SystemError|ModelServiceFailed"),
    _rule(_SERVER, r"RewriteFailed"),
    _rule(_RATE, status=429),
    _rule(_BAD, status=413),
)
"""In order: the first that fits."""
