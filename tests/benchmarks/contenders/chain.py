"""What the chain costs by itself: a model in memory, no network, one process.

A loopback's noise is larger than what one more advisor adds, so that is measured here. CPU time,
the least of many rounds taken in turns, so that a busy machine spoils all alike.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from junto.core import (
    Advisor,
    ChatClient,
    ChatRequest,
    Event,
    Finish,
    FinishReason,
    Next,
    RunContext,
    TextDelta,
)

BATCH = 16
MANY = 10
FLOOR, NONE = "a generator by hand", "junto, no advisor"


class Model:
    """Hands over a batch of events per network read, as a provider does."""

    provider = "bench"
    model = "bench"

    def __init__(self, events: int) -> None:
        read: list[Event] = [TextDelta("word ") for _ in range(BATCH)]
        end: list[Event] = [Finish(FinishReason.STOP, {})]
        self._reads = [*[read] * (events // BATCH), end]

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event | Sequence[Event]]:
        for read in self._reads:
            yield read

    async def aclose(self) -> None:
        pass


class Nothing(Advisor):
    """Overrides no hook."""


class Looks(Advisor):
    """Sees every event."""

    def on_event(self, event: Event, ctx: RunContext) -> Event:
        return event


class Around(Advisor):
    """Wraps the stream."""

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event


def stack(kind: Callable[[], Advisor]) -> list[Advisor]:
    advisors = [kind() for _ in range(MANY)]
    for index, advisor in enumerate(advisors):
        advisor.name = f"{kind.__name__}-{index}"
    return advisors


STACKS: dict[str, list[Advisor]] = {
    NONE: [],
    "no hook": stack(Nothing),
    "on_event": stack(Looks),
    "around": stack(Around),
}


async def measure(events: int, rounds: int) -> dict[str, Any]:
    """Return the cost of one event and of one request, in seconds, for every stack.

    That of a stack of advisors is what *one* of them adds to a chain of none.
    """
    long: dict[str, ChatClient | Model] = {FLOOR: Model(events)}
    short: dict[str, ChatClient | Model] = {FLOOR: Model(0)}
    for name, advisors in STACKS.items():
        long[name] = ChatClient(Model(events), advisors=advisors)
        short[name] = ChatClient(Model(0), advisors=advisors)
    request = await _least(short, rounds * 20)
    whole = await _least(long, rounds)
    event = {name: (whole[name] - request[name]) / events for name in whole}
    return {"event": _marginal(event), "request": _marginal(request)}


def _marginal(costs: dict[str, float]) -> dict[str, float]:
    base = {FLOOR, NONE}
    return {
        name: cost if name in base else (cost - costs[NONE]) / MANY for name, cost in costs.items()
    }


async def _least(asked: dict[str, ChatClient | Model], rounds: int) -> dict[str, float]:
    best = dict.fromkeys(asked, float("inf"))
    for _ in range(rounds):
        for name, one in asked.items():
            best[name] = min(best[name], await _spent(one))
    return best


async def _spent(asked: ChatClient | Model) -> float:
    start = time.process_time_ns()
    if isinstance(asked, Model):
        async for _ in _by_hand(asked):
            pass
    else:
        async with asked.stream("?") as answer:
            async for _ in answer.text():
                pass
    return (time.process_time_ns() - start) / 1e9


async def _by_hand(model: Model) -> AsyncIterator[str]:
    """Give the text of an answer with no library at all."""
    async for read in model.stream(ChatRequest("?")):
        assert isinstance(read, list)
        for event in read:
            if isinstance(event, TextDelta):
                yield event.text
