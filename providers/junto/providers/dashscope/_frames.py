"""One frame of the native protocol: JSON bytes to a typed value.

The shapes are those of wire.md sections 5 and 7.  Only what is read is declared; unknown
keys are skipped without making objects of them.  Usage and request id, which are on every
frame, are decoded for the last frame of a read.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..assembly import ToolFragment
from ._usage import Counts

__all__ = [
    "ContentPart",
    "Frame",
    "Message",
    "Output",
    "WholeFrame",
]


class ContentPart(msgspec.Struct, gc=False):
    """A part of a multimodal answer: ``{"text": …}``; other kinds have no text."""

    text: str | None = None


class Message(msgspec.Struct, gc=False):
    """What a choice says; ``phase`` and ``status`` occur in deep research alone."""

    content: str | list[ContentPart | str] | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolFragment] | None = None
    phase: str | None = None
    status: str | None = None


class Choice(msgspec.Struct, gc=False):
    """One of the answers; ``finish_reason`` is the string ``"null"`` while it runs."""

    message: Message | None = None
    finish_reason: str | None = None
    index: int | None = None
    logprobs: Any = None


class Output(msgspec.Struct, gc=False):
    """The answer in one of its three shapes: choices, text, or deep research's message."""

    choices: list[Choice] | None = None
    text: str | None = None
    finish_reason: str | None = None
    message: Message | None = None
    search_info: Any = None
    tool_info: Any = None
    model_name: str | None = None


class Frame(msgspec.Struct, gc=False):
    """A whole payload.  A non-empty ``code`` or an ``error`` makes it an error."""

    output: Output | None = None
    code: str | int | None = None
    error: Any = None


class WholeFrame(Frame, gc=False):
    """A frame with what every frame repeats, and one in a read is asked for."""

    usage: Counts | None = None
    request_id: str | None = None
