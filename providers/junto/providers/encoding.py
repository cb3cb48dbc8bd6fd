"""The body of a request as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from ._values import table_of

__all__ = ["dump_json"]


def dump_json(body: Any) -> bytes:
    """``body`` as JSON.

    Raises:
        TypeError: It holds something that is not JSON.
    """
    try:
        return msgspec.json.encode(body, enc_hook=_plain)
    except UnicodeEncodeError:  # a lone surrogate somewhere: only escapes can carry it
        return json.dumps(body, default=_plain, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return table_of({**value})
    # Of a class derived from these, such as a number of numpy's.
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"{type(value).__name__} in a request is not JSON")
