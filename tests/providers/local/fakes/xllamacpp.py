"""Stands in for llama.cpp: it does what the last message says."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Callback = Callable[[dict[str, Any]], bool]


class _Free:
    """Takes any attribute, as the real parameters take theirs."""

    def __init__(self) -> None:
        self.__dict__["seen"] = {}

    def __getattr__(self, name: str) -> Any:
        return self.seen.setdefault(name, _Free())

    def __setattr__(self, name: str, value: Any) -> None:
        self.seen[name] = value


CommonParams = _Free


def _text(text: str, reason: str | None = None) -> dict[str, Any]:
    delta = {"content": text} if text else {}
    return {"id": "fake-1", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


class Server:
    def __init__(self, params: Any) -> None:
        print("the runtime prints to standard output")
        self.params = params
        path = Path(params.model.path)
        if path.stem == "broken":
            os.write(2, b"0.00.1 E llama_model_load: error loading model: tensor is missing\n")
            raise RuntimeError("Failed to init server, please check the input params.")
        if path.stem == "nolib":
            raise ImportError("libgomp.so.1: cannot open shared object file")
        if path.stem == "killed":
            os._exit(9)

    def handle_chat_completions(self, body: dict[str, Any], callback: Callback, /) -> None:
        word, _, rest = body["messages"][-1]["content"].partition(" ")
        getattr(self, f"do_{word}")(rest, body, callback)

    def finish(self, callback: Callback, reason: str = "stop") -> None:
        callback(_text("", reason))
        usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
        callback({"id": "fake-1", "choices": [], "usage": usage})

    def do_say(self, rest: str, body: dict[str, Any], callback: Callback) -> None:
        for piece in rest.split("|"):
            callback(_text(piece))
        self.finish(callback)

    def do_body(self, rest: str, body: dict[str, Any], callback: Callback) -> None:
        self.do_say(json.dumps(body), body, callback)

    def do_params(self, rest: str, body: dict[str, Any], callback: Callback) -> None:
        seen = {k: v for k, v in self.params.seen.items() if isinstance(v, int | str | list | bool)}
        seen["threads"] = self.params.cpuparams.n_threads
        self.do_say(json.dumps(seen), body, callback)

    def do_endless(self, rest: str, body: dict[str, Any], callback: Callback) -> None:
        while not callback(_text("again ")):
            time.sleep(0.001)
        if rest:
            Path(rest).write_text("stopped")

    def do_read(self, rest: str, body: dict[str, Any], callback: Callback) -> None:
        """Read a long prompt, which only ends when it is called off."""
        while not callback({"choices": [], "prompt_progress": {"processed": 0}}):
            time.sleep(0.001)

    def do_die(self, rest: str, body: dict[str, Any], callback: Callback) -> None:
        callback(_text("half an ans"))
        os._exit(1)

    def do_raise(self, rest: str, body: dict[str, Any], callback: Callback) -> None:
        raise RuntimeError(rest)

    def do_overflow(self, rest: str, body: dict[str, Any], callback: Callback) -> None:
        text = "request (5000 tokens) exceeds the available context size (4096 tokens)"
        error = {"code": 400, "message": text, "type": "exceed_context_size_error"}
        callback({"error": {**error, "n_prompt_tokens": 5000, "n_ctx": 4096}})
