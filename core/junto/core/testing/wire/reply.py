"""What a server answers: bytes, and what is to happen between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import TypeAlias

from attrs import field, frozen

from .http import head_of

__all__ = ["Reply", "Stage", "Step"]


class Stage(Enum):
    """Directions between the bytes of a reply."""

    CUT = "end the connection here, in the midst of the body"
    RESET = "the same, by a reset"
    HOLD = "wait until the client has gone"


Step: TypeAlias = bytes | Stage | Callable[[], Awaitable[object]]
"""Bytes to write, a direction, or something to wait for, such as a ``Pause``."""


@frozen
class Reply:
    """What to answer.

    Attributes:
        steps: In their order.  Status and headers go out with the first bytes, which may
            be empty, or at the end.
        status: Of HTTP.
        headers: Further ones; a content type here counts before ``kind``.
        kind: The content type; empty for none.
        sized: Say the length of the body, in place of sending it in chunks.
        rounds: How many rounds of the event loop to let pass behind each piece, so that
            the client reads it before the next one comes.
    """

    steps: Sequence[Step] = ()
    status: int = field(default=200, kw_only=True)
    headers: Mapping[str, str] = field(factory=dict[str, str], kw_only=True)
    kind: str = field(default="text/event-stream", kw_only=True)
    sized: bool = field(default=False, kw_only=True)
    rounds: int = field(default=1, kw_only=True)

    @classmethod
    def whole(
        cls,
        body: bytes,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        kind: str = "application/json",
    ) -> Reply:
        """A body in one piece, with its length."""
        return cls([body], status=status, headers=headers or {}, kind=kind, sized=True)

    def head(self) -> bytes:
        """Status line and headers."""
        headers = {"Content-Type": self.kind} if self.kind else {}
        headers |= self.headers
        if self.sized:
            headers["Content-Length"] = str(sum(len(s) for s in self.steps if isinstance(s, bytes)))
        else:
            headers["Transfer-Encoding"] = "chunked"
        return head_of(self.status, headers)
