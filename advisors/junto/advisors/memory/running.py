"""A turn that runs: it takes its conversation, keeps it, and lets it go, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

from junto.core import (
    ConversationBusyError,
    Logger,
    Outcome,
    StaleTurnError,
    StoreUnavailableError,
    get_logger,
)
from junto.core.memory import ConversationKey, Lease, LeasedStore, Turn

from .line import Line, Place
from .local import LocalLeases
from .settle import begun, finished, settled
from .stores import InProcessStore

__all__ = ["Concurrency", "RunningTurn"]

Concurrency: TypeAlias = Literal["reject", "queue", "interrupt"]
"""What happens to a second turn of a conversation while the first one runs."""

log: Logger = get_logger("junto.memory")

_FIRST_WAIT = 0.02
_LONGEST_WAIT = 0.5


class RunningTurn:
    """One turn from its beginning to its end; called with the run's outcome, it ends.

    Attributes:
        key: The conversation.
        turn_id: The turn.
        lost: Why it has to stop, once that is known.
        partial: Makes a turn of what came until an interruption; ``None`` to drop it.
        on_end: Called when the conversation is free.
    """

    def __init__(
        self,
        store: LeasedStore,
        key: ConversationKey,
        turn_id: str,
        input_hash: str,
        *,
        seconds: float,
    ) -> None:
        self.key = key
        self.turn_id = turn_id
        self.lost: StaleTurnError | None = None
        self.partial: Callable[[Outcome], Turn | None] | None = None
        self.on_end: Callable[[], None] | None = None
        self._store = store
        self._input_hash = input_hash
        self._seconds = seconds
        self._lease: Lease | None = None
        # A store that never waits: what is asked of it needs no task of its own.
        self._at_once = type(store) is InProcessStore
        self._beginning: asyncio.Future[Turn | None] | None = None
        self._line: Line | None = None
        self._place: Place | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._over = False
        # It waits, and has nothing in the store's hands: so it can simply be cancelled.
        self._patient = False

    def begin(
        self, how: Concurrency, line: Line, seconds: float, *, given: bool
    ) -> Awaitable[Turn | None]:
        """Take the conversation; any number of activations of the run may wait for it.

        Args:
            how: What to do while another turn runs.
            line: Where to wait.
            seconds: How long to wait there.
            given: The turn id is the caller's, and so may have been stored before.

        Returns:
            The turn, if it was stored before; then nothing is held.
        """
        # Apart from who waits: a cancellation must not leave behind what it does not know.
        if self._beginning is None:
            take = self._take(how, line, seconds, given=given)
            self._beginning = begun(take, at_once=self._at_once and how != "queue")
        return asyncio.shield(self._beginning)

    async def _take(
        self, how: Concurrency, line: Line, seconds: float, *, given: bool
    ) -> Turn | None:
        if how == "queue":
            taken = await self._queue(line, seconds)
        else:
            taken = await self._ask(takeover=how == "interrupt")
        if isinstance(taken, Turn):
            return taken
        self._lease = taken
        self._later()
        if given and isinstance(self._store, LocalLeases):
            return await self._store.replay(self.key, taken)
        return None

    async def _ask(self, *, takeover: bool = False) -> Lease | Turn:
        return await self._store.begin(
            self.key, self.turn_id, self._input_hash, seconds=self._seconds, takeover=takeover
        )

    async def _queue(self, line: Line, seconds: float) -> Lease | Turn:
        """Wait behind those of this process in order, and beside those of others."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        self._patient = True
        try:
            self._line, self._place = line, await line.enter(self.key, seconds)
        except TimeoutError:
            msg = f"another turn of this conversation is running, since {seconds:g} seconds"
            raise ConversationBusyError(msg) from None
        wait = _FIRST_WAIT
        while True:
            self._patient = False
            try:
                return await self._ask()
            except ConversationBusyError as error:
                left = until - loop.time()
                if left <= 0:
                    raise
                free = wait if error.retry_after is None else max(error.retry_after, _FIRST_WAIT)
                self._patient = True
                await asyncio.sleep(min(wait, free, left))
                wait = min(wait * 2, _LONGEST_WAIT)

    async def commit(self, turn: Turn) -> None:
        """Store the turn: the point from which on it is history.

        Whoever is cancelled meanwhile goes on when that is done.

        Raises:
            StaleTurnError: The conversation is lost.
        """
        await finished(self._commit(turn), at_once=self._at_once)

    async def _commit(self, turn: Turn) -> None:
        if self.lost is not None:
            raise self.lost
        if self._lease is None:
            raise StaleTurnError("the turn holds no conversation")
        try:
            await self._store.commit(self.key, self._lease, turn)
        except StoreUnavailableError:
            # It may have gone well, and only the reply was lost: the store can tell.
            await self._store.commit(self.key, self._lease, turn)
        self._lease = None

    def _later(self) -> None:
        if not self._over:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._seconds / 3, self._beat)

    def _beat(self) -> None:
        self._renewing = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        lease = self._lease
        if lease is None:
            return
        try:
            await self._store.renew(self.key, lease, seconds=self._seconds)
        except StaleTurnError as error:
            self.lost = error
            return
        except Exception as error:  # noqa: BLE001  whatever it is, the lease may outlast it
            log.warning("memory.renewal_failed", error=type(error).__name__)
        self._later()

    async def __call__(self, outcome: Outcome) -> None:
        """Let the conversation go, also while the run is cancelled; in bounded time."""
        # Mostly the turn is stored, and nothing is left to wait for.
        quiet = self._renewing is None and (self._beginning is None or self._beginning.done())
        task = begun(self._end(outcome), at_once=quiet and (self._at_once or self._lease is None))
        ended = await settled(task)
        if ended and not task.cancelled():
            task.result()

    async def _end(self, outcome: Outcome) -> None:
        try:
            if self._beginning is not None and not self._beginning.done():
                if self._patient:
                    self._beginning.cancel()
                await asyncio.wait({self._beginning})
            await self._rest()
            if self._lease is not None:
                await self._let_go(self._lease, outcome)
        finally:
            if self._place is not None and self._line is not None:
                self._line.leave(self._place)
            if self.on_end is not None:
                self.on_end()

    async def _rest(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})

    async def _let_go(self, lease: Lease, outcome: Outcome) -> None:
        turn = None if self.partial is None or self.lost is not None else self.partial(outcome)
        if turn is None:
            await self._store.abort(self.key, lease)
        else:
            await self._store.commit(self.key, lease, turn)
