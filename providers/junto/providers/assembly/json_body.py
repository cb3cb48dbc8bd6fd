"""An answer that is one JSON value: when it is whole, though nobody says that it is."""

from __future__ import annotations

import re

import msgspec

from junto.core import ProtocolError

from .._values import UNREADABLE

__all__ = ["JSONBody"]

_LIMIT = 16 * 1024 * 1024
_BEHIND = re.compile(r"trailing characters \(byte (\d+)\)")  # msgspec's word for it
_skip = msgspec.json.Decoder(msgspec.Raw).decode


class JSONBody:
    """Gathers the bytes, from the first brace on."""

    __slots__ = ("_bytes", "_next_try")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._next_try = 0

    def add(self, data: bytes) -> bool:
        """Append ``data``, and return whether the value is known to be whole with it.

        It is looked at where it can end, and after that only when it has doubled: what
        is missed so ends with the connection, or when a clock runs out.

        Raises:
            ProtocolError: It is longer than 16 MiB.
        """
        self._bytes += data
        size = len(self._bytes)
        if size > _LIMIT:
            raise ProtocolError(f"the answer is longer than {_LIMIT} bytes")
        if size < self._next_try or not data.rstrip().endswith((b"}", b"]")):
            return False
        self._next_try = 2 * size
        return self.whole()

    def whole(self) -> bool:
        """Whether a value has come to its end; what stands behind it is dropped.

        It is, so that an answer means the same however the network cuts it.
        """
        return self._trouble() is None

    def cut(self) -> bool:
        """Whether it ends before its time, which is something else than nonsense."""
        return "truncated" in (self._trouble() or "")

    def _trouble(self) -> str | None:
        try:
            _skip(self._bytes)
        except UNREADABLE as error:
            trouble = str(error)
            if (behind := _BEHIND.search(trouble)) is None:
                return trouble
            del self._bytes[int(behind[1]) - 1 :]  # counted from 1
        return None

    def __bytes__(self) -> bytes:
        return bytes(self._bytes)
