"""Conversation memory: earlier turns go in front of the question."""

from __future__ import annotations

from junto.core import (
    Advisor,
    AssistantMessage,
    ChatRequest,
    ChatResponse,
    Message,
    Phase,
    RunContext,
    SystemMessage,
    resolve_store,
)

from .store import InProcessStore, MemoryStore, check_store
from .turn import Turn, check_conversation, history, window

__all__ = ["MemoryAdvisor"]


class MemoryAdvisor(Advisor):
    """Remembers conversations, told apart by the call's ``conversation_id``.

    History goes between the system message and the new messages.  The turn is stored
    as one thing, after the whole run has gone well and with what the reader got; a run
    that fails, is cancelled or is left early stores nothing, so no question stands
    there without its answer.  The stream ends for the reader only after that; if the
    store fails, the run fails with :class:`~junto.core.SaveError`, which carries the
    answer.

    Args:
        store: Where turns are kept, as a store, its address or its plugin's name; by
            default in this process.  One that is made from a name is closed by :meth:`aclose`.
        max_messages: How many earlier messages the model sees at most, in whole turns;
            the newest turn is kept even when it alone is longer.
        keep_reasoning: Store the chain of thought as well, and send it back.
        name: For logs, and for replacing or leaving it out for one request.
        order: Its place in the chain.

    Raises:
        PluginError: The name leads to no store.
        TypeError: What is given is no store.
        ValueError: The call has no ``conversation_id``, or one that cannot be.
    """

    role = "memory"

    def __init__(
        self,
        store: MemoryStore | str | None = None,
        *,
        max_messages: int = 20,
        keep_reasoning: bool = False,
        name: str = "memory",
        order: int = Phase.MEMORY,
    ) -> None:
        if not isinstance(max_messages, int):
            msg = f"max_messages is a whole number, not {max_messages!r}"
            raise TypeError(msg)
        if max_messages < 0:
            msg = f"max_messages is at least 0, not {max_messages}"
            raise ValueError(msg)
        self._owns = isinstance(store, str)
        made = resolve_store(store) if isinstance(store, str) else store
        self.store: MemoryStore = InProcessStore() if made is None else check_store(made)
        self.max_messages = max_messages
        self.keep_reasoning = keep_reasoning
        self.name = name
        self.order = order

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        """Put the history in front, and ask for the turn to be saved."""
        conversation = check_conversation(ctx.conversation_id)
        system = [m for m in request.messages if isinstance(m, SystemMessage)]
        new = [m for m in request.messages if not isinstance(m, SystemMessage)]

        async def save(response: ChatResponse) -> None:
            turn = Turn(ctx.run_id, (*new, *self._answer(response)))
            await self.store.append(conversation, turn)

        ctx.add_save(save, key=self)
        if not self.max_messages:
            return request
        # A turn has at least one message, so no more turns than messages are needed.
        turns = await self.store.load(conversation, self.max_messages)
        earlier = history(window(turns, self.max_messages), new)
        return request.with_messages([*system, *earlier, *new]) if earlier else request

    async def aclose(self) -> None:
        """Close the store, if it was made here and has something to close."""
        close = getattr(self.store, "aclose", None)
        if self._owns and close is not None:
            await close()

    def _answer(self, response: ChatResponse) -> list[Message]:
        if self.keep_reasoning:
            return list(response.messages)
        return [
            m.without_reasoning() if isinstance(m, AssistantMessage) else m
            for m in response.messages
        ]

    def __repr__(self) -> str:
        return f"MemoryAdvisor({self.store!r}, max_messages={self.max_messages})"
