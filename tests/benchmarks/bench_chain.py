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


async def spent(client: ChatClient) -> float:
    """Return the CPU time of one answer, in seconds."""
    start = time.process_time_ns()
    async with client.stream("?") as answer:
        async for _ in answer.text():
            pass
    return (time.process_time_ns() - start) / 1e9


async def least(clients: dict[str, ChatClient], rounds: int) -> dict[str, float]:
    best = dict.fromkeys(clients, float("inf"))
    for _ in range(rounds):
        for name, client in clients.items():
            best[name] = min(best[name], await spent(client))
    return best


async def main(events: int = 2000, rounds: int = 30) -> None:
    long = {name: ChatClient(Model(events), advisors=it) for name, it in STACKS.items()}
    short = {name: ChatClient(Model(0), advisors=it) for name, it in STACKS.items()}
    per_request = await least(short, rounds * 20)
    whole = await least(long, rounds)

    print(f"{'':18}{'us per event':>14}{'+ per advisor':>15}{'us per request':>16}{'+':>7}")
    none = "no advisor"
    for name, advisors in STACKS.items():
        event = (whole[name] - per_request[name]) / events * 1e6
        base = (whole[none] - per_request[none]) / events * 1e6
        request = per_request[name] * 1e6
        each = len(advisors) or 1
        added = (request - per_request[none] * 1e6) / each
        print(f"{name:18}{event:14.3f}{(event - base) / each:15.3f}{request:16.1f}{added:7.1f}")


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
