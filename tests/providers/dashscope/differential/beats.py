"""Recorded answers taken apart into what they say, to be said again in other frames."""

from collections.abc import Iterable
from typing import Any

from attrs import evolve, frozen
from hypothesis import strategies as st

from ....standin import recording
from .oracle import Answer, events_of
from .readings import Reading, Said, counted

Draw = st.DrawFn


@frozen
class Piece:
    """A piece of a tool call: id and name stand on the first one of a call."""

    call: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@frozen
class Beat:
    """What one frame says: of one choice, and only what is new.

    Attributes:
        index: Of the choice.
        reasoning: More of the chain of thought.
        text: More of the text.
        pieces: More of tool calls.
        finish: The reason to finish; `None` while there is none.
        usage: The counts so far, in the frame's own form.
    """

    index: int = 0
    reasoning: str = ""
    text: str = ""
    pieces: tuple[Piece, ...] = ()
    finish: str | None = None
    usage: dict[str, Any] | None = None


def _beats(body: bytes) -> list[Beat]:
    """The beats of a recorded stream of either protocol."""
    beats: list[Beat] = []
    ids: set[int] = set()
    for event in events_of(body):
        payload = event.payload if isinstance(event.payload, dict) else {}
        output = payload.get("output", payload) or {}
        usage = payload.get("usage") or None
        if not output.get("choices") and usage:
            beats.append(Beat(usage=usage))
        for choice in output.get("choices") or []:
            answer = Answer(cumulative=False)
            answer.take(choice.get("message") or choice.get("delta") or {}, choice["finish_reason"])
            pieces: list[Piece] = []
            for index, called, name, arguments in answer.calls:
                first = index not in ids
                ids.add(index)
                head = (called, name) if first else ("", "")
                pieces.append(Piece(index, head[0], head[1], arguments))
            beats.append(
                Beat(0, answer.reasoning, answer.text, tuple(pieces), answer.finish, usage)
            )
    return beats


SOURCES = (
    "native_answer_after_tool.sse",
    "native_chinese_emoji_multibyte.sse",
    "native_code_interpreter.sse",
    "native_incremental.sse",
    "native_mm_thinking_boundary_frame.sse",
    "native_mm_thinking_parallel_tools.sse",
    "native_qwq_reasoning_then_content.sse",
    "native_reasoning_only_length.sse",
    "native_thinking_budget.sse",
    "native_tool_call_single.sse",
    "native_tool_calls_parallel.sse",
)
# With tools or thinking there is one choice only.
PLAIN_SOURCES = (
    "native_answer_after_tool.sse",
    "native_chinese_emoji_multibyte.sse",
    "native_incremental.sse",
)
_BEATS = {name: _beats(recording(name).body) for name in SOURCES}


def told_by(name: str) -> list[Beat]:
    """The beats of one of `SOURCES`."""
    return _BEATS[name]


def sum_of(beats: Iterable[Beat]) -> Reading:
    """What beats come to."""
    said: dict[int, Said] = {}
    usages: dict[int, dict[str, Any]] = {}
    for beat in beats:
        choice = said.get(beat.index, Said())
        calls = [list(call) for call in choice.tool_calls]
        for piece in beat.pieces:
            calls += [["", "", ""]] * (piece.call == len(calls))
            calls[piece.call] = [
                a + b
                for a, b in zip(
                    calls[piece.call], (piece.id, piece.name, piece.arguments), strict=True
                )
            ]
        said[beat.index] = Said(
            choice.text + beat.text,
            choice.reasoning + beat.reasoning,
            tuple((a, b, c) for a, b, c in calls),
            choice.finish or beat.finish,
        )
        if beat.usage:
            usages[beat.index] = beat.usage
    last = list(usages.values())[-1]
    output = sum(usage["output_tokens"] for usage in usages.values())
    return Reading(
        said,
        counted(
            {
                "input": last["input_tokens"],
                "output": output,
                "total": last["input_tokens"] + output,
                "reasoning": last.get("output_tokens_details", {}).get("reasoning_tokens"),
                "cached": last.get("prompt_tokens_details", {}).get("cached_tokens"),
            }
        ),
    )


