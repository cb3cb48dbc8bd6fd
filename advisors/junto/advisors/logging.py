"""One line a turn."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from typing import Any

from attrs import define

from junto.core import (
    Advisor,
    ChatRequest,
    ContextKey,
    Event,
    EventHook,
    Logger,
    ModelWarning,
    Outcome,
    Phase,
    ProviderError,
    RunContext,
    clean_text,
    get_logger,
)

__all__ = ["LoggingAdvisor"]


@define
class _Turn:
    """What is measured while a turn runs; times in seconds of a monotonic clock."""

    started: float
    prompt: str
    first_event: float | None = None


class LoggingAdvisor(Advisor):
    """Logs one ``chat.turn`` line a turn: what was asked of whom, how it ended, what it cost.

    Lines go to the logger ``junto.chat``: structlog's if the application configured
    structlog, else the standard library's.  The text of questions and answers is not
    logged, only its length and the beginning of its SHA-256.  A failure to log never
    harms a run.

    Args:
        content: Log the texts as well.
        redact: Called with every text before it is logged, with ``content``.
        logger: Another logger, such as ``structlog.get_logger("mine")``.
        name: For logs, and for replacing or leaving it out for one request.
        order: Its place in the chain: what it reports is what left it.

    Raises:
        TypeError: The logger takes no values, or is none at all.
    """

    isolated = True

    def __init__(
        self,
        *,
        content: bool = False,
        redact: Callable[[str], str] | None = None,
        logger: Logger | None = None,
        name: str = "logging",
        order: int = Phase.OUTER,
    ) -> None:
        if logger is not None:
            _check_logger(logger)
        if redact is not None and not callable(redact):
            msg = f"redact is a function from text to text, not {redact!r}"
            raise TypeError(msg)
        self.content = content
        self.redact = redact
        self.name = name
        self.order = order
        self._log: Logger = get_logger("junto.chat") if logger is None else logger
        self._key = ContextKey[_Turn](f"{name}.turn")

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        """Start the clock."""
        turn = _Turn(time.monotonic(), request.user_text)
        ctx[self._key] = turn
        self._log.debug(
            "chat.started",
            run_id=ctx.run_id,
            **_known(conversation_id=ctx.conversation_id),
            model=ctx.model,
            messages=len(request.messages),
        )
        return request

    def open(self, ctx: RunContext) -> EventHook:
        """Take the time of the first event."""
        turn = ctx.get(self._key)

        def on_event(event: Event, _: RunContext) -> Event:
            if (
                turn is not None
                and turn.first_event is None
                and event.__class__ is not ModelWarning
            ):
                turn.first_event = time.monotonic()
            return event

        return on_event

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        """Write the line."""
        turn = ctx.get(self._key)
        if turn is None:
            return
        now = time.monotonic()
        response, usage = outcome.response, outcome.usage
        first = None if turn.first_event is None else round(turn.first_event - turn.started, 4)
        values = _known(
            run_id=ctx.run_id,
            conversation_id=ctx.conversation_id,
            model=ctx.model,
            advisors=",".join(ctx.advisors),
            mode="stream" if ctx.streaming else "call",
            outcome=outcome.kind.value,
            finish=None if response.finish_reason is None else response.finish_reason.value,
            duration_s=round(now - turn.started, 4),
            first_event_s=first,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            cached_tokens=usage.cached_tokens,
            request_id=response.request_id,
            short_circuited_by=ctx.short_circuited_by,
            **self._texts("prompt", turn.prompt),
            **self._texts("answer", response.text),
        )
        values |= _error(outcome.error)
        failed = outcome.error is not None and outcome.kind.value == "failed"
        (self._log.error if failed else self._log.info)("chat.turn", **values)

    def _texts(self, name: str, text: str) -> dict[str, Any]:
        digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
        values: dict[str, Any] = {f"{name}_chars": len(text), f"{name}_sha256": digest}
        if self.content:
            kept = text if self.redact is None else self.redact(text)
            values[name] = clean_text(kept, limit=10_000)
        return values

    def __repr__(self) -> str:
        return f"LoggingAdvisor(content={self.content})"


def _check_logger(logger: object) -> None:
    """Raise now: later, an isolated advisor would only be left out."""
    if isinstance(logger, str | logging.Logger):
        name = logger if isinstance(logger, str) else logger.name
        msg = f"a logger takes values beside the event: pass junto.core.get_logger({name!r})"
        raise TypeError(msg)
    if not all(callable(getattr(logger, name, None)) for name in ("debug", "info", "error")):
        msg = f"a logger has debug, info, warning and error, as structlog's have; not {logger!r}"
        raise TypeError(msg)


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _error(error: BaseException | None) -> dict[str, Any]:
    if error is None:
        return {}
    values: dict[str, Any] = {"error": type(error).__name__}
    if isinstance(error, ProviderError):
        values |= _known(status=error.status, code=error.code, request_id=error.request_id)
    return values
