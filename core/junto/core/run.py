"""What the activations of one run share."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING

from ._await import Waiting
from ._logging import get_logger
from .chat import ChatResponse
from .events import ModelWarning
from .model import ChatModel

if TYPE_CHECKING:
    from .activation import Inner
    from .context import OutcomeKind

__all__ = ["Run"]

log = get_logger("junto.core")


class Run:
    """One question on its way.

    It refers to nothing that refers back to it, so that a stream which is dropped is
    freed, and closed, at once.
    """

    __slots__ = (
        "cleanup_errors",
        "context",
        "dropped",
        "ended",
        "model",
        "response",
        "waiting",
        "warned",
    )

    def __init__(self, model: ChatModel, warned: set[tuple[str, str]]) -> None:
        self.model = model
        self.warned = warned
        self.context: Context | None = None
        self.waiting = Waiting()
        self.dropped: list[Inner] = []
        self.cleanup_errors: list[BaseException] = []
        self.response: ChatResponse | None = None
        self.ended: tuple[OutcomeKind, BaseException | None] | None = None

    def is_new(self, warning: ModelWarning) -> bool:
        """Log a model's warning, once per client, model and parameter."""
        key = (warning.model, warning.parameter)
        if key in self.warned:
            return False
        self.warned.add(key)
        log.warning(
            "model.parameter_without_effect",
            model=warning.model,
            parameter=warning.parameter,
            reason=warning.message,
        )
        return True

    def failed_cleanup(self, where: str, error: BaseException) -> None:
        """Note what went wrong while closing."""
        self.cleanup_errors.append(error)
        log.warning("run.cleanup_failed", where=where, error=type(error).__name__)
