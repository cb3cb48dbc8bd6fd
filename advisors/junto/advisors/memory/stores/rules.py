"""What the stores say in the same words."""

from __future__ import annotations

from junto.core import ConversationBusyError, StaleTurnError, TurnConflictError
from junto.core.memory import Lease, Turn

__all__ = ["busy", "check_limits", "replayed", "stale"]


def check_limits(**limits: float | None) -> None:
    """Refuse a store that could keep nothing.

    Raises:
        ValueError: A whole number is less than 1, or a time is not above 0.
    """
    for name, limit in limits.items():
        if limit is None:
            continue
        if isinstance(limit, int) and limit < 1:
            msg = f"{name} is at least 1, not {limit}"
            raise ValueError(msg)
        if not limit > 0:
            msg = f"{name} is above 0, not {limit}"
            raise ValueError(msg)


def busy(
    seconds: float, same: Lease | None = None, input_hash: str = ""
) -> ConversationBusyError | TurnConflictError:
    """The error for who comes while another turn runs.

    Args:
        seconds: How long its lease lasts.
        same: The lease, if it is the very same turn that runs.
        input_hash: What that turn is asked to begin with now.
    """
    if same is not None and same.input_hash != input_hash:
        return _conflict()
    what = "another turn of this conversation" if same is None else "this very turn"
    return ConversationBusyError(f"{what} is running", retry_after=max(0.0, seconds))


def replayed(turn: Turn, stored_hash: str, input_hash: str) -> Turn:
    """The stored turn, for who asks the same again.

    Raises:
        TurnConflictError: It is not the same.
    """
    if stored_hash != input_hash:
        raise _conflict()
    return turn


def stale() -> StaleTurnError:
    """The error for who holds an old lease."""
    return StaleTurnError(
        "the turn has lost its conversation: its lease was over, another turn took over, "
        "or the conversation was cleared"
    )


def _conflict() -> TurnConflictError:
    return TurnConflictError("this turn id was used before, with another input")
