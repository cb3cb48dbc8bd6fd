"""What frames of a stream say, apart from how any service writes it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import field, frozen

from ...usage import FinishReason, Usage

__all__ = ["Blank", "CallPiece", "Failure", "Frame", "Whole", "whole_of"]


class Blank(Enum):
    """How a frame writes what it does not say."""

    ABSENT = "the key is missing"
    NULL = "null"
    EMPTY = "an empty text"
    WORD = 'the text "null" for a reason to finish, null for the rest'

    def value_of(self, key: str) -> str | None:
        """What stands under ``key``; not to be asked where the key is missing."""
        if self is Blank.WORD and key == "finish_reason":
            return "null"
        return "" if self is Blank.EMPTY else None


@frozen(kw_only=True)
class CallPiece:
    """A piece of a tool call, as a service sends it: any of it may be missing.

    Attributes:
        index: Which call of the answer, from 0.
        id: The call's id.
        name: The tool's name.
        arguments: The next piece of the arguments' JSON text.
    """

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str | None = None


def _calls(value: CallPiece | Iterable[CallPiece]) -> tuple[CallPiece, ...]:
    return (value,) if isinstance(value, CallPiece) else tuple(value)


@frozen
class Frame:
    """One frame of an answer.  ``None`` is what it does not say.

    Attributes:
        text: The next piece of the answer.
        reasoning: The next piece of the chain of thought.
        calls: Pieces of tool calls.
        finish: Why the answer ended; a text that is no reason of ours is sent as it is.
        usage: Tokens so far.
        choice: Which of several answers it belongs to.
        choices: Whether it belongs to any: without, a frame has its usage at most.
        blank: How to write what it does not say.
    """

    text: str | None = None
    reasoning: str | None = field(default=None, kw_only=True)
    calls: tuple[CallPiece, ...] = field(default=(), converter=_calls, kw_only=True)
    finish: FinishReason | str | None = field(default=None, kw_only=True)
    usage: Usage | None = field(default=None, kw_only=True)
    choice: int = field(default=0, kw_only=True)
    choices: bool = field(default=True, kw_only=True)
    blank: Blank = field(default=Blank.ABSENT, kw_only=True)


@frozen(kw_only=True)
class Failure:
    """An error of a service, before an answer or inside one.

    Attributes:
        status: Of HTTP.
        message: For people.
        request_id: The service's id of the request.
    """

    status: int
    message: str
    request_id: str


@frozen(kw_only=True)
class Whole:
    """All that the frames of one answer say together.

    Attributes:
        text: The answer.
        reasoning: The chain of thought.
        calls: Each call whole, in one piece.
        finish: Why it ended.
        usage: The last that was said.
    """

    text: str
    reasoning: str
    calls: tuple[CallPiece, ...]
    finish: str
    usage: Usage | None


def whole_of(frames: Iterable[Frame]) -> Whole:
    """The first choice of an answer, in one piece; its pieces of calls have an index."""
    kept = [frame for frame in frames if frame.choice == 0]
    calls: dict[int, CallPiece] = {}
    for piece in (piece for frame in kept for piece in frame.calls):
        index = piece.index or 0
        known = calls.get(index, CallPiece(index=index))
        calls[index] = CallPiece(
            index=index,
            id=known.id or piece.id,
            name=known.name or piece.name,
            arguments=(known.arguments or "") + (piece.arguments or ""),
        )
    return Whole(
        text="".join(frame.text or "" for frame in kept),
        reasoning="".join(frame.reasoning or "" for frame in kept),
        calls=tuple(calls[index] for index in sorted(calls)),
        finish=next((str(frame.finish) for frame in kept if frame.finish), "stop"),
        usage=next((frame.usage for frame in reversed(kept) if frame.usage), None),
    )
