"""A second reader, written from the specification (wire.md) alone: simple, slow, and whole bodies.

It shares nothing with the providers, so that both being wrong in the same way is unlikely.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from attrs import define, field

from .readings import RUNNING, Call, Reading, Said, counted, refusal


@define
class Event:
    """What stands between two empty lines (6)."""

    kind: str = ""
    status: int | None = None
    data: list[str] = field(factory=list)

    @property
    def payload(self) -> Any:
        try:
            return json.loads("\n".join(self.data))
        except ValueError:
            return None


def events_of(body: bytes) -> Iterator[Event]:
    """The events of a body: on an empty line, before a new one, and at the end (6)."""
    event = Event()
    for line in re.split(r"\r\n|\r|\n", body.decode("utf-8-sig", "replace")):
        name, _, value = line.partition(":")
        begins = name in {"id", "event", "data"} or value.startswith("HTTP_STATUS/")
        if event.data and (not line or (begins and event.payload is not None)):
            yield event
        if not line or (begins and event.payload is not None):
            event = Event()
        if not name and (status := re.match(r"HTTP_STATUS/(\d+)", value)):
            event.status = int(status[1])
        elif name == "event":
            event.kind = value.strip()
        elif name == "data":
            event.data.append(value.removeprefix(" "))
    if event.payload is not None:
        yield event


@define
class Answer:
    """One choice in the making."""

    cumulative: bool
    text: str = ""
    reasoning: str = ""
    calls: list[list[Any]] = field(factory=list)  # index, id, name, arguments
    finish: str | None = None

    def more(self, old: str, new: str | None) -> str:
        """Add the next text to the last one (7.2)."""
        return (new or old) if self.cumulative else old + (new or "")

    def take(self, message: dict[str, Any], finish: str | None) -> None:
        content = message.get("content") or ""
        if isinstance(content, list):
            content = "".join(part.get("text") or "" for part in content)
        self.text = self.more(self.text, content)
        self.reasoning = self.more(self.reasoning, message.get("reasoning_content"))
        for fragment in message.get("tool_calls") or []:
            self.take_call(fragment)
        if finish not in RUNNING:
            self.finish = finish

    def take_call(self, fragment: dict[str, Any]) -> None:
        """By index, else by id, else the latest call (7.4)."""
        index, called = fragment.get("index"), fragment.get("id") or ""
        function = fragment.get("function") or {}
        key = 0 if index is not None else 1
        wanted = called if index is None else index
        found = [call for call in self.calls if call[key] == wanted]
        if wanted == "":
            found = self.calls[-1:]
        if not found:
            found = [[index, "", "", ""]]
            self.calls += found
        call = found[0]
        call[1] = call[1] or called
        call[2] = call[2] or function.get("name") or ""
        call[3] = self.more(call[3], function.get("arguments"))

    def said(self) -> Said:
        calls: tuple[Call, ...] = tuple((c[1], c[2], c[3]) for c in self.calls)
        return Said(self.text, self.reasoning, calls, self.finish)


def read(body: bytes, *, status: int = 200, choices: int = 1, cumulative: bool = False) -> Reading:
    """What a body says."""
    try:
        whole = json.loads(body.decode("utf-8-sig", "replace"))
    except ValueError:
        events = list(events_of(body))
    else:
        events = [Event(data=[json.dumps(whole)])]
    if status >= 400:
        payload: Any = next((e.payload for e in events if e.payload is not None), {})
        in_comment = next((e.status for e in events if e.status is not None), status)
        return Reading({0: Said()}, {}, refusal(in_comment, _code(payload)))
    answers = {index: Answer(cumulative) for index in range(choices)}
    usages: dict[int, dict[str, Any]] = {}

    def reading(error: str | None) -> Reading:
        return Reading({i: a.said() for i, a in answers.items()}, _sum(usages), error)

    for event in events:
        payload = event.payload
        if not isinstance(payload, dict):
            continue
        if event.kind == "error" or payload.get("error") or payload.get("code"):
            stated = event.status if (event.status or 0) >= 400 else None
            return reading(refusal(stated, _code(payload)))
        index = _take(payload, answers)
        if payload.get("usage"):
            usages[index if events[1:] else 0] = payload["usage"]
    ended = all(answer.finish is not None for answer in answers.values())
    return reading(None if ended else "broken off")


def _take(payload: dict[str, Any], answers: dict[int, Answer]) -> int:
    """Take a payload in; return whose it is (7, 8)."""
    output = payload.get("output", payload) or {}
    index = 0
    for choice in output.get("choices") or []:
        index = choice.get("index") or 0
        if index in answers:
            message = choice.get("delta") or choice.get("message") or {}
            answers[index].take(message, choice.get("finish_reason"))
    if not output.get("choices"):
        message = output.get("message") or {"content": output.get("text")}
        finish = output.get("finish_reason")
        if message.get("phase"):  # deep research (7.6)
            finish = "stop" if message.get("status") == "finished" else None
            if message["phase"] != "answer":
                finish = None
                message = {"reasoning_content": message.get("content")}
        answers[0].take(message, finish)
    return index


def _code(payload: Any) -> str | None:
    table = payload if isinstance(payload, dict) else {}
    return (table.get("error") or table).get("code")


def _sum(usages: dict[int, dict[str, Any]]) -> dict[str, int]:
    """The last of each choice, and the sum of their outputs (7.5, 9)."""
    if not usages:
        return {}
    usage: dict[str, Any] = list(usages.values())[-1]
    asked = usage["input_tokens"] if "input_tokens" in usage else usage["prompt_tokens"]
    said = sum(u.get("output_tokens") or u["completion_tokens"] for u in usages.values())
    details = usage.get("output_tokens_details") or usage.get("completion_tokens_details") or {}
    prompt = usage.get("prompt_tokens_details") or {}
    total = asked + said if len(usages) > 1 else usage.get("total_tokens", asked + said)
    return counted(
        {
            "input": asked,
            "output": said,
            "total": total,
            "reasoning": details.get("reasoning_tokens"),
            "cached": prompt.get("cached_tokens", usage.get("cached_tokens")),
        }
    )
