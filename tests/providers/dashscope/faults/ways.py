"""The four ways in which a question is asked, and proper answers in each of them."""

import json
from typing import Any, Literal

from attrs import field, frozen

TEXT = "你好"
REQUEST_ID = "a1b2-c3d4"
_USAGE = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


@frozen
class Way:
    """A dialect, and whether the answer is streamed."""

    dialect: Literal["native", "compatible"]
    streamed: bool

    def __str__(self) -> str:
        return f"{self.dialect}-{'stream' if self.streamed else 'plain'}"

    @property
    def is_native(self) -> bool:
        return self.dialect == "native"

    def piece(self, text: str = TEXT, finish: str | None = None, **more: Any) -> bytes:
        """One frame; of a plain answer, all of it."""
        payload = self._native(text, finish) if self.is_native else self._compatible(text, finish)
        return self.frame(payload | more)

    def end(self) -> bytes:
        """The frames that end an answer whose text has been sent."""
        last = self.piece("", "stop")
        if self.is_native:
            return last
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        tail = {"choices": [], "usage": usage, "id": f"chatcmpl-{REQUEST_ID}"}
        return last + self.frame(tail) + b"data: [DONE]\n\n"

    def body(self, text: str = TEXT) -> bytes:
        """A whole answer."""
        return self.piece(text) + self.end() if self.streamed else self.piece(text, "stop")

    def frame(self, payload: Any) -> bytes:
        data = json.dumps(payload, ensure_ascii=False).encode()
        if not self.streamed:
            return data
        if self.is_native:
            return b"id:1\nevent:result\n:HTTP_STATUS/200\ndata:" + data + b"\n\n"
        return b"data: " + data + b"\n\n"

    @property
    def content_type(self) -> str:
        return "text/event-stream;charset=UTF-8" if self.streamed else "application/json"

    def _native(self, text: str, finish: str | None) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        choice = {"message": message, "finish_reason": finish or "null"}
        return {"output": {"choices": [choice]}, "usage": _USAGE, "request_id": REQUEST_ID}

    def _compatible(self, text: str, finish: str | None) -> dict[str, Any]:
        said = "delta" if self.streamed else "message"
        choice = {said: {"role": "assistant", "content": text}, "finish_reason": finish, "index": 0}
        return {"choices": [choice], "id": f"chatcmpl-{REQUEST_ID}", "model": "qwen-plus"}


NATIVE = Way("native", streamed=True)
COMPATIBLE = Way("compatible", streamed=True)
NATIVE_PLAIN = Way("native", streamed=False)
COMPATIBLE_PLAIN = Way("compatible", streamed=False)
STREAMS = [NATIVE, COMPATIBLE]
PLAIN = [NATIVE_PLAIN, COMPATIBLE_PLAIN]
WAYS = STREAMS + PLAIN


@frozen
class Head:
    """The head of an answer."""

    status: int = 200
    headers: dict[str, Any] = field(factory=dict)
    version: str = "1.1"

    def __bytes__(self) -> bytes:
        lines = [f"HTTP/{self.version} {self.status} Whatever"]
        lines += [f"{name}: {value}" for name, value in self.headers.items() if value is not None]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def head(way: Way | None = None, status: int = 200, **headers: Any) -> bytes:
    """A head; in the names of headers ``_`` stands for ``-``, and ``None`` leaves one out."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if way is not None:
        named = {"Content-Type": way.content_type} | named
    return bytes(Head(status, named))


def sized(way: Way, body: bytes, status: int = 200, **headers: Any) -> bytes:
    """A whole answer that says how long it is."""
    return head(way, status, Content_Length=len(body), **headers) + body


def chunk(data: bytes) -> bytes:
    """A chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)
