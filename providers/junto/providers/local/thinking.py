"""Making a model think first, and holding it to it.

A model that was made to think has think tags in its chat template: the runtime switches
it and takes its thoughts apart.  Any other model is asked for it in the system text, and
a grammar leaves it no choice: first a few lines between think tags, then the answer.
"""

from __future__ import annotations

import mmap
from enum import StrEnum
from pathlib import Path

__all__ = ["Thinking", "thinking_grammar", "thinking_kind", "thinking_request"]

_KEY = b"tokenizer.chat_template"
_STRING = 8
_LONGEST = 1 << 20


class Thinking(StrEnum):
    """How a model comes to think."""

    GRAMMAR = "grammar"
    """It is asked, and held to it."""
    SWITCH = "switch"
    """Its template has a switch."""
    ALWAYS = "always"
    """Its template opens think tags, and has no switch."""


def thinking_kind(path: Path) -> Thinking:
    """What the chat template inside a model's file knows of thinking."""
    template = _template(path)
    if b"enable_thinking" in template:
        return Thinking.SWITCH
    return Thinking.ALWAYS if b"<think>" in template else Thinking.GRAMMAR


def _template(path: Path) -> bytes:
    """The chat template; found by its key, as walking through the header takes long."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        # The header is in front of the weights; a vocabulary can take several megabytes.
        at = data.find(_KEY, 0, 64 << 20)
        if at < 0:
            return b""
        at += len(_KEY)
        kind = int.from_bytes(data[at : at + 4], "little")
        length = int.from_bytes(data[at + 4 : at + 12], "little")
        if kind != _STRING or length > _LONGEST:
            return b""
        return data[at + 12 : at + 12 + length]


_REQUEST = (
    "Before you answer, think about the question step by step between <think> and </think>, "
    "briefly. Then give the answer."
)
_REQUEST_ZH = "请先在 <think> 和 </think> 之间简短地一步一步思考，再用中文直接给出答案。"
_LINES, _LINE = 5, 200


def thinking_request(system: str, question: str) -> str:
    """The system text that asks a model to think first.

    A small model thinks in the language it is asked in, so the question's is used, as far
    as it is Chinese.
    """
    chinese = any("\u4e00" <= character <= "\u9fff" for character in question)
    return f"{system}\n\n{_REQUEST_ZH if chinese else _REQUEST}"


def thinking_grammar(budget: int | None = None) -> str:
    """The grammar (GBNF) of a thought and an answer.

    Args:
        budget: The most tokens to think for.  The grammar counts characters, and a token
            has at least one: the thought never takes more, but may take fewer.
    """
    lines, line = _LINES, _LINE
    if budget is not None:
        lines = max(1, min(_LINES, budget // 60))
        line = max(1, budget // lines - 1)
    # What ends a line is what makes a model stop: without it, it would go on and on.  A
    # line break does, and so does the end of a Chinese sentence.
    return (
        f'root ::= "<think>\\n" line ("\\n" line){{0,{lines - 1}}} "\\n</think>\\n\\n" answer\n'
        f"line ::= part part{{0,{line - 1}}} [。！？]?\n"
        "part ::= [^<\\n。！？]\n"
        "answer ::= [^<\\n\\t ] .*\n"
    )