def repeating(beats: Iterable[Beat]) -> list[Beat]:
    """The beats of a cumulative stream: each says all that its choice has said so far."""
    told: list[Beat] = []
    for beat in beats:
        so_far = [earlier for earlier in told if earlier.index == beat.index]
        pieces = {piece.call: piece for piece in (so_far[-1].pieces if so_far else ())}
        for piece in beat.pieces:
            old = pieces.get(piece.call, Piece(piece.call))
            pieces[piece.call] = Piece(
                piece.call,
                old.id + piece.id,
                old.name + piece.name,
                old.arguments + piece.arguments,
            )
        told.append(
            evolve(
                beat,
                reasoning=(so_far[-1].reasoning if so_far else "") + beat.reasoning,
                text=(so_far[-1].text if so_far else "") + beat.text,
                pieces=tuple(pieces.values()),
            )
        )
    return told


def _cut(draw: Draw, text: str) -> tuple[str, str]:
    at = draw(st.integers(0, len(text)))
    return text[:at], text[at:]


def _split(draw: Draw, beat: Beat) -> list[Beat]:
    """One beat as two; the reason to finish, and the usage, come with the second one."""
    reasoning, text = _cut(draw, beat.reasoning), _cut(draw, beat.text)
    first, second = beat.pieces[:-1], beat.pieces[-1:]
    if second:
        head, tail = _cut(draw, second[0].arguments)
        first = (*first, evolve(second[0], arguments=head))
        second = (Piece(second[0].call, arguments=tail),)
    return [
        Beat(beat.index, reasoning[0], text[0], first),
        evolve(beat, reasoning=reasoning[1], text=text[1], pieces=second),
    ]


def _join(first: Beat, second: Beat) -> Beat:
    """Two beats as one: also the end of the reasoning with the beginning of the text."""
    return Beat(
        first.index,
        first.reasoning + second.reasoning,
        first.text + second.text,
        first.pieces + second.pieces,
        second.finish,
        second.usage or first.usage,
    )


@st.composite
def retold(draw: Draw, sources: tuple[str, ...] = SOURCES, index: int = 0) -> list[Beat]:
    """A recorded answer, cut into beats otherwise."""
    beats: list[Beat] = []
    for beat in told_by(draw(st.sampled_from(sources))):
        fresh = evolve(beat, index=index)
        match draw(st.sampled_from(["keep", "split", "join", "idle"])):
            case "split":
                beats += _split(draw, fresh)
            case "join" if beats and beats[-1].finish is None:
                beats[-1] = _join(beats[-1], fresh)
            case "idle":
                beats += [Beat(index), fresh]
            case _:
                beats.append(fresh)
    return beats


@st.composite
def mixed(draw: Draw) -> list[Beat]:
    """An answer that calls two tools at once: pieces of both come in turn, each in its order."""
    beats = draw(
        retold(("native_tool_calls_parallel.sse", "native_mm_thinking_parallel_tools.sse"))
    )
    pieces = [piece for beat in beats for piece in beat.pieces]
    left = [[piece for piece in pieces if piece.call == call] for call in (0, 1)]
    told: list[Beat] = []
    for beat in beats:
        turn: list[Piece] = []
        for _ in beat.pieces:
            # The first piece is the first call's: the calls are numbered as they open.
            open_ = left if len(left[0]) < sum(p.call == 0 for p in pieces) else left[:1]
            turn.append(draw(st.sampled_from([rest for rest in open_ if rest])).pop(0))
        told.append(evolve(beat, pieces=tuple(turn)))
    return told


@st.composite
def interleaved(draw: Draw, choices: int, sources: tuple[str, ...] = SOURCES) -> list[Beat]:
    """Several answers at once: each in its order, and the frames of all of them mixed."""
    left = [draw(retold(sources, index)) for index in range(choices)]
    beats: list[Beat] = []
    while left := [rest for rest in left if rest]:
        beats.append(draw(st.sampled_from(left)).pop(0))
    return beats
