"""Bodies of refusals and error payloads: many shapes, one :class:`Failure`.

The shape is told from the content, never from the content type.
"""

from __future__ import annotations

import html
import re
from typing import Any

from attrs import evolve

from junto.core import ProtocolError

from .._values import list_of, load_json, str_of, table_of
from ..sse import SSEParser
from .verdicts import Failure

__all__ = ["failure_of", "parse_failure"]

_PREFIX = re.compile(r"<([45]\d\d)>")
_STATUS = re.compile(r"[45]\d\d")
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_TEXT_LIMIT = 300


def failure_of(payload: Any, status: int | None, *, said: bool = False) -> Failure | None:
    """Read a decoded JSON value as an error; ``None`` when it is none.

    Known are ``{"code", "message", "request_id"}``, in which an empty code is a documented
    part of DashScope's successes, ``{"error": {…}}`` and ``{"error": "…"}`` of OpenAI's
    protocol, alone or in a list (Gemini), and FastAPI's ``{"detail": …}``.  A code that is
    the HTTP status once more counts as that, and the type is the code.

    Args:
        payload: The value.
        status: What came with it.
        said: Something beside the value says already that it is an error.
    """
    table = table_of(payload[0] if isinstance(payload, list) and payload else payload)
    if status is not None and status < 400:
        status = None
    if error := table.get("error"):
        inner = table_of(error)
        message = str_of(inner.get("message")) or str_of(error)
    else:
        inner = table
        message = str_of(table.get("message")) or _detail(table.get("detail"))
    code, kind = str_of(inner.get("code")), str_of(inner.get("type"))
    if not error and (not table or not (code or said or status is not None)):
        return None
    request_id = str_of(table.get("request_id"))
    if not request_id and (other := str_of(table.get("id"))).startswith("chatcmpl-"):
        request_id = other.removeprefix("chatcmpl-")
    if _STATUS.fullmatch(code):
        status, code = status or int(code), kind
    if status is None and (prefix := _PREFIX.match(message)):
        status = int(prefix[1])
    return Failure(
        status=status, code=code, type=kind, message=message, request_id=request_id or None
    )


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
    payload, stream_status = load_json(body), None
    if not isinstance(payload, dict | list) or not payload:
        payload, stream_status = _load_sse(body)
    if stream_status is not None and stream_status >= 400:
        status = stream_status
    failure = failure_of(payload, status)
    if failure is None:
        failure = Failure(status=status, message=_text_of(body) if status >= 400 else "")
    return evolve(failure, request_id=failure.request_id or request_id, retry_after=retry_after)


def _detail(value: Any) -> str:
    """FastAPI's word: a text, or a list of what is wrong, and where."""
    found: list[str] = []
    for item in map(table_of, list_of(value)):
        place = ".".join([str_of(step) for step in list_of(item.get("loc"))])
        found.append(": ".join(filter(None, (place, str_of(item.get("msg"))))))
    return str_of(value) or "; ".join(filter(None, found))


def _text_of(body: bytes) -> str:
    """What a page says in its title, or a plain text in its first words."""
    text = body.decode("utf-8", "replace").strip()
    if text.startswith(("<", "{", "[")):
        title = _TITLE.search(text)
        return html.unescape(title[1]).strip() if title else ""
    return text[:_TEXT_LIMIT]


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
