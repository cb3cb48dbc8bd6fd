"""However a provider cuts its answer: nobody can tell, in any stack of the shipped advisors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from junto.advisors import (
    Block,
    GuardAdvisor,
    InProcessStore,
    LoggingAdvisor,
    MemoryAdvisor,
    ReasoningAdvisor,
    Replace,
    SafeGuardAdvisor,
    Verdict,
    window,
)
from junto.core import (
    Advisor,
    ChatClient,
    ChatResponse,
    Event,
    EventHook,
    Finish,
    Phase,
    ReasoningDelta,
    Restart,
    RunContext,
    Source,
    TextDelta,
    ToolCallDelta,
    ToolResult,
    place,
)
from junto.core.testing import ScriptedModel

# Any order is tried, also such as a chain warns of.
pytestmark = pytest.mark.filterwarnings("ignore:memory-outside-guard")


class Upper(Advisor):
    """Changes text, and not how much."""

    def on_event(self, event: Event, ctx: RunContext) -> Event:
        return TextDelta(event.text.upper()) if isinstance(event, TextDelta) else event


class Doubled(Advisor):
    """Changes how much there is, and how often."""

    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        if isinstance(event, TextDelta):
            return tuple(TextDelta(c) for c in event.text for c in (c, c))
        return event


class HoldsLast(Advisor):
    """Holds a character back, and adds one at the end."""

    def open(self, ctx: RunContext) -> EventHook:
        held = ""

        def on_event(event: Event, _: RunContext) -> Event | tuple[Event, ...]:
            nonlocal held
            if isinstance(event, TextDelta):
                text = held + event.text
                held = text[-1:]
                return TextDelta(text[:-1])
            if isinstance(event, Restart):
                held = ""
            return (TextDelta(f"{held}."), event) if isinstance(event, Finish) else event

        return on_event


class Sees(Advisor):
    """Writes down what its level sees."""

    def __init__(self) -> None:
        self.text = ""
        self.reasoning = ""
        self.shown = ""
        self.after_text: list[str] = []

    def on_event(self, event: Event, ctx: RunContext) -> Event:
        if isinstance(event, TextDelta):
            self.text += event.text
            self.shown += event.text
        elif isinstance(event, ReasoningDelta):
            self.reasoning += event.text
            self.shown += event.shown or ""
        elif isinstance(event, Restart):
            self.text, self.reasoning, self.shown = f"{self.text}|", f"{self.reasoning}|", "|"
        return event

    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        self.after_text += [response.text, response.reasoning]
        return response


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """No thousand lines of the guards and the logging advisor."""
    logging.getLogger("junto").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("junto").setLevel(logging.NOTSET)


def check(text: str) -> Verdict:
    if "bad" in text.lower():
        return Block("a rule")
    return Replace(text.replace("cab", "***")) if "cab" in text else None


async def later(text: str) -> Verdict:
    return check(text)


KINDS: dict[str, Callable[[], Advisor]] = {
    "logging": lambda: LoggingAdvisor(content=True),
    "block": lambda: ReasoningAdvisor("block", separator="\n"),
    "drop": lambda: ReasoningAdvisor("drop"),
    "apart": lambda: ReasoningAdvisor("apart"),
    "pieces": lambda: ReasoningAdvisor("pieces"),
    "started": lambda: ReasoningAdvisor("block", started=True),
    "anywhere": lambda: ReasoningAdvisor("block", anywhere=True),
    "safe": lambda: SafeGuardAdvisor(["bad", "密码"], mode=window(4)),
    "safe-inside": lambda: SafeGuardAdvisor(["ba", "e\u0301"], whole_words=False, mode=window(9)),
    "stop": lambda: SafeGuardAdvisor(["bad"], mode=window(3), on_block="stop"),
    "window": lambda: GuardAdvisor(check, window(4, context=6)),
    "sparse": lambda: GuardAdvisor(later, window(3, every=4)),
    "buffer": lambda: GuardAdvisor(check, "buffer"),
    "observe": lambda: GuardAdvisor(later, "observe"),
    "upper": Upper,
    "doubled": Doubled,
    "holds": HoldsLast,
}

GUARDS = {"safe", "safe-inside", "stop", "window", "sparse", "buffer"}

WORDS = ["<think>", "</think>", "<thi", "nk>", "bad", "ba", "d ", "cab", "密码", "e\u0301"]
tokens = st.sampled_from([*WORDS, "\u0301", "𝐛ad", "b\u200bad", " ", "\n", "`", "<"])
tokens |= st.characters(exclude_categories=["Cs"])
texts = st.lists(tokens, max_size=8).map("".join)
fixed = st.sampled_from(
    [
        Source("https://example.org"),
        ToolCallDelta(0, "1", "look", "{}"),
        ToolResult("1", "look", "found"),
        Restart("again"),
    ]
)
answers = st.lists(
    st.builds(TextDelta, texts) | st.builds(ReasoningDelta, texts) | fixed, max_size=4
)


def merged(answer: Sequence[Event]) -> list[Event]:
    """The answer in as few pieces as there can be."""
    whole: list[Event] = []
    for event in answer:
        last = whole[-1] if whole else None
        if isinstance(event, TextDelta | ReasoningDelta):
            if not event.text:
                continue
            if isinstance(last, TextDelta | ReasoningDelta) and type(last) is type(event):
                whole[-1] = evolve(last, text=last.text + event.text)
                continue
        whole.append(event)
    return whole


def cut(answer: Sequence[Event], cuts: set[int]) -> list[Event]:
    """The same answer in other pieces, some of them empty."""
    pieces: list[Event] = []
    for event in merged(answer):
        if not isinstance(event, TextDelta | ReasoningDelta):
            pieces.append(event)
            continue
        size = len(event.text)
        places = sorted([0, *(c for c in cuts if c < size), *(c for c in cuts if c == 3), size])
        places = [min(place, size) for place in places]
        pieces += [evolve(event, text=event.text[a:b]) for a, b in pairwise(places)]
    return pieces


@frozen
class Told:
    """Everything that anybody was told of a turn."""

    shown: str
    text: str
    reasoning: str
    stored: list[list[tuple[str, str]]]
    metadata: Mapping[str, Any]
    levels: list[tuple[str, str, str, list[str]]]


async def told(events: Sequence[Event], stack: Sequence[str], way: str, batch: int) -> Told:
    store = InProcessStore()
    levels: list[Sees] = []
    advisors: list[Any] = []
    for i, kind in enumerate(stack):
        levels.append(Sees())
        made = MemoryAdvisor(store) if kind == "memory" else KINDS[kind]()
        made.name = f"{kind}-{i}"
        advisors += [place(levels[-1], order=Phase.OUTER), place(made, order=Phase.OUTER)]
    levels.append(Sees())
    advisors.append(place(levels[-1], order=Phase.OUTER))
    script = [list(events[i : i + batch]) for i in range(0, len(events), batch)]
    client = ChatClient(ScriptedModel(script), advisors=advisors)
    if way == "call":
        response = await client.call("?", conversation_id="c")
        shown = response.display_text
    else:
        async with client.stream("?", conversation_id="c") as stream:
            shown = "".join([piece async for piece in stream.text()])
            response = await stream.response()
    if "pieces" in stack:  # its tags stand where the cuts are
        shown = ""
    seen = [(one.text, one.reasoning, "" if "pieces" in stack else one.shown) for one in levels]
    turns = await store.load("c", 9)
    return Told(
        shown=shown,
        text=response.text,
        reasoning=response.reasoning,
        stored=[[(m.role, m.text) for m in turn.messages] for turn in turns],
        metadata=response.metadata,
        levels=[(*one, sees.after_text) for one, sees in zip(seen, levels, strict=True)],
    )


@settings(max_examples=400)
@given(
    answer=answers,
    cuts=st.sets(st.integers(0, 30)),
    stack=st.lists(st.sampled_from(["memory", *KINDS]), max_size=5, unique=True),
    way=st.sampled_from(["stream", "call"]),
    batch=st.integers(1, 3),
)
async def test_nobody_can_tell_how_an_answer_was_cut(
    *, answer: list[Event], cuts: set[int], stack: list[str], way: str, batch: int
) -> None:
    pieces = await told(cut(answer, cuts), stack, way, batch)
    whole = await told(merged(answer), stack, way, 1)

    # Inside a guard that stops the model one sees what had come by then.
    guards = [i for i, kind in enumerate(stack) if kind in GUARDS]
    stopped = pieces.metadata.get("guard_action") == "blocked"
    same = 1 + min(guards) if stopped else None
    assert evolve(pieces, levels=pieces.levels[:same]) == evolve(whole, levels=whole.levels[:same])
    for one, other in zip(pieces.levels, whole.levels, strict=True):
        assert one[0].startswith(other[0]) or other[0].startswith(one[0])
    for turn in pieces.stored:
        assert "".join(text for role, text in turn if role == "assistant") == pieces.text


EVERY = ["logging", "memory", "block", "safe", "window"]


@given(
    text=texts,
    cuts=st.sets(st.integers(0, 40)),
    stack=st.permutations(EVERY),
    way=st.sampled_from(["stream", "call"]),
)
async def test_the_reader_the_response_and_memory_have_the_same(
    text: str, cuts: set[int], stack: list[str], way: str
) -> None:
    one = await told(cut([TextDelta(text)], cuts), stack, way, 1)

    assert one.text == one.levels[0][3][0]
    for turn in one.stored:
        assert turn == [("user", "?"), ("assistant", one.text)]
