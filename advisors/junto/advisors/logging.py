"""One line a turn."""

from __future__ import annotations

import hashlib
import inspect
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

from attrs import define, fields

from junto.core import (
    Advisor,
    ChatRequest,
    ContextKey,
    Event,
    EventHook,
    Logger,
    ModelWarning,
    Observation,
    Observer,
    Outcome,
    Phase,
    ProviderError,
    RunContext,
    Usage,
    get_logger,
)

from .masking import logged

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
    logged, only its length and the beginning of its SHA-256.  What looks like a key is
    masked in every value.  A failure to log never harms a run.

    Where structlog is in use, ``run_id`` and ``conversation_id`` are bound as its context
    variables, inside the run: every line that an inner advisor, a tool or the provider
    logs through structlog carries them, and no line of the reader's does.

    Args:
        content: Log the texts as well.
        redact: Called with every text before it is logged, with ``content``.  If it
            raises, or gives no text, that text is not logged, and ``redact_error`` says so.
        bind: Bind the ids for structlog.
        per_advisor: Log one ``chat.advisor`` line for each advisor and the model as well,
            at level debug: what became of the events that it was given, and its own time.
            The run is observed for that, which takes some time for each event.
        logger: Another logger, such as ``structlog.get_logger("mine")``.
        name: For logs, and for replacing or leaving it out for one request.
        order: Its place in the chain: what it reports is what left it.

    Raises:
        TypeError: The logger takes no values, or is none at all.
    """

    isolated = True
    role = "logging"

    def __init__(
        self,
        *,
        content: bool = False,
        redact: Callable[[str], str] | None = None,
        bind: bool = True,
        per_advisor: bool = False,
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
        self.bind = bind
        self.per_advisor = per_advisor
        self.name = name
        self.order = order
        self._log: Logger = get_logger("junto.chat") if logger is None else logger
        self._key = ContextKey[_Turn](f"{name}.turn")

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        """Start the clock."""
        turn = _Turn(time.monotonic(), request.user_text)
        ctx[self._key] = turn
        if self.bind and "structlog" in sys.modules:
            _bind(run_id=ctx.run_id, conversation_id=ctx.conversation_id)
        if self._is_wanted(logging.DEBUG):
            more = _known(model=ctx.model, messages=len(request.messages))
            self._log.debug("chat.started", **_ids(ctx), **more)
        return request

    def open(self, ctx: RunContext) -> EventHook:
        """Take the time of the first event."""
        turn = ctx.get(self._key)
        waiting = turn is not None

        def on_event(event: Event, _: RunContext) -> Event:
            nonlocal waiting
            if waiting and event.__class__ is not ModelWarning and turn is not None:
                waiting = False
                turn.first_event = time.monotonic()
            return event

        return on_event

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        """Write the line."""
        turn = ctx.get(self._key)
        failed = outcome.error is not None and outcome.kind.value == "failed"
        if turn is None or not self._is_wanted(logging.ERROR if failed else logging.INFO):
            return
        now = time.monotonic()
        response, usage = outcome.response, outcome.usage
        first = None if turn.first_event is None else round(turn.first_event - turn.started, 4)
        values = _ids(ctx) | _known(
            model=ctx.model,
            advisors=",".join(ctx.advisors),
            mode="stream" if ctx.streaming else "call",
            outcome=outcome.kind.value,
            finish=None if response.finish_reason is None else response.finish_reason.value,
            duration_s=round(now - turn.started, 4),
            first_event_s=first,
            attempts=len(response.attempts) or None,
            **{name: getattr(usage, name) for name in _TOKENS},
            tokens_estimated=usage.estimated or None,
            request_id=response.request_id,
            short_circuited_by=ctx.short_circuited_by,
        )
        values |= self._texts("prompt", turn.prompt)
        values |= self._texts("answer", response.text)
        values |= _error(outcome.error)
        (self._log.error if failed else self._log.info)("chat.turn", **values)

    def observer(self, ctx: RunContext) -> Observer | None:
        """Log what each advisor did, if that is asked for."""
        return self._observe if self.per_advisor else None

    def _observe(self, observation: Observation) -> None:
        tally = observation.tally
        if tally is not None:
            self._log.debug(
                "chat.advisor",
                **_known(
                    run_id=observation.run_id,
                    advisor=observation.advisor,
                    given=tally.given,
                    kept=tally.kept,
                    changed=tally.changed,
                    held=tally.held,
                    dropped=tally.dropped,
                    injected=tally.injected,
                    chars_given=tally.chars_given,
                    chars_gave=tally.chars_gave,
                    seconds=round(tally.seconds, 6),
                ),
            )

    def _is_wanted(self, level: int) -> bool:
        """Whether the logger would write a line; one that does not tell is asked to."""
        is_enabled_for = getattr(self._log, "is_enabled_for", None)
        return is_enabled_for is None or bool(is_enabled_for(level))

    def _texts(self, name: str, text: str) -> dict[str, Any]:
        digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
        values: dict[str, Any] = {f"{name}_chars": len(text), f"{name}_sha256": digest}
        if not self.content:
            return values
        try:
            kept: Any = text if self.redact is None else self.redact(text)
        except Exception as error:  # noqa: BLE001  whatever it is, the text stays out
            return values | {"redact_error": type(error).__name__}
        if not isinstance(kept, str):
            return values | {"redact_error": f"gave {type(kept).__name__}"}
        return values | {name: logged(kept, 10_000)}

    def __repr__(self) -> str:
        return f"LoggingAdvisor(content={self.content})"


def _check_logger(logger: object) -> None:
    """Raise now: later, an isolated advisor would only be left out."""
    if isinstance(logger, str | logging.Logger):
        name = logger if isinstance(logger, str) else logger.name
        msg = f"a logger takes values beside the event: pass junto.core.get_logger({name!r})"
        raise TypeError(msg)
    methods = [getattr(logger, name, None) for name in ("debug", "info", "error")]
    if any(map(inspect.iscoroutinefunction, methods)):
        msg = "a logger writes at once: pass logger.sync_bl of an async one"
        raise TypeError(msg)
    if not all(map(callable, methods)):
        msg = f"a logger has debug, info, warning and error, as structlog's have; not {logger!r}"
        raise TypeError(msg)


_TOKENS = tuple(count.name for count in fields(Usage) if count.name.endswith("_tokens"))


def _ids(ctx: RunContext) -> dict[str, Any]:
    return _known(run_id=ctx.run_id, conversation_id=ctx.conversation_id)


def _bind(**ids: Any) -> None:
    """Bind ids in the run's own context; one that is unknown is not the outer run's."""
    from structlog.contextvars import bind_contextvars, unbind_contextvars

    unbind_contextvars(*ids)
    bind_contextvars(**_known(**ids))


def _known(**values: Any) -> dict[str, Any]:
    """Those that are known, as they may stand in a log."""
    return {name: logged(value, 500) for name, value in values.items() if value is not None}


def _error(error: BaseException | None) -> dict[str, Any]:
    if error is None:
        return {}
    values: dict[str, Any] = {"error": type(error).__name__}
    if isinstance(error, ProviderError):
        values |= _known(status=error.status, code=error.code, request_id=error.request_id)
    return values
