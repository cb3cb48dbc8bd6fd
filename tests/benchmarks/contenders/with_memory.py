"""junto's memory over each store: turns through a client, and the steps of a store by themselves.

The model answers at once, so that what is measured is memory.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from junto.advisors import InProcessStore, MemoryAdvisor, open_store
from junto.core import (
    AssistantMessage,
    ChatClient,
    ChatRequest,
    Event,
    Finish,
    FinishReason,
    TextDelta,
    UserMessage,
)
from junto.core.memory import Lease, LeasedStore, Turn, hash_input

QUESTION = "Why is the sky blue, and why is it red in the evening? " * 4
ANSWER = "Because air scatters short waves more than long ones. " * 12
CONVERSATIONS = 12
# The newest turns that are loaded, of a short conversation and of a long one.
WINDOW = 10
AT_ONCE = 8

Way = Callable[..., Awaitable[dict[str, Any]]]

_stores: dict[str, Any] = {}


class Model:
    """Answers in one batch."""

    provider = "bench"
    model = "bench"

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event | Sequence[Event]]:
        yield [TextDelta(ANSWER), Finish(FinishReason.STOP)]

    async def aclose(self) -> None:
        pass


async def measure(what: str, **more: Any) -> dict[str, Any]:
    ways: dict[str, Way] = {"turns": turns, "fill": fill, "depth": depth, "cpu": cpu}
    return await ways[what](**more)


def store_at(address: str) -> Any:
    if address not in _stores:
        in_process = address == "memory:"
        _stores[address] = InProcessStore(max_turns=1 << 20) if in_process else open_store(address)
    return _stores[address]


async def turns(address: str, worker: str, times: int) -> dict[str, Any]:
    """Ask so many questions, one after the other; tell the seconds, and those of each commit."""
    store, commits = store_at(address), list[float]()
    client = ChatClient(Model(), advisors=[MemoryAdvisor(Timed(store, commits))])
    start = time.perf_counter()
    for number in range(times):
        await client.call(QUESTION, conversation_id=f"{worker}-{number % CONVERSATIONS}")
    return {"seconds": time.perf_counter() - start, "commits": commits}


class Timed:
    """A store whose commits are timed."""

    leases = True

    def __init__(self, store: LeasedStore, commits: list[float]) -> None:
        self._store = store
        self._commits = commits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, *arguments: Any) -> int:
        start = time.perf_counter()
        number = await self._store.commit(*arguments)
        self._commits.append(time.perf_counter() - start)
        return number


def turn_of(name: str) -> Turn:
    return Turn(name, [UserMessage(QUESTION)], [AssistantMessage(ANSWER)])


async def fill(address: str, name: str, count: int, first: int = 0) -> dict[str, Any]:
    """Let a conversation have so many turns more."""
    store, numbers = store_at(address), iter(range(first, first + count))

    async def some() -> None:
        for number in numbers:
            await store.append(name, turn_of(f"{name}-{number}"))

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return {"count": count}


async def depth(address: str, short: str, long: str, before: int, times: int) -> dict[str, Any]:
    """Begin, load a window and commit, in short conversations and in a long one, in turns.

    Each short one has `before` turns, the long one has been filled.
    """
    store = store_at(address)
    for number in range(times):
        await fill(address, f"{short}-{number}", before)
    spent: dict[str, list[float]] = {"short": [], "long": []}
    for number in range(times):
        both = [("short", f"{short}-{number}"), ("long", long)]
        for which, name in both if number % 2 else reversed(both):
            spent[which].append(await _step(store, name, f"{short}-at-{number}"))
    return dict(spent)


async def _step(store: LeasedStore, name: str, turn_id: str) -> float:
    turn = turn_of(turn_id)
    start = time.perf_counter()
    lease = await store.begin(name, turn_id, hash_input(turn.input), seconds=30)
    assert isinstance(lease, Lease)
    assert len(await store.load(name, WINDOW)) == WINDOW
    await store.commit(name, lease, turn)
    return time.perf_counter() - start


async def cpu(times: int, slices: int) -> dict[str, Any]:
    """CPU seconds of a short turn: without memory, in new conversations, in one that grows."""
    bare = ChatClient(Model())
    memory = ChatClient(Model(), advisors=[MemoryAdvisor(InProcessStore())])
    spent: dict[str, list[float]] = {"none": [], "new": [], "same": []}
    for number in range(slices):
        for which, client in (("none", bare), ("new", memory), ("same", memory)):
            start = time.process_time()
            for i in range(times):
                name = "same" if which == "same" else f"{number}-{i}"
                async with client.stream("?", conversation_id=name) as answer:
                    async for _ in answer.text():
                        pass
            spent[which].append((time.process_time() - start) / times)
    return dict(spent)
