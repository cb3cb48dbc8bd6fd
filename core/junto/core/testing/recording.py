"""An advisor that notes what happens to it."""

from __future__ import annotations

from attrs import define, field

from ..attempt import OutcomeKind
from ..chat import ChatRequest, ChatResponse
from ..context import ContextKey, Outcome, RunContext
from ..events import Event, Restart, TextDelta
from ..hooks import Advisor, EventHook, Phase

__all__ = ["Recorded", "RecordingAdvisor"]


@define(eq=False)
class Recorded:
    """What one activation was seen to do.

    Attributes:
        run_id: The run's id.
        number: Which activation of the run it is at this place, from 1.
        request: What went in.
        hooks: The hooks that ran, in order; ``on_event`` once for each event.
        events: The events as they passed, usage and finish at the end.
        response: What ``after`` was given; ``None`` if it did not come to that.
        saved: What a save was given, once per run; ``None`` if there was none.
        outcome: What ``on_close`` was told; ``None`` while it is open.
    """

    run_id: str
    number: int
    request: ChatRequest
    hooks: list[str] = field(factory=list[str])
    events: list[Event] = field(factory=list[Event])
    response: ChatResponse | None = None
    saved: ChatResponse | None = None
    outcome: Outcome | None = None

    @property
    def text(self) -> str:
        """The text that passed, since the last restart."""
        pieces: list[str] = []
        for event in self.events:
            if isinstance(event, Restart):
                pieces.clear()
            elif isinstance(event, TextDelta):
                pieces.append(event.text)
        return "".join(pieces)

    @property
    def kind(self) -> OutcomeKind | None:
        """How it ended."""
        return None if self.outcome is None else self.outcome.kind


class RecordingAdvisor(Advisor):
    """Notes every hook, with what it saw, and changes nothing.

    ::

        seen = RecordingAdvisor()
        await ChatClient(model, advisors=[seen]).call("Why?")
        assert seen.last.response.text == "Because."

    Two of them, one further out and one further in than an advisor, show what it does.
    It keeps what it saw, so it is for tests only.

    Args:
        name: For logs and errors, and in ``log``.
        order: Its place in the chain.
        log: A list for ``"name.hook"`` lines; several recorders that share one show
            the order among them.

    Attributes:
        activations: What was seen, one entry for each activation, in order.
        log: ``"name.hook"``, in order; closing as ``"name.on_close finished"``.
    """

    def __init__(
        self,
        name: str = "recording",
        *,
        order: int = Phase.CONTEXT,
        log: list[str] | None = None,
    ) -> None:
        self.name = name
        self.order = order
        self.log: list[str] = [] if log is None else log
        self.activations: list[Recorded] = []
        self._key = ContextKey[Recorded](f"{name}.recorded")

    @property
    def last(self) -> Recorded:
        """What the newest activation did.

        Raises:
            LookupError: There was none.
        """
        if not self.activations:
            msg = f"{self.name} has seen no run"
            raise LookupError(msg)
        return self.activations[-1]

    def of_run(self, run_id: str) -> list[Recorded]:
        """What the activations of one run did."""
        return [seen for seen in self.activations if seen.run_id == run_id]

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        """Note the request, and ask to see what is saved."""
        seen = Recorded(ctx.run_id, len(self.of_run(ctx.run_id)) + 1, request)
        self.activations.append(seen)
        ctx[self._key] = seen
        self._note(seen, "before")

        async def save(response: ChatResponse) -> None:
            self._note(seen, "save")
            seen.saved = response

        ctx.add_save(save, key=self)
        return request

    def open(self, ctx: RunContext) -> EventHook:
        """Note that the events begin, then each of them."""
        seen = ctx[self._key]
        self._note(seen, "open")

        def on_event(event: Event, _: RunContext) -> Event:
            self._note(seen, "on_event")
            seen.events.append(event)
            return event

        return on_event

    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        """Note the whole response."""
        seen = ctx[self._key]
        self._note(seen, "after")
        seen.response = response
        return response

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        """Note how it ended."""
        seen = ctx[self._key]
        self._note(seen, "on_close", f" {outcome.kind}")
        seen.outcome = outcome

    def _note(self, seen: Recorded, hook: str, how: str = "") -> None:
        seen.hooks.append(hook)
        self.log.append(f"{self.name}.{hook}{how}")

    def __repr__(self) -> str:
        return f"<RecordingAdvisor {self.name} of {len(self.activations)} activations>"
