"""JSON of which nothing is promised: decoded with tolerance, looked into with care."""

from __future__ import annotations

import json
from typing import Any, cast

import msgspec

__all__ = ["UNREADABLE", "is_json", "list_of", "load_json", "str_of", "table_of"]

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises for text that it does not take; invalid UTF-8 is a ``ValueError``."""


def load_json(body: bytes) -> Any:
    """Decode ``body``, tolerant of its text; ``None`` when it is not JSON."""
    try:
        return json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None


def is_json(text: str) -> bool:
    """Whether ``text`` is one JSON value, as the service checks replayed arguments."""
    try:
        msgspec.json.decode(text)
    except UNREADABLE:
        return False
    return True


def table_of(value: Any) -> dict[str, Any]:
    """``value`` if it is a JSON object; else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """``value`` if it is a JSON array; else an empty one."""
    return [*value] if isinstance(value, list) else []


def str_of(value: Any) -> str:
    """``value`` if it is text, or a code given as a number; else nothing."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int and abs(value) < 10**9 else ""
