"""Advisors with one fault each, the check that finds it, and twins without the fault.

The faults of an ``around`` are in ``broken_arounds.py``.
"""

from __future__ import annotations

import time
from typing import Any

from attrs import evolve, frozen

from junto.core import (
    Advisor,
    ChatRequest,
    ChatResponse,
    Event,
    EventHook,
    Finish,
    FinishReason,
    Outcome,
    ReasoningDelta,
    Restart,
    RunContext,
    TextDelta,
    Usage,
    UsageUpdate,
)

__all__ = ["BROKEN", "Broken", "found_by"]


@frozen
class Broken:
    """A broken advisor.

    Attributes:
        advisor: Its class.
        twin: One that does the same, rightly.
        check: The check that finds the fault.
        says: What it says of it.
        limit: Seconds after which it hangs.
    """

    advisor: type[Advisor]
    twin: type[Advisor]
    check: str
    says: str
    limit: float = 5.0


BROKEN: list[Broken] = []


def found_by(check: str, says: str, twin: type[Advisor], limit: float = 5.0) -> Any:
    """Register a broken advisor."""

    def register(advisor: type[Advisor]) -> type[Advisor]:
        BROKEN.append(Broken(advisor, twin, check, says, limit))
        return advisor

    return register


class Plain(Advisor):
    """Does nothing."""


