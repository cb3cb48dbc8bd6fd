"""What the activations of one run share."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ._await import Waiting, bounded
from ._logging import Logger, get_logger, told_of
from .chat import ChatRequest, ChatResponse
from .errors import SaveError
from .events import ModelWarning
from .model import ChatModel
from .observe import Observer
from .watch import Watch

if TYPE_CHECKING:
    from .attempt import OutcomeKind
    from .context import RunContext, Save
    from .levels import Level, Stage

__all__ = ["Run"]

log: Logger = get_logger("junto.core")

CLOSE_SECONDS = 5.0
"""How long each step of closing may take: a source's ``aclose()``, one ``on_close``."""


class Run:
    """One question on its way.

    It refers to nothing that refers back to it, so that a stream which is dropped is
    freed, and closed, at once.
    """

    __slots__ = (
        "_observers",
        "asked",
        "cleanup_errors",
        "ended",
        "left_out",
        "model",
        "reading_on",
        "reason",
        "response",
        "waiting",
        "warned",
        "watch",
    )

    def __init__(
        self,
        model: ChatModel,
        warned: set[tuple[str, str]],
        observers: Sequence[Observer] = (),
    ) -> None:
        self._observers = observers
        # Through which they look at the run; None if nobody does.
        self.watch: Watch | None = None
        self.model: ChatModel = model
        self.warned: set[tuple[str, str]] = warned
        self.waiting: Waiting = Waiting()
        self.left_out: dict[Level, Exception] = {}
        self.cleanup_errors: list[BaseException] = []
        self.response: ChatResponse | None = None
        # How often the model has been asked.
        self.asked: int = 0
        # Why the reader left, in the reader's words.
        self.reason: str = ""
        # The loop that reads, between the first pull and the end.
        self.reading_on: asyncio.AbstractEventLoop | None = None
        self.ended: tuple[OutcomeKind, BaseException | None] | None = None

    def begin(self, stage: Stage, request: ChatRequest, ctx: RunContext) -> None:
        """The first pull: ask who wants to look."""
        observers = [*self._observers]
        for level in stage.observing:
            try:
                observer = level.observer and level.observer(ctx)
            except Exception as error:  # noqa: BLE001  who only looks must not harm the run
                log.warning("observer.left_out", observer=level.name, **told_of(error))
                continue
            if observer is not None:
                observers.append(observer)
        if observers:
            self.watch = Watch(observers, ctx.run_id, ctx.advisors)
            self.watch.started(request)

    def because(self, text: str) -> str:
        """A sentence about the reader's leaving, with the reason if there is one."""
        return f"{text}: {self.reason}" if self.reason else text

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

    async def save(self, response: ChatResponse, saves: Iterable[Save]) -> None:
        """Run the saves; the response is the run's when all have gone well.

        Raises:
            SaveError: One failed; the rest is not tried.
        """
        for save in saves:
            try:
                saving: Any = save(response)
                if inspect.isawaitable(saving):
                    await saving
            except SaveError as error:
                error.response = error.response or response
                raise
            except Exception as error:
                msg = f"the answer is complete, but it was not saved: {error}"
                raise SaveError(msg, response=response) from error
        self.response = response

    def leave_out(self, level: Level, hook: str, error: Exception) -> None:
        """An isolated advisor failed: the rest of the run goes on without it."""
        self.left_out[level] = error
        log.warning(
            "advisor.left_out",
            advisor=level.name,
            hook=hook,
            **told_of(error),
        )

    def unclean(self, where: str, error: BaseException) -> None:
        """Something failed while closing: log and keep it."""
        self.cleanup_errors.append(error)
        log.warning("run.cleanup_failed", where=where, **told_of(error))

    async def cleanly(
        self, where: str, step: Awaitable[object], *, bound: bool = True
    ) -> BaseException | None:
        """Take one step of closing.

        An error is logged and kept.  Only an interruption is given back, to be raised
        when all is closed.

        Args:
            where: For the log.
            step: What to await.
            bound: Limit its time; not for a step that consists of limited ones.
        """
        try:
            await (bounded(step, CLOSE_SECONDS) if bound else step)
        except Exception as error:  # noqa: BLE001  whatever it is, it is kept
            self.unclean(where, error)
        except BaseException as error:  # noqa: BLE001  the caller raises it
            return error
        return None
