"""One chunk of a chat completion, or a whole one: JSON bytes to a typed value.

The shape is OpenAI's, with what DashScope, DeepSeek, vLLM and llama.cpp add to it.  Only
what is read is declared; unknown keys are skipped without making objects of them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..assembly import ToolFragment

__all__ = ["Chunk", "Delta", "text_of"]


class ContentPart(msgspec.Struct, gc=False):
    """A part of a message's content: ``{"type": "text", "text": …}``."""

    text: str | None = None


class Delta(msgspec.Struct, gc=False):
    """What a choice says, or adds.

    The chain of thought is ``reasoning_content`` with DashScope, DeepSeek and llama.cpp,
    and ``reasoning`` with vLLM and others.
    """

    content: str | list[ContentPart | str] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolFragment] | None = None
    audio: Any = None


class Choice(msgspec.Struct, gc=False):
    """One of the answers: ``delta`` in a stream, ``message`` in a whole one."""

    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    index: int | None = None
    logprobs: Any = None


class Chunk(msgspec.Struct, gc=False):
    """A whole payload.  An ``error``, or a ``code`` that is not empty, makes it one."""

    choices: list[Choice] | None = None
    usage: Any = None
    id: str | None = None
    model: str | None = None
    code: str | int | None = None
    error: Any = None


def text_of(delta: Delta) -> str | None:
    """The text; a refusal is what the model says, too."""
    content = delta.content
    if isinstance(content, list):
        content = "".join([p if isinstance(p, str) else p.text or "" for p in content])
    return content or delta.refusal