class Upper(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Event:
        return TextDelta(event.text.upper()) if isinstance(event, TextDelta) else event


@found_by("a_plain_answer_passes", "on_event of advisor 'ReturnsNone' returned None", Plain)
class ReturnsNone(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Any:
        print(event)


@found_by("a_plain_answer_passes", "returned a coroutine: on_event is synchronous", Plain)
class AwaitsInOnEvent(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Any:
        async def later() -> Event:
            return event

        return later()


@found_by("a_plain_answer_passes", "before of advisor 'ForgetsRequest' returned NoneType", Plain)
class ForgetsRequest(Advisor):
    async def before(self, request: ChatRequest, ctx: RunContext) -> Any:
        request.with_system("Be brief.")


@found_by("a_chain_can_be_built_with_it", "takes|signature|argument", Plain)
class WrongSignature(Advisor):
    async def before(self, request: ChatRequest) -> Any:  # type: ignore[override]  # the fault
        return request


class Polite(Advisor):
    buffered = True

    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        return response.with_text(response.text + " Best wishes.")


@found_by("a_plain_answer_passes", "changed the answer, which has been delivered", Polite)
class ChangesDeliveredText(Advisor):
    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        return response.with_text(response.text + " Best wishes.")


class Tail(Advisor):
    """Holds some characters back, as a redactor does."""

    def open(self, ctx: RunContext) -> EventHook:
        held = ""

        def on_event(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            nonlocal held
            match event:
                case TextDelta():
                    text = held + event.text
                    out, held = text[:-5], text[-5:]
                    return TextDelta(out) if out else ()
                case Finish():
                    rest, held = held, ""
                    return (TextDelta(rest), event) if rest else event
                case Restart():
                    held = ""
                case _:
                    pass
            return event

        return on_event


@found_by("no_text_is_lost", "only '.*' came out: release what is held", Tail)
class KeepsTail(Advisor):
    """Never releases what it holds."""

    def open(self, ctx: RunContext) -> EventHook:
        held = ""

        def on_event(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            nonlocal held
            if isinstance(event, TextDelta):
                text = held + event.text
                out, held = text[:-5], text[-5:]
                return TextDelta(out) if out else ()
            if isinstance(event, Restart):
                held = ""
            return event

        return on_event


@found_by("no_text_is_lost", "only '' came out", Tail)
class HoldsForEver(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        return () if isinstance(event, TextDelta) else event


@found_by("restart_resets", "and a restart display_text is", Tail)
class IgnoresRestart(Advisor):
    """Keeps across a restart what it held before."""

    def open(self, ctx: RunContext) -> EventHook:
        held = ""

        def on_event(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            nonlocal held
            if isinstance(event, TextDelta):
                text = held + event.text
                out, held = text[:-5], text[-5:]
                return TextDelta(out) if out else ()
            if isinstance(event, Finish) and held:
                return TextDelta(held), event
            return event

        return on_event


@found_by("restart_resets", "and a restart display_text is", Plain)
class SwallowsRestart(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        return () if isinstance(event, Restart) else event


@found_by("nothing_follows_the_finish", "gives TextDelta behind the finish", Polite)
class SpeaksAfterFinish(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        return (event, TextDelta(" Best wishes.")) if isinstance(event, Finish) else event


@found_by("two_runs_at_once_do_not_mix", "at once the answers are", Tail)
class KeepsStateOnItself(Advisor):
    held = ""

    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        if isinstance(event, TextDelta):
            text = self.held + event.text
            out, self.held = text[:-5], text[-5:]
            return TextDelta(out) if out else ()
        if isinstance(event, Finish | Restart):
            rest, self.held = self.held, ""
            return (TextDelta(rest), event) if rest and isinstance(event, Finish) else event
        return event


class Numbered(Advisor):
    """Puts a mark in front of each answer."""

    def open(self, ctx: RunContext) -> EventHook:
        begun = False

        def on_event(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            nonlocal begun
            if isinstance(event, Restart):
                begun = False
            if isinstance(event, TextDelta) and event.text and not begun:
                begun = True
                return TextDelta("> " + event.text)
            return event

        return on_event


@found_by("runs_one_after_the_other_are_alike", "one after the other the answers", Numbered)
class MarksTheFirstRunOnly(Advisor):
    begun = False

    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        if isinstance(event, TextDelta) and event.text and not self.begun:
            self.begun = True
            return TextDelta("> " + event.text)
        return event


@found_by("text_does_not_depend_on_the_cuts", "cut by 1 display_text is", Upper)
class DependsOnCuts(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Event:
        return TextDelta(event.text.capitalize()) if isinstance(event, TextDelta) else event


@found_by("text_does_not_depend_on_the_cuts", "cut by", Plain)
class ReplacesInPieces(Advisor):
    """Redacts what it finds in one piece."""

    def on_event(self, event: Event, ctx: RunContext) -> Event:
        if isinstance(event, TextDelta):
            return TextDelta(event.text.replace("ann@example.com", "[somebody's mail]"))
        return event


@found_by("events_are_not_changed_in_place", "was changed in place to", Upper)
class ChangesEvents(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Event:
        if isinstance(event, TextDelta):
            event.text = event.text.upper()
        return event


@found_by("request_is_not_mutated", "was changed in place to", Plain)
class ChangesRequest(Advisor):
    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        object.__setattr__(request, "messages", request.messages * 2)
        return request


@found_by("usage_passes_and_is_not_summed", "declare changes_usage = True", Plain)
class SumsUsage(Advisor):
    def open(self, ctx: RunContext) -> EventHook:
        total = Usage()

        def on_event(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
            nonlocal total
            if isinstance(event, UsageUpdate):
                total += event.usage + event.usage
                return UsageUpdate(total)
            return event

        return on_event


@found_by("usage_passes_and_is_not_summed", r"unknown usage became .*=0", Plain)
class TakesUnknownForZero(Advisor):
    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        tokens = response.usage.total_tokens or 0
        return evolve(response, usage=evolve(response.usage, total_tokens=tokens))


@found_by("finish_reason_and_metadata_pass", "the finish reason .* became", Plain)
class SaysStopAlways(Advisor):
    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        return evolve(response, finish_reason=FinishReason.STOP)


@found_by("finish_reason_and_metadata_pass", "metadata of the finish is lost", Plain)
class LosesMetadata(Advisor):
    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        return evolve(response, metadata={"seen": True})


@found_by("native_reasoning_passes_or_is_declared", r"drops = \(ReasoningDelta,\)", Plain)
class DropsReasoning(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        return () if isinstance(event, ReasoningDelta) else event


@found_by("native_reasoning_passes_or_is_declared", "has lost its signature", Plain)
class LosesSignatures(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        return ReasoningDelta(event.text) if isinstance(event, ReasoningDelta) else event


@found_by("other_events_pass_or_are_declared", r"drops = \(\w+,\)", Plain)
class PassesTextOnly(Advisor):
    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        known = (TextDelta, ReasoningDelta, UsageUpdate, Finish, Restart)
        return event if isinstance(event, known) else ()


@found_by("it_does_not_block_the_loop", r"blocked by time\.sleep\(\)", Plain)
class BlocksTheLoop(Advisor):
    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        time.sleep(0)  # noqa: ASYNC251  the fault
        return request


@found_by("a_plain_answer_passes", "closing went wrong", Plain)
class FailsToClose(Advisor):
    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        raise KeyError("nobody")


@found_by("a_plain_answer_passes", "it failed, and was left out as isolated", Plain)
class FailsInIsolation(Advisor):
    isolated = True

    def on_event(self, event: Event, ctx: RunContext) -> Any:
        raise KeyError("nobody")


@found_by("repr_holds_no_secret", "tells a secret", Plain)
class TellsItsKey(Advisor):
    def __init__(self) -> None:
        self.api_key = "sk-012345"

    def __repr__(self) -> str:
        return f"TellsItsKey({self.api_key!r})"


@found_by("repr_holds_no_secret", "tells what was said", Plain)
class TellsWhatWasSaid(Advisor):
    last: ChatRequest | None = None

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        self.last = request
        return request

    def __repr__(self) -> str:
        return f"TellsWhatWasSaid(last={self.last!r})"


class Timed(Advisor):
    """Keeps something for each run, and lets it go."""

    def __init__(self) -> None:
        self.begun: dict[str, float] = {}

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        self.begun[ctx.run_id] = time.monotonic()
        return request

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        self.begun.pop(ctx.run_id, None)


@found_by("no_early_end_leaves_a_run_on_the_advisor", "still kept by its run_id", Timed)
class LeaksRuns(Timed):
    async def after(self, response: ChatResponse, ctx: RunContext) -> ChatResponse:
        del self.begun[ctx.run_id]
        return response

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        """Forgets the runs that did not end well."""


@found_by("the_model_is_asked_once", "the model was not asked", Plain)
class AnswersItself(Advisor):
    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatResponse:
        return ChatResponse.of("I know that without a model, and say it at length, as you see.")
