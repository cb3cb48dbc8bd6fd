"""What an activation knows of its answer: what passed its levels, and what it cost."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any

from .attempt import Attempt, Ledger, OutcomeKind
from .chat import ChatResponse
from .children import Children
from .collect import Record
from .context import RunContext
from .events import Event, Finish, ModelWarning, UsageUpdate
from .levels import Stage
from .run import Run
from .stage import Fused
from .usage import FinishReason, Usage

__all__ = ["Answer"]

_NOTHING = Fused((), (), (), RunContext())
"""What is fused before all ``before`` hooks have run."""


class Answer:
    """The answer of one activation, as far as it has come.

    Levels are named by their place in the stage, 0 being the outermost; what the reader
    or the next stage further out gets is that of level 0.

    Attributes:
        usage: Its own; that of an ``around`` is what its inner activations spent
            together, unless its author counts.
        sent: The usage that went out.
        finish: The finish, once there is one.
        response: What an ``after`` made of the answer of a buffered level.
        complete: All of it has gone out.
        closed: Closing has begun; what is further in is over.
        reached: How many levels' ``before`` hooks were reached.
        answered: Anything at all has come from the source.
    """

    __slots__ = (
        "_asked",
        "_memo",
        "_sent",
        "_spent",
        "answered",
        "children",
        "closed",
        "complete",
        "ctx",
        "finish",
        "fused",
        "ledger",
        "reached",
        "response",
        "run",
        "sent",
        "stage",
        "usage",
    )

    def __init__(self, run: Run, stage: Stage, ctx: RunContext, ledger: Ledger) -> None:
        self.run: Run = run
        self.stage: Stage = stage
        self.ctx: RunContext = ctx
        self.ledger: Ledger = ledger
        self.children: Children = Children(run)
        self.fused: Fused = _NOTHING
        self.reached: int = 0
        self.usage: Usage | None = None
        self.sent: UsageUpdate | None = None
        self.finish: Finish | None = None
        self.response: ChatResponse | None = None
        self.complete: bool = False
        self.closed: bool = False
        self.answered: bool = False
        # Which attempt this is and what was asked, if it asks the model; until it is over.
        self._asked: tuple[int, str] | None = None
        # The last whole response, and what it was made of.
        self._memo: tuple[tuple[object, ...], ChatResponse] | None = None
        self._spent: Usage | None = None
        self._sent = Record() if stage.buffered else None

    @property
    def ending(self) -> Finish:
        """The finish; made up if nobody gave one."""
        return self.finish or Finish(FinishReason.UNKNOWN)

    def show_end(self, hook: int) -> None:
        """Show usage and finish to one hook; what it held becomes pending."""
        self.usage, self.finish = self.fused.show_end(hook, self.usage, self.ending)

    def response_at(self, i: int) -> ChatResponse:
        """The response as it left one level; whole or partial."""
        if self.response is not None and i == 0:
            return self._response(self.response.messages, self.response.sources)
        record = self.fused.record_at(self.place(i))
        return self._response(record.messages(), tuple(record.sources))

    def whole_at(self, i: int) -> ChatResponse:
        """The same when the source has ended: levels with the same answer share it."""
        record = self.fused.record_at(self.place(i))
        key = (record, self.usage, self.finish, self.response if i == 0 else None)
        memo = self._memo
        if memo is None or any(map(operator.is_not, memo[0], key)):
            self._memo = memo = (key, self.response_at(i))
        return memo[1]

    def left(self) -> Record:
        """What has left the outermost level so far."""
        if self._sent is not None:
            return self._sent
        return self.fused.record_at(self.place(0))

    def left_at(self, i: int) -> ChatResponse:
        """The same, for somebody who may ask before the end: what is held has not left."""
        if i == 0 and self._sent is not None and not self.complete:
            return self._response(self._sent.messages(), tuple(self._sent.sources))
        return self.whole_at(i) if self.complete else self.response_at(i)

    def _response(self, messages: Any, sources: Any) -> ChatResponse:
        finish = self.finish
        metadata = {} if finish is None else dict(finish.metadata)
        if self.ctx.short_circuited_by is not None:
            metadata["short_circuited_by"] = self.ctx.short_circuited_by
        return ChatResponse(
            messages=messages,
            finish_reason=None if finish is None else finish.reason,
            usage=self.spent or Usage(),
            sources=sources,
            metadata=metadata,
            attempts=tuple(self.ledger.attempts),
        )

    def ask(self, model: str | None) -> None:
        """The model is about to be asked: the activation is an attempt."""
        self.run.asked += 1
        self._asked = (self.run.asked, model or self.run.model.model)

    def asked_and_over(self, kind: OutcomeKind) -> None:
        """The attempt is over, if it was one."""
        if self._asked is None:
            return
        (number, model), self._asked = self._asked, None
        metadata: Mapping[str, Any] = {} if self.finish is None else self.finish.metadata
        attempt = Attempt(
            number=number,
            model=f"{self.run.model.provider}:{metadata.get('model') or model}",
            asked_by=self.ledger.asked_by,
            usage=self.usage or Usage(),
            kind=kind,
            answered=self.answered,
            request_id=metadata.get("request_id"),
        )
        self.ledger.add(attempt)

    @property
    def spent(self) -> Usage | None:
        """The tokens known so far, its own or those of its inner activations."""
        if self.usage is not None or not self.children:
            return self.usage
        # Asked at every level for those further in, so what is over is kept.
        spent = self._spent
        if spent is None:
            spent = self.ledger.total(self.children.spent)
            if self.closed:
                self._spent = spent
        return spent

    def place(self, i: int) -> int:
        """How many hooks stand at or inside a level."""
        places = self.stage.places
        return places[i] - places[self.reached]

    def released(self) -> Iterator[Event]:
        """What a buffered stage lets out at its end."""
        if self._sent is None:
            return
        held = self.fused.held or []
        if self.response is not None:
            warnings = [event for event in held if event.__class__ is ModelWarning]
            held = [*warnings, *self.response.content_events()]
        for event in held:
            self._sent.add(event)
            yield event
