"""What a failure means, and the error that says so.

What the service wrote stays recognisable in the message; a key in it does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from attrs import field, frozen

from junto.core import (
    AuthenticationError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedRequestError,
    Secret,
    UnavailableError,
    clean_text,
)

from .._scrub import scrub

__all__ = ["STATUSES", "Failure", "Origin", "Rule", "Verdict", "judge_by", "to_error"]

_LONGEST = 4000


def _first_of(text: str) -> str:
    """As much of a text as patterns are to look through."""
    return text[:_LONGEST]


@frozen(kw_only=True)
class Failure:
    """An error as the wire has it; ``None`` and ``""`` where it did not say.

    Of texts the first 4000 characters are kept.

    Attributes:
        status: Of the stream's comment, else of HTTP, else of a ``<429>`` in the message.
        code: The service's code.
        type: What OpenAI's shape has beside the code: a coarser word, and often alone.
        message: Its text.
        request_id: From the body; the header's where the body had none.
        retry_after: Seconds.
    """

    status: int | None = None
    code: str = field(default="", converter=_first_of)
    type: str = field(default="", converter=_first_of)
    message: str = field(default="", converter=_first_of)
    request_id: str | None = None
    retry_after: float | None = None


@frozen
class Verdict:
    """What kind of error it is.

    Attributes:
        error: The class to raise.
        kind: The finer word.
        retryable: Whether the same request may succeed later.
        wait: Seconds to wait before, where the kind of error tells.
    """

    error: type[ProviderError]
    kind: str
    retryable: bool = False
    wait: float | None = None


@frozen
class Rule:
    """Patterns for the code and the message, a status, and what they mean together.

    A rule fits when each of those that it has is found: the code as a whole, the message
    anywhere, both without regard to case.
    """

    verdict: Verdict
    code: re.Pattern[str] | None = None
    message: re.Pattern[str] | None = None
    status: int | None = None

    @classmethod
    def of(
        cls, verdict: Verdict, code: str = "", message: str = "", status: int | None = None
    ) -> Rule:
        """A rule from patterns as text."""
        return cls(
            verdict,
            re.compile(rf"(?:{code})\Z", re.IGNORECASE) if code else None,
            re.compile(message, re.IGNORECASE) if message else None,
            status,
        )

    def fits(self, failure: Failure) -> bool:
        """Whether everything that the rule asks for is there."""
        return (
            (self.status is None or self.status == failure.status)
            and (self.code is None or self.code.match(failure.code or failure.type) is not None)
            and (self.message is None or self.message.search(failure.message) is not None)
        )


_AUTH = Verdict(AuthenticationError, "auth")
_TIMEOUT = Verdict(UnavailableError, "timeout", retryable=True)

STATUSES: Mapping[int, Verdict] = {
    401: _AUTH,
    402: Verdict(QuotaError, "billing"),
    403: Verdict(AuthenticationError, "permission"),
    404: Verdict(RejectedRequestError, "not_found"),
    408: _TIMEOUT,
    409: Verdict(RejectedRequestError, "conflict"),
    413: Verdict(RejectedRequestError, "too_large"),
    429: Verdict(RateLimitedError, "rate_limit", retryable=True),
    501: Verdict(RejectedRequestError, "not_supported"),
    503: Verdict(UnavailableError, "overloaded", retryable=True),
    504: _TIMEOUT,
}
"""What a status says when code and message say nothing."""


def judge_by(failure: Failure, rules: Sequence[Rule] = ()) -> Verdict:
    """The verdict of the first rule that fits, else that of the status."""
    for rule in rules:
        if rule.fits(failure):
            return rule.verdict
    status = failure.status
    if status is None:
        return Verdict(UnavailableError, "server")
    if status in STATUSES:
        return STATUSES[status]
    if 400 <= status < 500:
        return Verdict(RejectedRequestError, "bad_request")
    return Verdict(UnavailableError, "server", retryable=True)


def _no_hint(_verdict: Verdict, _origin: Origin) -> str:
    return ""


@frozen
class Origin:
    """Where a request came from: what an error may need to name or to hide.

    Attributes:
        model: The model's name.
        host: The host that was asked.
        key: The key, to be scrubbed from whatever the service says.
        key_source: Where the key was found, such as ``DASHSCOPE_API_KEY``.
        judge: What a failure means, in this provider's own codes.
        hint: A sentence for people on how to mend it, or nothing.
    """

    model: str
    host: str
    key: Secret | None = None
    key_source: str = ""
    judge: Callable[[Failure], Verdict] = judge_by
    hint: Callable[[Verdict, Origin], str] = _no_hint

    def scrub(self, text: str) -> str:
        """``text`` without the key, and without anything that looks like one."""
        return scrub(text, self.key)


def to_error(failure: Failure, origin: Origin, *, partial_text: str = "") -> ProviderError:
    """The error to raise for ``failure``."""
    verdict = origin.judge(failure)
    message = clean_text(origin.scrub(failure.message))
    word = failure.code or failure.type
    facts = " ".join([str(failure.status)] * (failure.status is not None) + [word])
    text = message or "the service gave no reason"
    if facts.strip():
        text = f"{text} ({origin.scrub(facts.strip())})"
    if hint := origin.hint(verdict, origin):
        text = f"{clean_text(text, 500 - len(hint) - 2)}; {hint}"
    return verdict.error(
        text,
        status=failure.status,
        code=clean_text(origin.scrub(failure.code), 100) or None,
        kind=verdict.kind,
        retryable=verdict.retryable,
        retry_after=verdict.wait if failure.retry_after is None else failure.retry_after,
        request_id=clean_text(origin.scrub(failure.request_id or ""), 100) or None,
        partial_text=partial_text,
    )
