"""Making a model think that was not made to.

It is asked for it in the system text, and a grammar leaves it no choice: first a few lines
between think tags, then the answer.
"""

from __future__ import annotations

__all__ = ["thinking_grammar", "thinking_request"]

_REQUEST = (
    "Before you answer, think about the question step by step between <think> and </think>, "
    "briefly. Then give the answer."
)
_REQUEST_ZH = "请先在 <think> 和 </think> 之间简短地一步一步思考，再用中文直接给出答案。"
_LINES, _LINE = 5, 200
_MOST_LINES, _LONGEST_LINE = 20, 1000  # llama.cpp counts no further than 2000

# Any text, but no second think tag: a model whose thought was cut short would write one.
# ("<thi" and "</thi" are refused; "<<", "<table>" and "<th>" are fine.)
_ANSWER = r"""answer ::= [^<\n\t ] any*
any ::= [^<] | "<" tag
tag ::= [^<t/] | "<" tag | "t" name | "/" end
end ::= [^<t] | "<" tag | "t" name
name ::= [^<h] | "<" tag | "h" rest
rest ::= [^<i] | "<" tag
"""


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
        lines = max(1, min(_MOST_LINES, budget // 60))
        # Line breaks count, and so does the mark that may end a line.
        line = max(1, min(_LONGEST_LINE, (budget + 1) // lines - 2))
    # What ends a line is what makes a model stop: without it, it would go on and on.  A
    # line break does, and so does the end of a Chinese sentence.
    return (
        f'root ::= "<think>\\n" line ("\\n" line){{0,{lines - 1}}} "\\n</think>\\n\\n" answer\n'
        f"line ::= part part{{0,{line - 1}}} [。！？]?\n"
        "part ::= [^<\\n。！？]\n" + _ANSWER
    )
