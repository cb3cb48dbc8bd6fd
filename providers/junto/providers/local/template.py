"""What the chat template inside a model's file knows."""

from __future__ import annotations

import mmap
from enum import StrEnum
from pathlib import Path

from attrs import frozen

__all__ = ["Template", "Thinking", "read_template"]

_KEY = b"tokenizer.chat_template"
_STRING = 8
_LONGEST = 1 << 20


class Thinking(StrEnum):
    """How a model comes to think."""

    GRAMMAR = "grammar"
    """It was not made to: it is asked, and held to it by a grammar."""
    SWITCH = "switch"
    """It was made to, and its template has a switch."""
    ALWAYS = "always"
    """It was made to, and has no switch."""


@frozen
class Template:
    """What matters of a chat template.

    Attributes:
        thinking: How the model comes to think.
        tools: It has a place for the descriptions of tools.
        tool_tag: It writes its tool calls behind the tag ``<tool_call>``.
    """

    thinking: Thinking = Thinking.GRAMMAR
    tool_tag: bool = False
    tools: bool = True


def read_template(path: Path) -> Template:
    """Look into a GGUF file; the template is found by its key, as that is quick."""
    text = _find(path)
    thinking = Thinking.GRAMMAR
    if b"enable_thinking" in text:
        thinking = Thinking.SWITCH
    elif b"<think>" in text:
        thinking = Thinking.ALWAYS
    return Template(thinking, b"<tool_call>" in text, not text or b"tools" in text)


def _find(path: Path) -> bytes:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        # The header is in front of the weights; a vocabulary takes several megabytes of it.
        at = data.find(_KEY, 0, 64 << 20)
        if at < 0:
            return b""
        at += len(_KEY)
        kind = int.from_bytes(data[at : at + 4], "little")
        length = int.from_bytes(data[at + 4 : at + 12], "little")
        if kind != _STRING or length > _LONGEST:
            return b""
        return data[at + 12 : at + 12 + length]
