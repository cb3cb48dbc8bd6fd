"""What can go wrong with conversation memory; the tree is drawn in ``errors.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ChatError, SaveError

if TYPE_CHECKING:
    from .chat import ChatResponse
    from .memory import ConversationKey, Turn

__all__ = [
    "ConversationBusyError",
    "EmbeddingMismatchError",
    "MemoryStoreError",
    "StaleTurnError",
    "StoreFormatError",
    "StoreUnavailableError",
    "TurnConflictError",
    "TurnNotStoredError",
]


class MemoryStoreError(ChatError):
    """What errors of a memory store share."""


class ConversationBusyError(MemoryStoreError):
    """Another turn of the conversation is running.

    Attributes:
        retry_after: Seconds until its lease ends unless it is renewed; ``None`` if the
            store does not know.
    """

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StaleTurnError(MemoryStoreError):
    """The turn has lost its conversation: its lease ended, another took over, or it was cleared."""


class TurnConflictError(MemoryStoreError):
    """The turn id was used before, with another input."""


class StoreUnavailableError(MemoryStoreError):
    """The store cannot be reached or used; the cause is the driver's own error."""


class StoreFormatError(MemoryStoreError):
    """What is stored cannot be read: of a newer version, of an unknown kind, or damaged."""


class EmbeddingMismatchError(MemoryStoreError):
    """A vector is of another model, or of another length, than those that are stored."""


class TurnNotStoredError(SaveError):
    """The answer is whole, but its turn was not stored.

    The same turn id completes it later: ask again with it, or hand ``turn`` to the
    store's ``append``, which stores it at most once.

    Attributes:
        key: The conversation.
        turn: The turn, as it was to be stored.
    """

    def __init__(
        self,
        message: str = "",
        *,
        key: ConversationKey,
        turn: Turn,
        response: ChatResponse | None = None,
    ) -> None:
        super().__init__(message, response=response)
        self.key = key
        self.turn = turn

    @property
    def turn_id(self) -> str:
        """The turn's id."""
        return self.turn.id
