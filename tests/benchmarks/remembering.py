"""Memory over each store: turns a second, commits, long conversations, workers that share it.

Time that passes, unlike elsewhere: most of it is the disk's and the server's. The servers are
private ones, which wait for the disk with every commit.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from ..servers import NoServerError, PrivatePostgres, PrivateRedis
from .bench import Bench, median
from .processes import Contender, Process, start_contender
from .report import Figure, Row

MEMORY = Contender("junto's memory", "junto", "with_memory")
STORES = ("in-process", "sqlite", "postgres", "redis")

RATE = Figure("Memory: turns a second, one worker", "turns/s", base="")
COMMIT = Figure("Memory: a commit, median", "ms", base="")
TAIL = Figure("Memory: a commit, the slowest of a hundred", "ms", base="")
SHARED = Figure("Memory: turns a second, four workers on one store", "turns/s", base="one worker")
DEEP = Figure("Memory: begin, load and commit at turn 10,000", "ms", base="turn 10")
CPU = Figure("Memory: CPU of a short turn in this process", "µs", base="no memory")

WORKERS = 4
CHUNK = 500
SHORT, LONG = 10, 10_000
TIMES, DEPTHS, CPU_TIMES, CPU_SLICES = 200, 40, 300, 8


async def remembering(bench: Bench, stores: Sequence[str] = STORES) -> list[Row]:
    """All stores, one after the other; one that cannot be had has rows that say why."""
    for store in stores:
        await _remember(bench, store)
    await _cpu(bench)
    rows = [bench.row(figure, store) for figure in (RATE, COMMIT, TAIL) for store in stores]
    rows += [bench.row(SHARED, store) for store in stores if store != "in-process"]
    rows += [bench.row(DEEP, store, 1.5) for store in stores]
    return [*rows, *(bench.row(CPU, name) for name in ("new conversations", "one that grows"))]


async def _remember(bench: Bench, store: str) -> None:
    with ExitStack() as stack:
        try:
            address = stack.enter_context(_place(store))
        except NoServerError as error:
            bench.say(f"{store}: {error}")
            for figure in (RATE, COMMIT, TAIL, SHARED, DEEP):
                bench.sample(figure, store).note = str(error)
            return
        async with AsyncExitStack() as processes:
            count = 1 if store == "in-process" else WORKERS
            workers = [
                await processes.enter_async_context(
                    await start_contender(MEMORY, Path(sys.executable))
                )
                for _ in range(count)
            ]
            bench.say(f"memory in {store}: a long conversation")
            with _hurried(store, address) as faster:
                for first in range(0, 3 * SHORT if bench.small else LONG, CHUNK):
                    many = {"first": first, "count": 3 * SHORT if bench.small else CHUNK}
                    await _ask(workers[0], "fill", address=faster, name="long", **many)
            for number in range(bench.rounds):
                bench.say(f"memory in {store}, round {number + 1} of {bench.rounds}")
                await _round(bench, store, address, workers, number)


async def _round(
    bench: Bench, store: str, address: str, workers: Sequence[Process], number: int
) -> None:
    times, depths = (2, 2) if bench.small else (TIMES, DEPTHS)
    # The first turns of all are for connections and tables.
    for worker in workers:
        await _ask(worker, "turns", address=address, worker="first", times=1)
    alone = await _ask(workers[0], "turns", address=address, worker=f"a{number}", times=times)
    rate = times / alone["seconds"]
    bench.sample(RATE, store).add(rate)
    commits = sorted(alone["commits"])
    bench.sample(COMMIT, store).add(median(commits) * 1e3)
    bench.sample(TAIL, store).add(commits[len(commits) * 99 // 100] * 1e3)
    if len(workers) > 1:
        for i, worker in enumerate(workers):
            worker.tell(
                do="measure", what="turns", address=address, worker=f"b{number}-{i}", times=times
            )
        told = [await worker.hear() for worker in workers]
        shared = sum(times / one["seconds"] for one in told)
        bench.sample(SHARED, store).add(shared, rate)
    deep = await _ask(
        workers[0],
        "depth",
        address=address,
        short=f"short-{number}",
        long="long",
        before=SHORT,
        times=depths,
    )
    short, long = median(deep["short"]), median(deep["long"])
    bench.sample(DEEP, store).add(long * 1e3, short * 1e3)


async def _cpu(bench: Bench) -> None:
    times, slices = (1, 1) if bench.small else (CPU_TIMES, CPU_SLICES)
    for number in range(bench.rounds):
        bench.say(f"memory in the process, round {number + 1} of {bench.rounds}")
        async with await start_contender(MEMORY, Path(sys.executable)) as process:
            spent = await _ask(process, "cpu", times=times, slices=slices)
        least = {name: min(values) * 1e6 for name, values in spent.items()}
        bench.sample(CPU, "new conversations").add(least["new"], least["none"])
        bench.sample(CPU, "one that grows").add(least["same"], least["none"])


async def _ask(process: Process, what: str, **more: Any) -> dict[str, Any]:
    return await process.ask(do="measure", what=what, **more)


@contextmanager
def _place(store: str) -> Iterator[str]:
    """The address of an empty store of a kind."""
    if store == "in-process":
        yield "memory:"
    elif store == "sqlite":
        with tempfile.TemporaryDirectory(prefix="junto-bench-") as folder:
            yield f"sqlite:///{folder}/chat.db"
    else:
        with (PrivatePostgres if store == "postgres" else PrivateRedis)() as server:
            yield server.address


@contextmanager
def _hurried(store: str, address: str) -> Iterator[str]:
    """The address of the same store where, for the time being, nobody waits for the disk."""
    if store == "postgres":
        yield f"{address}?synchronous_commit=off"
    elif store == "redis":
        with Redis.from_url(address) as client:
            client.config_set("appendfsync", "no")
            yield address
            client.config_set("appendfsync", "always")
    else:
        yield address
