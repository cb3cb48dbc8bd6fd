"""JSON of which nothing is promised: decoded with tolerance, looked into with care."""

from __future__ import annotations

import json
from typing import Any, TypeVar, cast

import msgspec

from junto.core import ProtocolError

__all__ = [
    "UNREADABLE",
    "decode_oddly",
    "is_json",
    "list_of",
    "load_json",
    "str_of",
    "table_of",
]

T = TypeVar("T")

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


def decode_oddly(data: bytes, kind: type[T]) -> T:
    r"""Read what msgspec's decoder refused, or find out that nobody can.

    Python's own reader takes lone surrogates (``"\ud83d"``), and invalid UTF-8 becomes
    U+FFFD.  A number in quotes is taken as the number.

    Raises:
        ProtocolError: It is not JSON, nests too deep, or has other types than agreed.
    """
    text = data.decode("utf-8", "replace")
    try:
        return msgspec.convert(_loads(text), kind, strict=False)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"unexpected JSON from the service: {error}") from None
    except RecursionError:
        raise ProtocolError("JSON from the service nests too deep") from None
    except ValueError:
        raise ProtocolError(f"the service sent {len(data)} bytes that are not JSON") from None


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        # Several data lines are joined by LF; a sender that cuts inside a string means none.
        if "\n" not in text:
            raise
        return json.loads(text.replace("\n", ""))
