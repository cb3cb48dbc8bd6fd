"""A run written down: every observation, as JSON lines, and a table per advisor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from .chat import ChatRequest, ChatResponse
from .context import Outcome
from .errors import clean_text
from .events import CustomEvent, Event, ReasoningDelta, TextDelta, ToolCallDelta, ToolResult
from .observe import Observation, Tally

__all__ = ["Trace"]

_COUNTS = ("given", "kept", "changed", "held", "dropped", "injected", "gave")


class Trace:
    """An observer that keeps what it sees.

    ::

        trace = Trace()
        async with client.stream("Why?", observers=[trace]) as answer:
            ...
        print(trace)  # who kept, changed, held, dropped and injected what, and how long it took
        trace.write("run.jsonl")

    It is meant for one run; of several, ``run_id`` tells the lines apart, and the tallies
    are those of the last one.  It keeps every event, so it is not for a client's life.

    Args:
        content: Write texts and the messages of errors as well; without, only lengths
            and classes.
    """

    def __init__(self, *, content: bool = False) -> None:
        self.content = content
        self.observations: list[Observation] = []

    def __call__(self, observation: Observation) -> None:
        """See one thing."""
        self.observations.append(observation)

    @property
    def tallies(self) -> dict[str, Tally]:
        """What each advisor did, by name, outermost first; then ``"(model)"``.

        Empty before the run has ended.
        """
        told = [one for one in self.observations if one.tally is not None]
        return {one.advisor: one.tally for one in told if one.tally is not None}

    def seen(self, what: str, advisor: str = "") -> list[Observation]:
        """The observations of one sort, all or those of one advisor."""
        return [
            one for one in self.observations if one.what == what and advisor in {"", one.advisor}
        ]

    def lines(self) -> Iterator[str]:
        """Each observation as one line of JSON, without the line's end."""
        for one in self.observations:
            yield json.dumps(self._line(one))  # ASCII: a lone surrogate stays readable

    def write(self, path: str | Path) -> None:
        """Write the lines into a file, in UTF-8.

        It blocks while it does: inside a running loop use ``asyncio.to_thread(trace.write,
        path)``.

        Raises:
            OSError: The file cannot be written.
        """
        text = "".join(f"{line}\n" for line in self.lines())
        Path(path).write_text(text, encoding="utf-8")

    def _line(self, one: Observation) -> dict[str, Any]:
        line: dict[str, Any] = {
            "run": one.run_id,
            "at": round(one.at, 7),
            "what": one.what,
            "activation": one.activation,
            "advisor": one.advisor or None,
            "verdict": one.verdict or None,
            "seconds": None if one.seconds is None else round(one.seconds, 9),
        }
        if one.tally is not None:
            line |= _tally(one.tally)
        elif one.given is not None:
            line["given"] = self._value(one.given)
        gave: Any = one.gave
        if isinstance(gave, tuple):
            events = cast("tuple[Event, ...]", gave)
            line["gave"] = [self._value(event) for event in events]
        elif gave is not None and gave is not one.given:
            line["gave"] = self._value(gave)
        return {key: value for key, value in line.items() if value is not None}

    def _value(self, value: Any) -> dict[str, Any]:
        match value:
            case ChatRequest():
                return self._text(value, value.user_text) | {"messages": len(value.messages)}
            case ChatResponse():
                return self._text(value, value.text)
            case Outcome():
                return self._outcome(value)
            case TextDelta() | ReasoningDelta() | ToolResult():
                return self._text(value, value.text)
            case ToolCallDelta():
                return self._text(value, value.arguments) | {"tool": value.name}
            case CustomEvent():
                return {"type": type(value).__name__, "name": clean_text(str(value.name))}
            case _:
                return {"type": type(value).__name__}

    def _text(self, value: Any, text: str) -> dict[str, Any]:
        found: dict[str, Any] = {"type": type(value).__name__, "chars": len(text)}
        return found | {"text": text} if self.content else found

    def _outcome(self, outcome: Outcome) -> dict[str, Any]:
        error = outcome.error
        return self._text(outcome, outcome.response.text) | {
            "kind": outcome.kind.value,
            "error": None if error is None else type(error).__name__,
            # A provider's message may quote the question.
            "message": clean_text(str(error)) if self.content and error is not None else None,
            "attempts": len(outcome.response.attempts),
        }

    def __str__(self) -> str:
        names = (*_COUNTS, "chars_given", "chars_gave")
        tallies = self.tallies
        width = max(map(len, tallies), default=0)
        heads = [f"{name.replace('_', ' '):>11}" for name in names]
        lines = [" ".join([" " * width, *heads, "      own time"])]
        for advisor, tally in tallies.items():
            counts = [f"{getattr(tally, name):11}" for name in names]
            lines.append(
                " ".join([f"{advisor:{width}}", *counts, f"{tally.seconds * 1e3:11.3f} ms"])
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Trace of {len(self.observations)} observations>"


def _tally(tally: Tally) -> dict[str, Any]:
    counts = {name: getattr(tally, name) for name in (*_COUNTS, "chars_given", "chars_gave")}
    return {"tally": counts, "seconds": round(tally.seconds, 9)}
