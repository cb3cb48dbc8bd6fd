"""A process that asks: several turns at once, some given up, until it is killed."""

import asyncio
import json
import os
import random
import time
from pathlib import Path
from typing import Any, get_args

from attrs import define, frozen

from junto.advisors import Concurrency, MemoryAdvisor
from junto.core import (
    ChatClient,
    ChatStream,
    ConversationBusyError,
    StaleTurnError,
    StoreUnavailableError,
    TurnNotStoredError,
)
from junto.core.memory import ConversationKey, MemoryStore

from .stores import opened
from .words import KEYS, Scribe, Tools, held, question

LEASE = 1.0
"""Seconds that a conversation stays held after a crash."""

LANES = 3
# How a turn is read, and how often.
FATES = {"to the end": 16, "cancelled": 2, "left": 2}
# Seconds after which a turn is cancelled, at most.
PATIENCE = 0.03
# Seconds until the same turn is asked again, after the store was away.
PAUSE = 0.1
QUEUE = 2.0
AGAINS = 40


@frozen
class Orders:
    """What a worker is told.

    Attributes:
        store: Where turns are kept; see `opened`.
        log: The file of its own that it writes down everything in.
        worker: Its number; its successor after a kill has the same.
        life: How many it had before.
        seed: Of its chances.
        seconds: It ends by itself after so many, if nobody kills it.
        conversations: How many there are to choose from.
    """

    store: str
    log: str
    worker: int
    life: int
    seed: int
    seconds: float
    conversations: int = len(KEYS)


class Log:
    """Lines of JSON; an acknowledgement is on the disk when `acknowledge` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, what: str, **more: Any) -> None:
        os.write(self._file, json.dumps({"what": what, **more}).encode() + b"\n")

    def acknowledge(self, **more: Any) -> None:
        self.write("acknowledged", **more)
        os.fsync(self._file)


@define
class Worker:
    """One life of a worker."""

    orders: Orders
    store: MemoryStore
    log: Log
    clients: dict[Concurrency, ChatClient]
    count: int = 0

    async def lane(self) -> None:
        while True:
            key = random.choice(KEYS[: self.orders.conversations])
            self.count += 1
            turn_id = f"{self.orders.worker}.{self.orders.life}.{self.count}"
            await self.turn(key, turn_id, *random.choices([*FATES], [*FATES.values()]))

    async def turn(self, key: ConversationKey, turn_id: str, fate: str) -> None:
        """Ask one question, again as long as the store is away; write down how it went."""
        client = self.clients[random.choice(get_args(Concurrency))]
        begun, missed = time.monotonic(), None
        for _ in range(AGAINS):
            # What was answered but not stored can be handed over, or asked for again.
            if missed is not None and random.random() < 0.5:
                task = asyncio.create_task(self._hand_over(missed))
            else:
                task = asyncio.create_task(self._read(client, key, turn_id, fate))
            if fate == "cancelled":
                # Some are cancelled before they begin, some when they are over.
                asyncio.get_running_loop().call_later(random.uniform(0, PATIENCE), task.cancel)
            await asyncio.wait({task})
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is None and task.result():
                over = time.monotonic()
                where = [key.conversation, key.tenant]
                self.log.acknowledge(key=where, id=turn_id, begun=begun, over=over)
                if missed is not None:
                    self.log.write("completed late")
                return
            outcome = outcome_of(error)
            self.log.write(outcome, why=f"{error!r} {error and error.__cause__!r}"[:500])
            if outcome not in {"not stored", "store away"}:
                return
            if isinstance(error, TurnNotStoredError):
                missed = error
            await asyncio.sleep(PAUSE)

    async def _hand_over(self, missed: TurnNotStoredError) -> bool:
        await self.store.append(missed.key, missed.turn)
        return True

    async def _read(
        self, client: ChatClient, key: ConversationKey, turn_id: str, fate: str
    ) -> bool:
        """Read an answer; tells whether its end has come."""
        stream = ask(client, key, turn_id)
        seen, most = 0, random.randrange(6) if fate == "left" else None
        async with stream as events:
            async for _ in events:
                if seen == most:
                    return False
                seen += 1
        return True

    async def hold(self) -> None:
        """Hold a conversation that nobody else has, until death."""
        key, number = held(self.orders.worker, self.orders.life), 0
        while True:
            number += 1
            turn_id = f"{self.orders.worker}.{self.orders.life}.held-{number}"
            try:
                await self._read(self.clients["reject"], key, turn_id, "to the end")
            except (ConversationBusyError, StaleTurnError, StoreUnavailableError):
                await asyncio.sleep(PAUSE)


def outcome_of(error: BaseException | None) -> str:
    """How a turn went whose end nobody has seen, in a word or two."""
    match error:
        case None:
            return "left"
        case asyncio.CancelledError():
            return "cancelled"
        case StaleTurnError() | TurnNotStoredError(__cause__=StaleTurnError()):
            return "interrupted"
        case TurnNotStoredError():
            return "not stored"
        case StoreUnavailableError():
            return "store away"
        case ConversationBusyError():
            return "busy"
        case _:
            return "unexpected"


def ask(client: ChatClient, key: ConversationKey, turn_id: str) -> ChatStream:
    params = {"tenant": key.tenant, "turn_id": turn_id}
    return client.stream(question(key, turn_id), conversation_id=key.conversation, params=params)


async def work(orders: Orders) -> None:
    store, log = opened(orders.store), Log(Path(orders.log))

    def complain(text: str) -> None:
        log.write("complaint", why=text)

    clients: dict[Concurrency, ChatClient] = {
        how: ChatClient(
            Scribe(complain),
            advisors=[
                MemoryAdvisor(store, concurrency=how, lease_seconds=LEASE, queue_seconds=QUEUE),
                Tools(),
            ],
        )
        for how in get_args(Concurrency)
    }
    worker = Worker(orders, store, log, clients)
    lanes = [asyncio.create_task(worker.lane()) for _ in range(LANES)]
    lanes.append(asyncio.create_task(worker.hold()))
    done, _ = await asyncio.wait(lanes, timeout=orders.seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        log.write("unexpected", why=repr(task.exception()))


def main(orders: Orders) -> None:
    random.seed(orders.seed)
    asyncio.run(work(orders))
