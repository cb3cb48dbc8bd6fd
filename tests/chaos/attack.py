"""One run against one store: workers work and are killed, the store crashes, all is checked."""

import asyncio
import random
import sys
import time
from pathlib import Path

from attrs import define, field, frozen

from junto.core import ConversationBusyError, StoreUnavailableError
from junto.core.memory import ConversationKey, Lease, MemoryStore, has_leases

from ..benchmarks.processes import Process
from .checker import Found, check, read_logs
from .stores import opened
from .targets import Target
from .words import KEYS, held
from .worker import LEASE

# Seconds between two attacks, and that a crashed server stays away: from, to.
CALM = (0.3, 0.9)
AWAY = (0.1, 0.6)
# How often a server crashes, in the course of a run.
CRASHES = 3
LOOK = 0.01


@frozen
class Plan:
    """How a run goes.

    Attributes:
        seconds: How long workers work.
        processes: How many of them there are at any time.
        conversations: How many they share.
        grace: Seconds beyond the lease until a conversation has to be free after a kill.
        seed: Of all chances but the system's own.
    """

    seconds: float = 30.0
    processes: int = 4
    conversations: int = len(KEYS)
    grace: float = 1.0
    seed: int = 0


@define
class Attack:
    """One run.

    Attributes:
        longest: How long a conversation has stayed held after a kill, at most, in seconds.
    """

    plan: Plan
    target: Target
    store: MemoryStore
    nursery: Process
    folder: Path
    found: Found
    dice: random.Random
    longest: float = 0.0
    _alive: dict[int, tuple[int, int]] = field(factory=dict[int, tuple[int, int]])
    _probes: set[asyncio.Task[None]] = field(factory=set[asyncio.Task[None]])
    # Grows when the store goes and when it comes: a lock that was watched meanwhile says nothing.
    _outages: int = 0

    async def run(self) -> None:
        plan, began = self.plan, time.monotonic()
        for worker in range(plan.processes):
            await self._start(worker, 0)
        crashes = CRASHES if self.target.crashes else 0
        due = [began + plan.seconds * (n + 1) / (crashes + 1) for n in range(crashes)]
        while (now := time.monotonic()) < began + plan.seconds:
            if due and now >= due[0]:
                due.pop(0)
                await self._crash()
            else:
                await self._kill(self.dice.randrange(plan.processes))
            await asyncio.sleep(self.dice.uniform(*CALM))
        for worker in range(plan.processes):
            await self._kill(worker, again=False)
        await asyncio.gather(*self._probes)

    async def _start(self, worker: int, life: int) -> None:
        told = await self.nursery.ask(
            do="start",
            store=self.target.address,
            log=str(self.folder / f"{worker}-{life}.log"),
            worker=worker,
            life=life,
            seed=self.dice.randrange(1 << 30),
            seconds=self.plan.seconds * 2 + 60,
            conversations=self.plan.conversations,
        )
        self._alive[worker] = told["pid"], life

    async def _kill(self, worker: int, *, again: bool = True) -> None:
        """Kill a worker in the middle of whatever it does, and put another in its place."""
        pid, life = self._alive.pop(worker)
        keys = [held(worker, life)] if again else [held(worker, life), *KEYS]
        holding = {key for key in keys if await self._is_held(key)}
        told = await self.nursery.ask(do="kill", pid=pid)
        self.found.counts["kills"] += 1
        if not told["alive"]:
            self.found.wrong("unexpected", f"worker {worker} had ended by itself")
        if again:
            await self._start(worker, life + 1)
        for key in holding:
            # What others share may be taken by them; at the end there are no others.
            if again or not self._alive or key == held(worker, life):
                self._probes.add(asyncio.create_task(self._probe(key, told["at"])))

    async def _crash(self) -> None:
        """Crash the server, kill somebody meanwhile, and start it again."""
        self._outages += 1
        self.found.counts["crashes"] += 1
        await self.target.crash()
        if self.dice.random() < 0.5:
            await self._kill(self.dice.randrange(self.plan.processes))
        await asyncio.sleep(self.dice.uniform(*AWAY))
        await self.target.restart()
        self._outages += 1

    async def _is_held(self, key: ConversationKey) -> bool | None:
        """Whether a turn holds the conversation; `None` if the store cannot be asked."""
        if not has_leases(self.store):
            return None
        try:
            lease = await self.store.begin(key, "probe", "", seconds=LEASE)
            if isinstance(lease, Lease):
                await self.store.abort(key, lease)
        except ConversationBusyError:
            return True
        except StoreUnavailableError:
            return None
        return False

    async def _probe(self, key: ConversationKey, since: float) -> None:
        """Measure how long a conversation stays held by somebody who is dead."""
        outages, limit = self._outages, LEASE + self.plan.grace
        while (took := time.monotonic() - since) < limit * 5:
            if await self._is_held(key) is False and outages == self._outages:
                took = time.monotonic() - since
                break
            if outages != self._outages:
                return
            await asyncio.sleep(LOOK)
        self.found.counts["locks watched"] += 1
        self.longest = max(self.longest, took)
        if took > limit:
            self.found.wrong("locks", f"{key} was held for {took:.2f} s after a kill")


async def attack(target: Target, folder: Path, plan: Plan) -> tuple[Found, float]:
    """Attack a store; tells what was found, and the longest time that a lock outlived a kill."""
    found, store = Found(), opened(target.address)
    try:
        async with await Process.start(
            Path(sys.executable), "-m", "tests.chaos.nursery"
        ) as nursery:
            run = Attack(plan, target, store, nursery, folder, found, random.Random(plan.seed))
            await run.run()
        acknowledged = read_logs(folder, found)
        await check(store, acknowledged, found)
    finally:
        close = getattr(store, "aclose", None)
        if close is not None:
            await close()
    if not acknowledged:
        found.wrong("unexpected", "nothing was acknowledged, so nothing was tested")
    return found, run.longest
