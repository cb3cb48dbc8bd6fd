"""Streams that would be slow if anything were done over and over: each grows with a number."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from attrs import frozen

from junto.providers.assembly import AnswerReader
from junto.providers.chat_completions import CompletionReader
from junto.providers.dashscope._reader import NativeReader

from .laws import ORIGIN, each


@frozen
class Shape:
    """A stream, and who reads it.

    Attributes:
        make: Makes the reader.
        pieces: The bytes, read by read.
    """

    make: Callable[[], AnswerReader]
    pieces: list[bytes]

    def reads(self) -> Iterator[Callable[[], object]]:
        """What to call to read it to its end, whatever that is."""
        reader = self.make()
        for piece in self.pieces:
            yield partial(reader.feed, piece)
            if reader.finished or reader.failure is not None:
                return
        yield reader.end


Grown = Callable[[int], Shape]
HEAD = b"id:1\nevent:result\n:HTTP_STATUS/200\n"
FRAME = 130  # bytes of a small frame


def frame(message: dict[str, Any], choice: dict[str, Any] | None = None, **output: Any) -> bytes:
    choices = [{"message": message, "finish_reason": "null", **(choice or {})}]
    payload = {"output": {"choices": choices, **output}, "usage": {"input_tokens": 1}}
    return b"data:" + json.dumps(payload).encode() + b"\n\n"


def say(text: str, **more: Any) -> bytes:
    return frame({"content": text}, **more)


def call(arguments: str, **more: Any) -> bytes:
    fragment = {"function": {"name": "f", "arguments": arguments}, **more}
    return frame({"content": "", "tool_calls": [fragment]})


def native(*pieces: bytes, **options: Any) -> Shape:
    return Shape(lambda: NativeReader(ORIGIN, **options), list(pieces))


def compatible(*pieces: bytes, **options: Any) -> Shape:
    return Shape(lambda: CompletionReader(ORIGIN, **options), list(pieces))


def in_pieces(body: bytes, size: int = 60) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def after(first: bytes, rest: Callable[[int], bytes], size: int, **options: Any) -> Shape:
    """One large frame, which the small ones after it must not touch again."""
    return native(first, *[rest(number) for number in range(size // FRAME)], **options)


def search(number: int) -> dict[str, Any]:
    return {"search_results": [{"url": f"https://x.example/{number}", "index": number}]}


def chunk(text: str) -> bytes:
    return b'data: {"choices":[' + text.encode() + b'],"model":"m"}\n\n'


DRIPS: dict[str, Grown] = {
    "one byte a read": lambda n: native(*each(say("x" * n))),
    "one byte a read, usual frames": lambda n: native(*each((HEAD + say("x")) * (n // 160))),
    "one byte a read, spaces": lambda n: native(*each(b" " * n)),
    "one byte a read, line ends": lambda n: native(*each(b"\r" * n)),
    "one byte a read, JSON": lambda n: native(*each(b'{"output":{"text":"' + b"x" * n)),
}
LINES: dict[str, Grown] = {
    "an endless line": lambda n: native(*in_pieces(b"data:" + b"x" * n)),
    "an endless line in one read": lambda n: native(b"data:" + b"x" * n),
    "comments": lambda n: native(*in_pieces(b": ping\n" * (n // 7))),
    "comments in one read": lambda n: native(b": ping\n" * (n // 7)),
    "comments inside an event": lambda n: native(*in_pieces(b"data:{\n" + b": ping\n" * (n // 7))),
    "empty lines": lambda n: native(b"\n" * n),
    "data lines": lambda n: native(b"data:{\n" + b"data:1,\n" * (n // 8)),
    "data lines in many reads": lambda n: native(*in_pieces(b"data:{\n" + b"data:1,\n" * (n // 8))),
    "data lines after a long one": lambda n: native(
        b"data:  " + b"x" * n + b"\n" + b"data:x\n" * (n // 7)
    ),
    "data lines after spaces": lambda n: native(
        b"data:  " + b" " * n + b"\n" + b"data:x\n" * (n // 7)
    ),
    "fields behind whole data": lambda n: native(b"data:{}\n" + b"event:a\nid:1\n" * (n // 13)),
    "data and fields without an empty line": lambda n: native(b"data:{}\nevent:a\n" * (n // 16)),
    "digits of an id": lambda n: native(b"id:" + b"1" * n),
    "heads of usual frames": lambda n: native((HEAD + b"data:{\n") * (n // 42)),
    "a usual frame of brackets": lambda n: native(HEAD + b"data:{" + b"}" * n + b"\n"),
}
JSON: dict[str, Grown] = {
    "deep": lambda n: native(b"data:" + b"[" * n + b"\n\n"),
    "deep, where anything is taken": lambda n: native(
        b'data:{"output":{"tool_info":' + b"[" * n + b"]" * n + b"}}\n\n"
    ),
    "quotes": lambda n: native(b'data:{"' + b'"' * n + b"\n\n"),
    "backslashes": lambda n: native(b'data:{"' + b"\\" * n + b"\n\n"),
    "a long number": lambda n: native(b'data:{"a":' + b"9" * n + b"}\n\n"),
    "a long count": lambda n: native(b'data:{"usage":{"input_tokens":' + b"9" * n + b"}}\n\n"),
    "a long fraction": lambda n: native(b'data:{"output":{"tool_info":1.' + b"9" * n + b"}}\n\n"),
    "halves of characters": lambda n: native(*[say("\ud83d")] * (n // FRAME)),
    "halves of characters in one text": lambda n: native(say("\ud83d" * (n // 6))),
}
FRAMES: dict[str, Grown] = {
    "small frames": lambda n: native(say("x") * (n // FRAME)),
    "small frames, one a read": lambda n: native(*[say("x")] * (n // FRAME)),
    "small frames, two choices": lambda n: native(*[say("x")] * (n // FRAME), choices=2),
    "frames of ever other choices": lambda n: native(
        *[say("x", choice={"index": i}) for i in range(n // FRAME)], choices=2
    ),
    "log-probabilities": lambda n: native(
        *[say("x", choice={"logprobs": {"content": [{"token": "x"}]}})] * (n // FRAME)
    ),
    "ever other sources": lambda n: native(
        *[say("", search_info=search(i)) for i in range(n // FRAME)]
    ),
    "halves after a long text": lambda n: after(say("é" * n), lambda _: say("\ud83d"), n),
    "chunks": lambda n: compatible(*[chunk('{"delta":{"content":"x"}}')] * (n // FRAME)),
    "chunks of another choice": lambda n: compatible(
        *[chunk('{"index":1,"delta":{"content":"x"}}')] * (n // FRAME), choices=2
    ),
    "chunks of usage": lambda n: compatible(
        *[b'data: {"usage":{"prompt_tokens":%d}}\n\n' % i for i in range(n // FRAME)]
    ),
}
TOOLS: dict[str, Grown] = {
    "pieces of a call": lambda n: native(*[call("x" * 50, index=0)] * (n // FRAME)),
    "named pieces without index and id": lambda n: native(*[call("{" * 50)] * (n // FRAME)),
    "named pieces of no JSON": lambda n: native(*[call("-" * 50)] * (n // FRAME)),
    "named pieces in one frame": lambda n: native(
        frame({"tool_calls": [{"function": {"name": "f", "arguments": "x" * 50}}] * (n // FRAME)})
    ),
    "named pieces after long arguments": lambda n: after(
        call("{" + "x" * n), lambda _: call("x"), n
    ),
    "pieces with ever other ids": lambda n: native(
        *[call("x", id="a", index=i % 1000) for i in range(n // FRAME)]
    ),
}
CUMULATIVE: dict[str, Grown] = {
    "nothing new after a long text": lambda n: after(
        say("x" * n), lambda _: say(""), n, cumulative=True
    ),
    "text after long reasoning": lambda n: after(
        frame({"reasoning_content": "x" * n}), lambda _: say("y"), n, cumulative=True
    ),
    "pieces after long arguments": lambda n: after(
        call("x" * n, index=0), lambda _: call("x", index=0), n, cumulative=True
    ),
}
FAILURES: dict[str, Grown] = {
    "a code of dots": lambda n: native(
        b'data:{"code":"' + b"AccessDenied." * (n // 13) + b'\\n"}\n\n'
    ),
    "a code of words": lambda n: native(b'data:{"code":"' + b"Bill" * (n // 4) + b'"}\n\n'),
    "a message of blanks": lambda n: native(b'data:{"error":"bearer ' + b" " * n + b'"}\n\n'),
    "a message of words": lambda n: native(b'data:{"error":"' + b"request " * (n // 8) + b'"}\n\n'),
    "a message of keys": lambda n: native(b'data:{"error":"' + b"sk-a " * (n // 5) + b'"}\n\n'),
}
SHAPES: dict[str, Grown] = {
    **DRIPS,
    **LINES,
    **JSON,
    **FRAMES,
    **TOOLS,
    **CUMULATIVE,
    **FAILURES,
}
