"""What one question says of its turn, and the turn that comes of it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from junto.core import (
    AssistantMessage,
    ChatResponse,
    ContextKey,
    Message,
    Outcome,
    RunContext,
    SaveError,
    ToolMessage,
)
from junto.core.memory import ConversationKey, Turn, TurnStatus, check_conversation, check_id

from .history import repaired

__all__ = ["IN_SIGHT", "Call", "replayed_answer"]

IN_SIGHT = ContextKey[frozenset[str]]("junto.memory.in_sight")
"""The turns that the model sees anyway, by their ids: nobody has to recall them."""

_TOLD = ("request_id", "model")
"""What of a response's metadata is stored."""


@frozen
class Call:
    """What one question says of its turn.

    Attributes:
        key: The conversation.
        turn_id: The turn.
        given: Whether the caller gave that id, so that it may have been stored before.
        parent: What the turn goes on with; see :attr:`Turn.parent`.
    """

    key: ConversationKey
    turn_id: str
    given: bool
    parent: str | None

    @classmethod
    def of(cls, ctx: RunContext, tenant: str) -> Call:
        """What the run's ids and parameters say.

        Raises:
            ValueError: An id cannot be.
            TypeError: An id is no text.
        """
        conversation = check_conversation(ctx.conversation_id)
        whose = check_id(ctx.params.get("tenant", tenant), "tenant", empty=True)
        turn_id, parent = ctx.params.get("turn_id"), ctx.params.get("parent")
        return cls(
            ConversationKey(conversation, whose),
            ctx.run_id if turn_id is None else check_id(turn_id, "turn_id"),
            given=turn_id is not None,
            parent=None if parent is None else check_id(parent, "parent", empty=True),
        )

    def turn(
        self,
        new: Sequence[Message],
        response: ChatResponse,
        *,
        keep_reasoning: bool,
        status: TurnStatus = TurnStatus.COMPLETE,
    ) -> Turn:
        """The turn as it is stored."""
        output: Sequence[Message] = response.messages
        if not keep_reasoning:
            output = [
                m.without_reasoning() if isinstance(m, AssistantMessage) else m for m in output
            ]
        if status is TurnStatus.INCOMPLETE:
            output = [m for m in repaired(output) if m.parts or not isinstance(m, AssistantMessage)]
        told = {name: response.metadata.get(name) for name in _TOLD}
        return Turn(
            self.turn_id,
            new,
            output,
            finish_reason=response.finish_reason,
            usage=response.usage,
            status=status,
            parent=self.parent,
            metadata={name: value for name, value in told.items() if isinstance(value, str)},
        )

    def partial(
        self, new: Sequence[Message], outcome: Outcome, *, keep_reasoning: bool
    ) -> Turn | None:
        """What an interrupted run leaves, if it leaves anything."""
        if outcome.ok or isinstance(outcome.error, SaveError):
            return None
        status = TurnStatus.INCOMPLETE
        turn = self.turn(new, outcome.response, keep_reasoning=keep_reasoning, status=status)
        return turn if turn.output else None


def replayed_answer(turn: Turn) -> ChatResponse:
    """The stored answer; it cost nothing this time, and so has no usage."""
    return ChatResponse(
        messages=[m for m in turn.output if isinstance(m, AssistantMessage | ToolMessage)],
        finish_reason=turn.finish_reason,
        metadata={
            **turn.metadata,
            "turn_id": turn.id,
            "replayed": True,
            "incomplete": not turn.complete,
        },
    )
