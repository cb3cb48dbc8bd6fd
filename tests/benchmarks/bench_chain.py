"""What the chain costs: per event, per request, and what one more advisor adds. `make bench`.

CPU time, the least of many rounds taken in turns, so that a busy machine spoils all alike.
Arguments: events in an answer (2000), rounds (30).
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence

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
FLOOR = "by hand"


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
        self,
        request: ChatRequest,
        next: Next,
        ctx: RunContext,
    ) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event


def stack(kind: Callable[[], Advisor], count: int) -> list[Advisor]:
    advisors = [kind() for _ in range(count)]
    for index, advisor in enumerate(advisors):
        advisor.name = f"{kind.__name__}-{index}"
    return advisors


STACKS: dict[str, list[Advisor]] = {
    "no advisor": [],
    "10 without hooks": stack(Nothing, 10),
    "1 with on_event": stack(Looks, 1),
    "3 with on_event": stack(Looks, 3),
    "10 with on_event": stack(Looks, 10),
    "1 with around": stack(Around, 1),
    "3 with around": stack(Around, 3),
}


async def by_hand(model: Model) -> AsyncIterator[str]:
    """Give the text of an answer with no library at all: the floor."""
    async for read in model.stream(ChatRequest("?")):
        assert isinstance(read, list)
        for event in read:
            if isinstance(event, TextDelta):
                yield event.text


async def spent(asked: ChatClient | Model) -> float:
    """Return the CPU time of one answer, in seconds."""
    start = time.process_time_ns()
    if isinstance(asked, Model):
        async for _ in by_hand(asked):
            pass
    else:
        async with asked.stream("?") as answer:
            async for _ in answer.text():
                pass
    return (time.process_time_ns() - start) / 1e9


async def least(asked: dict[str, ChatClient | Model], rounds: int) -> dict[str, float]:
    best = dict.fromkeys(asked, float("inf"))
    for _ in range(rounds):
        for name, one in asked.items():
            best[name] = min(best[name], await spent(one))
    return best


async def main(events: int = 2000, rounds: int = 30) -> None:
    long: dict[str, ChatClient | Model] = {FLOOR: Model(events)}
    short: dict[str, ChatClient | Model] = {FLOOR: Model(0)}
    for name, advisors in STACKS.items():
        long[name] = ChatClient(Model(events), advisors=advisors)
        short[name] = ChatClient(Model(0), advisors=advisors)
    per_request = await least(short, rounds * 20)
    whole = await least(long, rounds)

    each = {name: (whole[name] - per_request[name]) / events * 1e9 for name in whole}
    none = "no advisor"
    print(f"{'':18}{'per event':>10}{'x floor':>9}{'+ advisor':>11}", end="")
    print(f"{'per request':>14}{'+ advisor':>11}")
    for name, whole_event in each.items():
        request = per_request[name] * 1e6
        print(f"{name:18}{whole_event:7.0f} ns{whole_event / each[FLOOR]:9.1f}", end="")
        if STACKS.get(name):
            count = len(STACKS[name])
            more = (whole_event - each[none]) / count
            more_request = (request - per_request[none] * 1e6) / count
            print(f"{more:8.0f} ns{request:11.1f} us{more_request:8.1f} us")
        else:
            print(f"{'':11}{request:11.1f} us")


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
