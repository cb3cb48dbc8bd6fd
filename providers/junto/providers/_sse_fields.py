"""What a server-sent event says beside its data."""

from __future__ import annotations

import re

__all__ = ["STATUS", "Fields"]

STATUS = re.compile(rb":\s?HTTP_STATUS/(\d{3})(?!\d)")
"""DashScope's comment, in which alone the status of an error inside a stream stands."""


class Fields:
    """The fields ``event`` and ``id``, and the status of a comment."""

    __slots__ = ("event", "id", "status")

    def __init__(self) -> None:
        self.event = ""
        self.id = b""
        self.status: int | None = None

    def take_event(self, value: bytes) -> None:
        """Take the value of ``event``; one gateway glues the status to it (wire.md, section 6)."""
        kind, glued, _ = value.partition(b":HTTP_STATUS/")
        self.event = kind.decode("utf-8", "replace")
        if glued and (match := STATUS.match(value, len(kind))):
            self.status = int(match[1])

    def update(self, later: Fields) -> None:
        """Add what ``later`` says."""
        self.event = later.event or self.event
        self.id = later.id or self.id
        self.status = self.status if later.status is None else later.status
