"""What a dialect of a service is: facts to bytes, and a request to what it asks."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from attrs import field, frozen

from .connection import Asked
from .facts import Failure, Frame

__all__ = ["Dialect", "Sent", "SentMessage", "message_of", "sse"]


@frozen
class SentMessage:
    """One message of a request, as it stands on the wire.

    Attributes:
        role: Such as ``"user"``.
        text: All its text.
        calls: The ids of the tool calls in it.
        answers: The id of the call that it answers; empty if none.
    """

    role: str
    text: str
    calls: tuple[str, ...] = ()
    answers: str = ""


@frozen(kw_only=True)
class Sent:
    """What a request asks for.

    Attributes:
        model: The model's name.
        messages: In their order.
        tools: The names of the tools.
        parameters: Everything else, by its name on the wire.
        stream: Whether a stream is asked for.
    """

    model: str
    messages: tuple[SentMessage, ...] = field(converter=tuple[SentMessage, ...])
    tools: tuple[str, ...] = field(converter=tuple[str, ...])
    parameters: Mapping[str, Any]
    stream: bool


class Dialect(ABC):
    """How a service writes answers, and reads requests.

    Derive from the nearest one there is, or from this, for a service with a wire of its own.

    Attributes:
        prefix: What a base URL has behind host and port, such as ``"/v1"``.
        request_id_header: The header that has the id of a request.
        usage_may_follow: Usage can come in a frame of its own, behind the finish.
        has_choices: One request can have several answers, told apart by a number.
    """

    prefix: str = ""
    request_id_header: ClassVar[str] = "x-request-id"
    usage_may_follow: ClassVar[bool] = False
    has_choices: ClassVar[bool] = True

    @abstractmethod
    def frame(self, frame: Frame, *, number: int, request_id: str) -> bytes:
        """One record of a stream; ``number`` counts from 1."""

    @abstractmethod
    def whole(self, frames: Sequence[Frame], *, request_id: str) -> bytes:
        """The body of an answer that is not streamed."""

    @abstractmethod
    def refusal(self, failure: Failure) -> bytes:
        """The body of an answer that is an error."""

    @abstractmethod
    def failure(self, failure: Failure) -> bytes:
        """The record by which a stream that has begun tells of an error."""

    @abstractmethod
    def sent(self, asked: Asked) -> Sent:
        """What a request asks for.

        Raises:
            ValueError: It is none of this dialect.
        """

    def end(self) -> bytes:
        """What stands behind the last record."""
        return b""

    def stream(self, frames: Iterable[Frame], *, request_id: str) -> list[bytes]:
        """All records of a stream."""
        records = [
            self.frame(frame, number=number, request_id=request_id)
            for number, frame in enumerate(frames, 1)
        ]
        return [*records, end] if (end := self.end()) else records

    def malformed(self) -> Sequence[bytes]:
        """Records that no service of this dialect sends."""
        return (sse("{"), sse("no JSON"), sse("[1, 2]"), sse('"text"'))


def sse(data: str) -> bytes:
    """A plain record of a stream."""
    return f"data: {data}\n\n".encode()


def message_of(message: Mapping[str, Any]) -> SentMessage:
    """A message in the form that most services share."""
    content = message.get("content")
    parts: list[Any] = [content] if isinstance(content, str) else list(content or ())
    text = "".join(p if isinstance(p, str) else str(p.get("text", "")) for p in parts)
    calls = tuple(str(call["id"]) for call in message.get("tool_calls") or ())
    return SentMessage(message["role"], text, calls, message.get("tool_call_id") or "")


def as_json(value: Any) -> str:
    """JSON with as few escapes as can be: a stream shall have characters to cut."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half of a surrogate pair is no character, and comes as an escape alone.
    return text if _is_whole(text) else json.dumps(value, separators=(",", ":"))


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
