"""Beats as bytes: the forms in which DashScope and what stands before it send a frame.

`plain` keeps to what the official SDKs are known to read as well.
"""

import json
from typing import Any

from attrs import frozen
from hypothesis import strategies as st

from .beats import Beat, Draw, Piece


@frozen
class Manner:
    """How a stream is written.

    Attributes:
        content: `"text"`, or `"parts"` as on the multimodal path.
        calls: What tells the pieces of calls apart: `"index"`, a repeated `"id"`, or their
            `"order"`.
        nothing: What stands for nothing: null, the empty text, or no key.
        running: What stands for a reason to finish that is still to come.
        ends: Of lines.
        colon: What follows `data:`; one space counts as none.
        blank: An empty line after each frame.
        fields: `id`, `event` and the comment with the status stand above the data.
        lines: The JSON goes over several data lines.
        escapes: Of what is not ASCII.
        comments: Between frames.
        mark: A byte order mark stands first.
    """

    content: str = "text"
    calls: str = "index"
    nothing: str = "empty"
    running: str | None = "null"
    ends: str = "\n"
    colon: str = ""
    blank: bool = True
    fields: bool = True
    lines: bool = False
    escapes: bool = False
    comments: bool = False
    mark: bool = False


@st.composite
def manners(draw: Draw, *, plain: bool = False) -> Manner:
    """Any manner that the specification allows."""

    def of(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    if plain:
        return Manner(
            ends=of("\n", "\r\n"),
            colon=of("", " "),
            escapes=of(False, True),
            comments=of(False, True),
        )
    return Manner(
        content=of("text", "parts"),
        calls=of("index", "id", "order"),
        nothing=of("empty", "null", "absent"),
        running=of("null", "", None, "absent"),
        ends=of("\n", "\r", "\r\n"),
        colon=of("", " "),
        blank=of(True, False),
        fields=of(True, False),
        lines=of(False, True),
        escapes=of(False, True),
        comments=of(False, True),
        mark=of(False, True),
    )


def native(beats: list[Beat], manner: Manner) -> bytes:
    """A stream of the native protocol."""
    many = any(beat.index for beat in beats)
    text = "\ufeff" * manner.mark
    ids: dict[tuple[int, int], str] = {}
    for number, beat in enumerate(beats, 1):
        choice: dict[str, Any] = {"message": _message(beat, manner, ids)}
        if many:
            choice["index"] = beat.index
        if beat.finish or manner.running != "absent":
            choice["finish_reason"] = beat.finish or manner.running
        payload = {"output": {"choices": [choice]}, "usage": beat.usage or {}, "request_id": "r"}
        text += _event(payload, manner, number)
    return text.encode()


def compatible(beats: list[Beat], manner: Manner) -> bytes:
    """A stream of the compatible mode, with its usage behind it."""
    ids: dict[tuple[int, int], str] = {}
    head = {"id": "chatcmpl-r", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    text = "\ufeff" * manner.mark
    for beat in beats:
        choice = {"index": beat.index, "delta": _message(beat, manner, ids)}
        choice["finish_reason"] = beat.finish
        text += _event({**head, "choices": [choice], "usage": None}, manner)
    usage = next(beat.usage for beat in reversed(beats) if beat.usage)
    counts = {
        "prompt_tokens": usage["input_tokens"],
        "completion_tokens": usage["output_tokens"],
        "total_tokens": usage["input_tokens"] + usage["output_tokens"],
        "completion_tokens_details": usage.get("output_tokens_details"),
        "prompt_tokens_details": usage.get("prompt_tokens_details"),
    }
    text += _event({**head, "choices": [], "usage": counts}, manner)
    return (text + f"data: [DONE]{manner.ends * 2}").encode()


def _message(beat: Beat, manner: Manner, ids: dict[tuple[int, int], str]) -> dict[str, Any]:
    nothing: dict[str, Any] = {"null": None, "empty": ""}
    message: dict[str, Any] = {"role": "assistant", "content": beat.text}
    if manner.content == "parts":
        message["content"] = [{"text": beat.text}] if beat.text else []
    if not beat.text and manner.nothing == "null":
        message["content"] = None
    if beat.reasoning or manner.nothing in nothing:
        message["reasoning_content"] = beat.reasoning or nothing[manner.nothing]
    if beat.pieces:
        message["tool_calls"] = [_fragment(beat.index, p, manner, ids) for p in beat.pieces]
    return message


def _fragment(
    index: int, piece: Piece, manner: Manner, ids: dict[tuple[int, int], str]
) -> dict[str, Any]:
    function: dict[str, Any] = {"arguments": piece.arguments}
    if not piece.arguments and manner.nothing != "empty":
        function["arguments"] = None
    if piece.name or manner.nothing == "null":
        function["name"] = piece.name or None
    fragment: dict[str, Any] = {"type": "function", "id": piece.id, "function": function}
    called = ids.setdefault((index, piece.call), piece.id)
    if manner.calls == "index":
        fragment["index"] = piece.call
    elif manner.calls == "id":
        fragment["id"] = called
    return fragment


def _event(payload: dict[str, Any], manner: Manner, number: int = 0) -> str:
    body = json.dumps(
        payload,
        ensure_ascii=manner.escapes,
        indent=0 if manner.lines else None,
        separators=None if manner.lines else (",", ":"),
    )
    lines = [f": ping {number}"] * manner.comments
    if manner.fields and number:
        lines += [f"id:{number}", "event:result", ":HTTP_STATUS/200"]
    lines += [f"data:{manner.colon}{line}" for line in body.split("\n")]
    lines += [""] * (manner.blank or not number)
    return "".join([line + manner.ends for line in lines])
