"""What is stored, against what was written down: the violations, by kind."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from junto.core.memory import ALL, ConversationKey, MemoryStore, Turn

from .words import KEYS, whole, whose

KINDS = {
    "lost": "acknowledged turns that are not there",
    "doubled": "turns that are there twice",
    "half": "turns without all of their messages",
    "orphans": "questions without an answer",
    "order": "numbers with gaps, or turns before others that were acknowledged earlier",
    "foreign": "turns of another conversation or tenant",
    "locks": "conversations that were not free within the lease and a second",
    "unexpected": "errors that nobody was told to expect",
}


@frozen
class Acknowledged:
    """A turn whose end a reader has seen.

    Attributes:
        begun: When it was asked, by the clock that all processes share.
        over: When its end was seen.
    """

    key: ConversationKey
    id: str
    begun: float
    over: float


@define
class Found:
    """What a run has come to."""

    counts: Counter[str] = field(factory=Counter[str])
    violations: list[tuple[str, str]] = field(factory=list[tuple[str, str]])

    def wrong(self, kind: str, text: str) -> None:
        self.violations.append((kind, text))

    def of(self, kind: str) -> int:
        return sum(1 for one, _ in self.violations if one == kind)


def read_logs(folder: Path, found: Found) -> list[Acknowledged]:
    """What the workers have written down."""
    acknowledged: list[Acknowledged] = []
    for line in _lines(folder):
        what = line["what"]
        found.counts[what] += 1
        if what == "acknowledged":
            key = ConversationKey(*line["key"])
            acknowledged.append(Acknowledged(key, line["id"], line["begun"], line["over"]))
        elif what == "complaint":
            kind, _, text = line["why"].partition(": ")
            found.wrong("orphans" if kind == "orphan" else kind, text)
        elif what == "unexpected":
            found.wrong(what, line["why"])
    return acknowledged


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.log")):
        for line in path.read_bytes().split(b"\n")[:-1]:
            yield json.loads(line)


async def check(store: MemoryStore, acknowledged: Iterable[Acknowledged], found: Found) -> None:
    """Read every conversation, and compare."""
    by_key: dict[ConversationKey, dict[str, Acknowledged]] = {key: {} for key in KEYS}
    for one in acknowledged:
        by_key[one.key][one.id] = one
    for key, told in by_key.items():
        turns = await store.load(key, ALL)
        found.counts["stored"] += len(turns)
        check_conversation(key, turns, told, found)


def check_conversation(
    key: ConversationKey, turns: Sequence[Turn], told: dict[str, Acknowledged], found: Found
) -> None:
    """Compare one conversation with what was acknowledged of it, by turn id."""
    where = f"{key.tenant}/{key.conversation}"
    times = Counter(turn.id for turn in turns)
    for turn_id, count in times.items():
        if count > 1:
            found.wrong("doubled", f"{where}: {turn_id} is there {count} times")
    for turn_id in told.keys() - times.keys():
        found.wrong("lost", f"{where}: {turn_id} was acknowledged")
    for turn in turns:
        if any(whose(m.text) != (key, turn.id) for m in turn.messages if m.text):
            found.wrong("foreign", f"{where}: {turn.id} says {turn.messages!r}")
        elif turn.input and not turn.output:
            found.wrong("orphans", f"{where}: {turn.id} has no answer")
        elif turn.messages != whole(key, turn.id) or not turn.complete:
            found.wrong("half", f"{where}: {turn.id} says {turn.messages!r}")
    if [turn.seq for turn in turns] != list(range(1, len(turns) + 1)):
        found.wrong("order", f"{where}: the numbers are {[turn.seq for turn in turns]}")
    latest = float("-inf")
    for turn in turns:
        if one := told.get(turn.id):
            if one.over < latest:
                found.wrong("order", f"{where}: {turn.id} was over before one in front began")
            latest = max(latest, one.begun)
