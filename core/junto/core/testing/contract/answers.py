"""Checks of what comes out, by what goes in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...chat import ChatResponse
from ...events import (
    CustomEvent,
    Event,
    Finish,
    ModelWarning,
    ReasoningDelta,
    Restart,
    Source,
    TextDelta,
    ToolCallDelta,
    UsageUpdate,
)
from ...usage import FinishReason, Usage
from ..kits.loops import claim
from ..steps import cut, recut
from ..validator import validate_events
from .base import Checks
from .bench import FINISH, SAMPLE, TEXT, USAGE, Seen, advisor_of, answer

__all__ = ["AnswerChecks"]

_WHOLE = 10_000
_CUTS: tuple[int | tuple[int, ...], ...] = (1, 2, 3, 5, 17, (1, 4), (13, 1), (1, 1, 2, 3, 5, 8))

_THOUGHT = "Rayleigh scattering, then."

_OTHERS: tuple[Event, ...] = (
    ModelWarning("script", "temperature", "temperature has no effect"),
    Source("https://example.org/sky", "The sky"),
    CustomEvent("contract.event", {"a": 1}),
    ToolCallDelta(0, "call-1", "contract_tool", '{"a": 1}'),
)

# What is not in an answer that a buffered advisor rewrites: that is made anew of its text.
_REWRITTEN = (CustomEvent, ToolCallDelta)


class AnswerChecks(Checks):
    """What an answer amounts to."""

    def test_a_plain_answer_passes(self) -> None:
        """A text comes through, as a sound stream, and the run ends well."""
        (seen,) = self.answers(answer())
        validate_events(seen.events, seen.response)

    def test_stream_and_call_agree(self) -> None:
        """``call()`` of a model that answers at once gives what a stream gives."""
        whole = ChatResponse.of(TEXT, metadata=FINISH.metadata)
        bench = self.bench([*whole.content_events(), UsageUpdate(USAGE), FINISH], batch=_WHOLE)
        called = self.play(bench.call)
        bench.settled()
        (seen,) = self.answers(answer())
        for name in ("messages", "finish_reason", "usage", "sources"):
            one, other = getattr(seen.response, name), getattr(called, name)
            claim(one == other, f"{name} of a stream is {one!r}, of call() {other!r}")

    def test_reader_response_and_save_agree(self) -> None:
        """The reader, ``response`` and what is saved hold the same text."""
        bench = self.bench(answer())
        seen = self.play(bench.read)
        bench.settled()
        last = bench.outer.last
        read = "".join([e.text for e in seen.events if isinstance(e, TextDelta)])
        shown = seen.response.text
        claim(read == shown, f"the reader got {read!r}, the response has {shown!r}")
        saved = last.saved
        claim(saved is not None, "the save did not run")
        claim(saved is None or saved.text == shown, f"what was saved is not {shown!r}: {saved!r}")

    def test_text_does_not_depend_on_the_cuts(self) -> None:
        """However the provider cuts and batches its text, the answer is the same."""
        for text in (TEXT, SAMPLE, *self.samples):
            whole, *others = self.answers(
                answer(text, _WHOLE), *[answer(text, sizes) for sizes in _CUTS], _padded(text)
            )
            for sizes, seen in zip((*_CUTS, "pieces and empty ones"), others, strict=True):
                claim(seen.same_as(whole), seen.unlike(whole, f"cut by {sizes}"))

    def test_text_does_not_depend_on_the_batches(self) -> None:
        """It is no matter how many events come with one network read."""
        (single,) = self.answers(answer(SAMPLE))
        for batch in (2, _WHOLE):
            (seen,) = self.answers(answer(SAMPLE), batch=batch)
            claim(seen.same_as(single), seen.unlike(single, f"with {batch} events a read"))

    def test_no_text_is_lost(self) -> None:
        """Plain text comes out whole: what is held is released in front of the finish."""
        if self.short_circuits:
            return
        for text in ("Yes", TEXT):
            (seen,) = self.answers(answer(text))
            got = seen.response.text
            wanted = self.expected_text(text)
            if wanted is not None:
                claim(got == wanted, f"{text!r} became {got!r}, and {wanted!r} was expected")
            elif self.changes_text is False:
                claim(got == text, f"{text!r} became {got!r}: declare changes_text = True")
            elif self.changes_text is None:
                missing = f"of {text!r} only {got!r} came out: release what is held, "
                claim(len(got) >= len(text), missing + "or declare changes_text = True")

    def test_an_empty_answer_passes(self) -> None:
        """A model that says nothing is no failure."""
        for script in ([FINISH], [TextDelta(""), FINISH]):
            (seen,) = self.answers(script)
            validate_events(seen.events, seen.response)

    def test_a_missing_finish_is_made_up_once(self) -> None:
        """A provider that forgets its finish does not leave the reader without."""
        (seen,) = self.answers(cut(TEXT, 5), finish=False)
        finishes = [event for event in seen.events if isinstance(event, Finish)]
        claim(len(finishes) == 1, f"there are {len(finishes)} finishes")
        claim(seen.events[-1] is finishes[-1], "the finish is not the last event")

    def test_finish_reason_and_metadata_pass(self) -> None:
        """What the provider said of the whole answer is still there."""
        if self.changes_finish or self.short_circuits:
            return
        for reason in (FinishReason.STOP, FinishReason.LENGTH):
            (seen,) = self.answers([*cut(TEXT, 9), Finish(reason, FINISH.metadata)])
            got = seen.response.finish_reason
            hint = "declare changes_finish = True"
            claim(got is reason, f"the finish reason {reason!r} became {got!r}: {hint}")
            lost = FINISH.metadata.items() - seen.response.metadata.items()
            claim(not lost, f"metadata of the finish is lost: {dict(lost)}; {hint}")

    def test_usage_passes_and_is_not_summed(self) -> None:
        """Each usage replaces the one before; unknown usage stays unknown."""
        if self.changes_usage or self.short_circuits:
            return
        earlier = UsageUpdate(Usage(input_tokens=7))
        (seen,) = self.answers([earlier, *answer()], usage_twice=True)
        hint = "declare changes_usage = True"
        claim(seen.response.usage == USAGE, f"{USAGE} became {seen.response.usage}: {hint}")
        (seen,) = self.answers([*cut(TEXT, 9), FINISH])
        claim(seen.response.usage == Usage(), f"unknown usage became {seen.response.usage}: {hint}")

    def test_native_reasoning_passes_or_is_declared(self) -> None:
        """The chain of thought stays reasoning, with the provider's seal."""
        thought = recut([ReasoningDelta(_THOUGHT)], 4)
        script = [*thought, ReasoningDelta("", signature="seal"), *answer()]
        (seen,) = self.answers(script)
        if ReasoningDelta in self.drops or self.short_circuits:
            return
        got = seen.response.reasoning
        hint = "declare drops = (ReasoningDelta,)"
        claim(got == _THOUGHT, f"the reasoning {_THOUGHT!r} became {got!r}: {hint}")
        seals = [getattr(part, "signature", None) for part in seen.response.message.parts]
        claim("seal" in seals, f"the reasoning has lost its signature: {hint}")

    def test_other_events_pass_or_are_declared(self) -> None:
        """An advisor passes on what it does not know."""
        if self.short_circuits:
            return
        for event in _OTHERS:
            if isinstance(event, self.drops):
                continue
            name = type(event).__name__
            bench = self.bench([*cut(TEXT, 9), event, *cut(TEXT, 9), FINISH])
            if isinstance(event, _REWRITTEN) and advisor_of(bench.advisor).buffered:
                continue
            self.play(bench.read)
            passed = event in bench.outer.last.events
            claim(passed, f"{name} does not come out: pass it, or declare drops = ({name},)")

    def test_restart_resets(self) -> None:
        """What came before a restart is void, also what is held or remembered of it."""
        (alone,) = self.answers(answer())
        for void in _void():
            bench = self.bench([*void, Restart("contract"), *answer()])
            seen = self.play(bench.read)
            bench.settled("a restart")
            where = f"after {void!r} and a restart"
            claim(seen.same_as(alone), seen.unlike(alone, where))
            read = Seen(seen.events, validate_events(seen.events))
            claim(read.same_as(alone), read.unlike(alone, f"{where}, for the reader,"))

    def test_events_are_not_changed_in_place(self) -> None:
        """Events are values: a hook returns another one instead."""
        script = [ReasoningDelta(_THOUGHT), *_OTHERS, *answer()]
        before = [repr(event) for event in script]
        self.answers(script)
        for old, event in zip(before, script, strict=True):
            claim(repr(event) == old, f"{old} was changed in place to {event!r}")


def _padded(text: str) -> list[Any]:
    """Empty pieces between the others."""
    script: list[Any] = []
    for piece in cut(text, 3):
        script += [TextDelta(""), piece, TextDelta("")]
    return [*script, UsageUpdate(USAGE), FINISH]


def _void() -> Iterator[list[Event]]:
    """Beginnings that a restart makes void."""
    for text in (SAMPLE[:1], SAMPLE[:9], SAMPLE, "<think>Half a thou", "<thi", " "):
        yield cut(text, 4)
        yield cut(text, _WHOLE)
    yield [ReasoningDelta("Half a thou")]
    yield [*cut(TEXT, 7), *_OTHERS[1:], UsageUpdate(USAGE)]
