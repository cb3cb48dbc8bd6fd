"""Conversation memory: earlier turns go in front of the question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from junto.core import (
    Advisor,
    ChatRequest,
    ChatResponse,
    ContextKey,
    Event,
    EventHook,
    Message,
    Phase,
    RunContext,
    StaleTurnError,
    SystemMessage,
    TurnNotStoredError,
    resolve_store,
)
from junto.core.memory import (
    ALL,
    FIRST,
    ConversationKey,
    MemoryStore,
    Turn,
    check_id,
    check_store,
    hash_input,
    path_to,
)

from .call import IN_SIGHT, Call, replayed_answer
from .history import answers_tools, history
from .line import Line
from .local import leased
from .running import Concurrency, RunningTurn
from .stores import InProcessStore
from .window import HistoryWindow, LastMessages

__all__ = ["MemoryAdvisor"]

_RUNNING = ContextKey[RunningTurn]("junto.memory.running")


class MemoryAdvisor(Advisor):
    """Remembers conversations, told apart by the call's ``conversation_id``.

    History goes between the system message and the new messages.  The turn is stored
    as one thing, after the whole run has gone well and with what the reader got; a run
    that fails, is cancelled or is left early stores nothing, so no question stands
    there without its answer.  The stream ends for the reader only after that; if the
    store fails, the run fails with :class:`~junto.core.TurnNotStoredError`, which carries
    the answer and the turn.

    While a turn runs it holds its conversation by a lease, which it renews; one that
    loses it stops with :class:`~junto.core.StaleTurnError`.  Where the store has no
    leases, that holds for the runs of this advisor.

    Parameters of a call (``params={…}``), all of them optional:

    ``turn_id``
        An idempotency key of 1 to 255 characters.  Asked again with the same, the stored
        answer comes without a model being asked; with another question it is a
        :class:`~junto.core.TurnConflictError`.
    ``tenant``
        Whose conversation it is.
    ``parent``
        The id of the turn to go on with, instead of the newest:
        :data:`~junto.core.memory.FIRST` to begin anew.  What came after it stays, on
        another branch.

    Args:
        store: Where turns are kept, as a store, its address or its plugin's name; by
            default in this process.  One that is made from a name is closed by :meth:`aclose`.
        max_messages: How many earlier messages the model sees at most, in whole turns;
            the newest turn is kept even when it alone is longer.
        window: Another policy of what the model sees, instead of ``max_messages``.
        keep_reasoning: Store the chain of thought as well, and send it back.
        on_interrupt: ``"drop"`` stores nothing of a run that was interrupted.
            ``"keep"`` stores what the reader got of it, marked as incomplete, unless
            that is nothing or another turn has taken over.
        concurrency: While another turn of the conversation runs, ``"reject"`` raises
            :class:`~junto.core.ConversationBusyError`; ``"queue"`` waits, in the order
            of arrival among those of this process; ``"interrupt"`` takes over, and the
            other one stops and is dropped.
        queue_seconds: How long to wait in the queue.
        lease_seconds: How long a conversation stays held after a crash.
        tenant: Whose conversations they are, for calls that do not say.
        name: For logs, and for replacing or leaving it out for one request.
        order: Its place in the chain.

    Raises:
        PluginError: The name leads to no store.
        TypeError: What is given is no store.
        ValueError: The call has no ``conversation_id``, or an id that cannot be.
        StoreUnavailableError: The store cannot be reached; no model was asked.
    """

    role = "memory"

    def __init__(
        self,
        store: MemoryStore | str | None = None,
        *,
        max_messages: int = 20,
        window: HistoryWindow | None = None,
        keep_reasoning: bool = False,
        on_interrupt: Literal["drop", "keep"] = "drop",
        concurrency: Concurrency = "reject",
        queue_seconds: float = 30.0,
        lease_seconds: float = 30.0,
        tenant: str = "",
        name: str = "memory",
        order: int = Phase.MEMORY,
    ) -> None:
        _one_of("on_interrupt", on_interrupt, ("drop", "keep"))
        _one_of("concurrency", concurrency, get_args(Concurrency))
        for what, seconds in (("queue_seconds", queue_seconds), ("lease_seconds", lease_seconds)):
            if not seconds > 0:
                msg = f"{what} is above 0, not {seconds}"
                raise ValueError(msg)
        self.window: HistoryWindow = _window(max_messages) if window is None else window
        self._owns = isinstance(store, str)
        given = resolve_store(store) if isinstance(store, str) else store
        self.store: MemoryStore = InProcessStore() if given is None else check_store(given)
        self.max_messages = max_messages
        self.keep_reasoning = keep_reasoning
        self.on_interrupt = on_interrupt
        self.concurrency: Concurrency = concurrency
        self.queue_seconds = queue_seconds
        self.lease_seconds = lease_seconds
        self.tenant: str = check_id(tenant, "tenant", empty=True)
        self.name = name
        self.order = order
        self._leased = leased(self.store)
        self._line = Line()
        self._held: dict[ConversationKey, RunningTurn] = {}

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest | ChatResponse:
        """Take the conversation, put its history in front, and ask for the turn to be saved."""
        call = Call.of(ctx, self.tenant)
        system = [m for m in request.messages if isinstance(m, SystemMessage)]
        new = [m for m in request.messages if not isinstance(m, SystemMessage)]
        running = self._running(call, new, ctx)
        replay = await running.begin(
            self.concurrency, self._line, self.queue_seconds, given=call.given
        )
        if replay is not None:
            return replayed_answer(replay)
        self._hold(running)
        ctx[_RUNNING] = running

        async def save(response: ChatResponse) -> None:
            turn = call.turn(new, response, keep_reasoning=self.keep_reasoning)
            try:
                await running.commit(turn)
            except Exception as error:
                msg = f"the answer is complete, but its turn was not stored: {error}"
                raise TurnNotStoredError(msg, key=call.key, turn=turn) from error
            self.window.stored(call.key, turn)

        ctx.add_save(save, key=self)
        found = await self._earlier(call)
        ctx[IN_SIGHT] = frozenset(item.id for item in found if isinstance(item, Turn))
        earlier = history(found, new)
        return self.present(request, system, earlier, new) if earlier else request

    def present(
        self,
        request: ChatRequest,
        system: Sequence[SystemMessage],
        earlier: Sequence[Message],
        new: Sequence[Message],
    ) -> ChatRequest:
        """The request with its history; the place for another way to tell it.

        Args:
            request: The request without.
            system: Its system messages.
            earlier: What was said before; never empty.
            new: Its other messages.
        """
        return request.with_messages([*system, *earlier, *new])

    def open(self, ctx: RunContext) -> EventHook:
        """Stop a turn that has lost its conversation."""
        running = ctx.get(_RUNNING)
        if running is None:
            return self.on_event

        def on_event(event: Event, _: RunContext) -> Event:
            if running.lost is not None:
                raise running.lost
            return event

        return on_event

    def _running(self, call: Call, new: Sequence[Message], ctx: RunContext) -> RunningTurn:
        """The run's turn: one, however often the model is asked in it."""
        running = ctx.cleanups.get(self)
        if isinstance(running, RunningTurn):
            return running
        running = RunningTurn(
            self._leased, call.key, call.turn_id, hash_input(new), seconds=self.lease_seconds
        )
        if self.on_interrupt == "keep":
            running.partial = lambda outcome: call.partial(
                new, outcome, keep_reasoning=self.keep_reasoning
            )
        ctx.add_cleanup(running, key=self)
        return running

    def _hold(self, running: RunningTurn) -> None:
        """With ``interrupt``, tell a turn of this process that it was interrupted."""
        if self.concurrency != "interrupt":
            return
        other = self._held.get(running.key)
        if other is not None and other is not running:
            other.lost = StaleTurnError("the turn was interrupted by the next one")
        self._held[running.key] = running
        running.on_end = lambda: self._let_go(running)

    def _let_go(self, running: RunningTurn) -> None:
        if self._held.get(running.key) is running:
            del self._held[running.key]

    async def _earlier(self, call: Call) -> Sequence[Turn | Message]:
        """What stands in front of the question."""
        reach = self.window.reach
        if reach < 1 or call.parent == FIRST:
            return ()
        turns = await self._leased.load(call.key, reach)
        # The turn that asked for tools may stand before, and so may one further up a branch.
        cut = len(turns) == reach and (
            answers_tools(turns[0]) or any(turn.parent is not None for turn in turns)
        )
        known = call.parent is None or any(turn.id == call.parent for turn in turns)
        if cut or not known:
            turns = await self._leased.load(call.key, ALL)
        path = path_to(turns, call.parent)
        if call.parent is not None and not path:
            msg = f"parent names a turn that is not in the conversation: {call.parent!r}"
            raise ValueError(msg)
        return await self.window.select(call.key, path)

    async def aclose(self) -> None:
        """Close the store, if it was made here and has something to close."""
        close = getattr(self.store, "aclose", None)
        if self._owns and close is not None:
            await close()

    def __repr__(self) -> str:
        return f"MemoryAdvisor({self.store!r}, window={self.window!r})"


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        msg = f"{name} is one of {', '.join(map(repr, known))}, not {value!r}"
        raise ValueError(msg)


def _window(max_messages: int) -> HistoryWindow:
    given: object = max_messages
    if isinstance(given, bool) or not isinstance(given, int):
        msg = f"max_messages is a whole number, not {given!r}"
        raise TypeError(msg)
    if given < 0:
        msg = f"max_messages is at least 0, not {given}"
        raise ValueError(msg)
    return LastMessages(given)
