"""A turn: the unit of storing, reading, trimming, counting and replaying."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from .._mapping import FrozenMapping
from ..messages import Message
from ..usage import FinishReason, Usage

__all__ = ["FIRST", "Turn", "TurnStatus", "path_to"]

FIRST = ""
"""As a turn's ``parent``: nothing stands in front of it, it begins the conversation anew."""


class TurnStatus(StrEnum):
    """Whether a turn came to its end."""

    COMPLETE = "complete"
    """The whole answer came."""
    INCOMPLETE = "incomplete"
    """It was interrupted, and kept as far as it came."""


def _messages(value: Iterable[Message]) -> tuple[Message, ...]:
    return tuple(value)


@frozen
class Turn:
    """One question and all that followed, to the final answer.

    Two turns are equal if the same was said; where and when they are stored is no part
    of that.

    Attributes:
        id: Unique in the conversation; storing the same id again changes nothing.
        input: What the user, or the caller's tools, said.  No system messages.
        output: What was answered: assistant messages, with tool messages between them.
            No reasoning unless the advisor keeps it.
        finish_reason: Why the answer ended; ``None`` if that is not known.
        usage: What it cost.
        status: Whether it came to its end.
        parent: The id of the turn that it follows; ``None`` for the one stored before
            it, :data:`FIRST` for none.
        metadata: Anything else that JSON can say.
        seq: Its number in the conversation, from 1, given by the store; ``None`` before.
        created: When it was stored, in seconds since 1970 by the store's clock.
    """

    id: str
    input: tuple[Message, ...] = field(converter=_messages)
    output: tuple[Message, ...] = field(default=(), converter=_messages)
    finish_reason: FinishReason | None = field(default=None, kw_only=True)
    usage: Usage = field(factory=Usage, kw_only=True)
    status: TurnStatus = field(default=TurnStatus.COMPLETE, converter=TurnStatus, kw_only=True)
    parent: str | None = field(default=None, kw_only=True)
    metadata: Mapping[str, Any] = field(
        factory=dict[str, Any], converter=FrozenMapping, hash=False, kw_only=True
    )
    seq: int | None = field(default=None, eq=False, kw_only=True)
    created: float | None = field(default=None, eq=False, kw_only=True)

    @property
    def messages(self) -> tuple[Message, ...]:
        """Input and output."""
        return self.input + self.output

    @property
    def complete(self) -> bool:
        """Whether it came to its end."""
        return self.status is TurnStatus.COMPLETE


def path_to(turns: Sequence[Turn], turn_id: str | None = None) -> list[Turn]:
    """The turns that lead to one of them, oldest first, it being the last.

    A conversation that was never branched is one path.  After an edit several turns have
    the same parent, and the newest turn tells which of the branches goes on.

    Args:
        turns: A conversation, or its newest part, in the order of storing.
        turn_id: Where the path ends: by default at the newest; nowhere at :data:`FIRST`,
            or at a turn that is not there.
    """
    places = {turn.id: i for i, turn in enumerate(turns)}
    at = len(turns) - 1 if turn_id is None else places.get(turn_id, -1)
    path: list[Turn] = []
    while at >= 0:
        turn = turns[at]
        path.append(turn)
        before = at - 1 if turn.parent is None else places.get(turn.parent, -1)
        # A parent is always stored first: anything else would go round in circles.
        at = before if before < at else -1
    return path[::-1]
