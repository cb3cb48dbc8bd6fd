"""Errors of the service: nine shapes on the wire (wire.md section 12.1), one tree here.

The shape is told from the content, never from the content type.  What the service wrote
stays recognisable in the message; a key in it does not.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import evolve, frozen

from junto.core import (
    ProtocolError,
    ProviderError,
    RejectedRequestError,
    Secret,
    UnavailableError,
    clean_text,
)

from ..sse import SSEParser
from ._error_table import RULES, STATUSES, Verdict
from ._json import load_json, str_of, table_of

__all__ = [
    "Failure",
    "Origin",
    "failure_of",
    "load_json",
    "parse_failure",
    "retry_after",
    "to_error",
]

_KEY = re.compile(r"\bsk-[A-Za-z0-9_-]{6,}")
_BEARER = re.compile(r"(?i)\bbearer\s+\S+")
_PREFIX = re.compile(r"^<(\d{3})>")
_REGIONS = "keys belong to one region: cn (dashscope.aliyuncs.com), intl, us, hk, eu, jp"

_HINTS = {
    "stream_required": "stream it: the capability table lacks this model, so pass"
    ' capabilities=Capabilities(stream="only")',
    "wrong_path": "this model answers on the other path: pass"
    ' capabilities=Capabilities(path="multimodal") or path="text"',
    "context_length": "shorten the conversation",
}


@frozen
class Origin:
    """Where a request came from: what an error may need to name or to hide.

    Attributes:
        model: The model's name.
        host: The host that was asked.
        key: The key, to be scrubbed from whatever the service says.
        key_source: Where the key was found, such as ``DASHSCOPE_API_KEY``.
    """

    model: str
    host: str
    key: Secret | None = None
    key_source: str = ""

    def scrub(self, text: str) -> str:
        """``text`` without the key, and without anything that looks like one."""
        if self.key is not None and len(secret := self.key.reveal()) >= 4:
            text = text.replace(secret, "…")
        return _KEY.sub("sk-…", _BEARER.sub("Bearer …", text))


@frozen(kw_only=True)
class Failure:
    """An error as the wire has it; ``None`` and ``""`` where it did not say.

    Attributes:
        status: Of the stream's comment, else of HTTP, else of a ``<429>`` in the message.
        code: The service's code.
        message: Its text.
        request_id: From the body; the header's where the body had none.
        retry_after: Seconds.
    """

    status: int | None = None
    code: str = ""
    message: str = ""
    request_id: str | None = None
    retry_after: float | None = None


def failure_of(payload: Any, status: int | None) -> Failure | None:
    """Read a decoded JSON value as an error; ``None`` when it is none.

    Both shapes are known: ``{"code", "message", "request_id"}``, in which an empty code is
    a documented part of successes, and ``{"error": {…}}`` of the compatible mode.
    """
    table = table_of(payload)
    if status is not None and status < 400:
        status = None
    if error := table.get("error"):
        inner = table_of(error)
        code = str_of(inner.get("code")) or str_of(inner.get("type"))
        message = str_of(inner.get("message")) or str_of(error)
    else:
        code, message = str_of(table.get("code")), str_of(table.get("message"))
        if not code and (status is None or not table):
            return None
    request_id = str_of(table.get("request_id"))
    if not request_id and (other := str_of(table.get("id"))).startswith("chatcmpl-"):
        request_id = other.removeprefix("chatcmpl-")
    if status is None and (prefix := _PREFIX.match(message)):
        status = int(prefix[1])
    return Failure(status=status, code=code, message=message, request_id=request_id or None)


def parse_failure(
    body: bytes,
    status: int,
    *,
    request_id: str | None = None,
    retry_after: float | None = None,
) -> Failure:
    """Read the body of an answer with an error status: JSON, an SSE frame, or neither.

    ``request_id`` and ``retry_after`` are those of the headers.
    """
    payload, stream_status = table_of(load_json(body)), None
    if not payload:
        payload, stream_status = _load_sse(body)
    failure = failure_of(payload, stream_status or status) or Failure(status=status)
    return evolve(failure, request_id=failure.request_id or request_id, retry_after=retry_after)


def _load_sse(body: bytes) -> tuple[dict[str, Any], int | None]:
    parser = SSEParser()
    try:
        records = [*parser.feed(body), *parser.close()]
    except ProtocolError:
        return {}, None
    for record in records:
        if payload := table_of(load_json(record.data)):
            return payload, record.status
    return {}, None


def to_error(failure: Failure, origin: Origin, *, partial_text: str = "") -> ProviderError:
    """The error to raise for ``failure``."""
    verdict = _judge(failure)
    message = origin.scrub(failure.message).strip()
    facts = " ".join([str(failure.status)] * (failure.status is not None) + [failure.code])
    text = message or "the service gave no reason"
    if facts.strip():
        text = f"{text} ({origin.scrub(facts.strip())})"
    if hint := _hint(verdict, origin):
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


def _judge(failure: Failure) -> Verdict:
    for rule in RULES:
        if rule.fits(failure.status, failure.code, failure.message):
            return rule.verdict
    status = failure.status
    if status in STATUSES:
        return STATUSES[status]
    if status is not None and 400 <= status < 500:
        return Verdict(RejectedRequestError, "bad_request")
    return Verdict(UnavailableError, "server", retryable=status is not None)


def _hint(verdict: Verdict, origin: Origin) -> str:
    if verdict.kind == "auth":
        key = f"the key came from {origin.key_source}" if origin.key_source else "check the key"
        plan = "; plan keys (sk-sp-…) need the plan's own base_url" if _is_plan(origin) else ""
        return f"{key} and was sent to {origin.host}; {_REGIONS}{plan}"
    if verdict.kind == "model_not_found":
        return f"model {clean_text(origin.model, 60)!r} at {origin.host}"
    return _HINTS.get(verdict.kind, "")


def _is_plan(origin: Origin) -> bool:
    return origin.key is not None and origin.key.reveal().startswith("sk-sp-")


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Seconds to wait, from ``retry-after-ms`` or ``retry-after`` (seconds or a date).

    Neither was ever recorded from DashScope, but the vendor's SDK honours them.  What is
    no number, not finite, negative or past counts as not said.
    """
    if (ms := _number(headers.get("retry-after-ms"))) is not None:
        return ms / 1000
    value = headers.get("retry-after")
    if (seconds := _number(value)) is not None:
        return seconds
    try:
        date = parsedate_to_datetime(value or "")
        wait = date.timestamp() - (time.time() if now is None else now)
    except (ValueError, TypeError, OverflowError):
        return None
    return wait if wait > 0 else None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
