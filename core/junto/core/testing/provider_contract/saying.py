"""Checks of what frames say: text, reasoning, usage and finish, in every form that is seen."""

from __future__ import annotations

from ...events import Event, ReasoningDelta, TextDelta, UsageUpdate
from ...usage import FinishReason, Usage
from ..kits.classes import skip
from ..kits.loops import claim
from ..wire import Blank, Frame
from .base import ANSWER, REQUEST_ID, TEXT, USAGE, Checks, said

__all__ = ["SayingChecks"]

_STOP = Frame(finish=FinishReason.STOP)
_THOUGHT = "Rayleigh, then."


class SayingChecks(Checks):
    """Each fact of a frame is read apart from every other."""

    def test_there_is_no_empty_text(self) -> None:
        """A frame that says nothing gives no event of text or reasoning."""
        for blank in Blank:
            frames = [Frame(blank=blank), *said(TEXT), Frame("", reasoning=""), _STOP]
            (heard,) = self.hear(frames)
            heard.well(f"a frame that says nothing, with {blank.value},")
            empty = [event for event in heard.events if _is_empty(event)]
            claim(not empty, f"a frame that says nothing, with {blank.value}, gives {empty!r}")

    def test_a_frame_without_choices_is_nothing(self) -> None:
        """``choices: []`` comes first, in the midst and at the end."""
        nothing = Frame(choices=False)
        frames = [nothing, *said(TEXT[:20]), nothing, *said(TEXT[20:]), _STOP]
        (heard,) = self.hear(frames)
        text = heard.well("a frame without choices").text
        claim(text == TEXT, f"with frames without choices {TEXT!r} became {text!r}")

    def test_text_beside_the_finish_counts(self) -> None:
        """The last frame can have the last text."""
        (heard,) = self.hear([Frame("All "), Frame("of it", finish=FinishReason.STOP)])
        text = heard.well("text beside the finish").text
        claim(text == "All of it", f"with text beside the finish 'All of it' became {text!r}")

    def test_an_empty_answer_is_an_answer(self) -> None:
        """A finish alone is no error."""
        (heard,) = self.hear([_STOP])
        claim(heard.well("an empty answer").text == "", "an empty answer has text")

    def test_further_choices_stay_out_of_the_text(self) -> None:
        """Of several answers the first one is the stream."""
        if not self.dialect.has_choices:
            skip("this dialect has no further choices")
        other = [Frame("another", choice=1), Frame(finish=FinishReason.STOP, choice=1)]
        (heard,) = self.hear([Frame("one "), *other, Frame("text"), _STOP])
        text = heard.well("a stream with two choices").text
        claim(text == "one text", f"the first of two choices became {text!r}")

    def test_further_choices_come_with_the_end(self) -> None:
        """Asked for two answers, the second comes whole in ``response.choices``."""
        self.needs("choices")
        request = self.request().with_options(extra={"n": 2})
        other = [Frame("an", choice=1), Frame("other", choice=1)]
        ends = [_STOP, Frame(finish=FinishReason.LENGTH, choice=1)]
        (heard,) = self.hear([Frame("one "), *other, Frame("text"), *ends], request=request)
        response = heard.well("a request for two choices")
        got = [(c.message.text, c.finish_reason) for c in response.choices]
        wanted = [("one text", FinishReason.STOP), ("another", FinishReason.LENGTH)]
        claim(got == wanted, f"the choices are {got}, not {wanted}")

    # Reasoning.

    def test_reasoning_and_text_in_one_frame_both_count(self) -> None:
        """The end of the thinking and the beginning of the answer can come together."""
        self.needs("reasoning")
        frames = [Frame(reasoning="Hm, "), Frame("Yes", reasoning="so."), Frame("."), _STOP]
        (heard,) = self.hear(frames)
        response = heard.well("reasoning and text in one frame")
        got = response.reasoning, response.text
        claim(got == ("Hm, so.", "Yes."), f"reasoning and text in one frame became {got}")

    def test_no_reasoning_may_be_absent_null_or_empty(self) -> None:
        """However a frame writes that it has none, there is none; and the same for text."""
        self.needs("reasoning")
        for blank in Blank:
            thought = [Frame(reasoning=piece, blank=blank) for piece in ("Hm, ", "so.")]
            frames = [*thought, Frame("Yes", blank=blank), _STOP]
            (heard,) = self.hear(frames)
            response = heard.well(f"no reasoning as {blank.value}")
            got = response.reasoning, response.text
            claim(got == ("Hm, so.", "Yes"), f"with {blank.value} the answer became {got}")

    def test_reasoning_is_never_inside_text(self) -> None:
        """It has events of its own, also if it begins again behind text."""
        self.needs("reasoning")
        frames = [
            *[Frame(reasoning=piece) for piece in _THOUGHT.split(" ")],
            Frame("One. "),
            Frame(reasoning="Again."),
            Frame("Two."),
            _STOP,
        ]
        (heard,) = self.hear(frames)
        heard.well("a stream with reasoning")
        thought = "".join(e.text for e in heard.events if isinstance(e, ReasoningDelta))
        text = heard.text
        wanted = _THOUGHT.replace(" ", "") + "Again."
        claim(text == "One. Two.", f"the text 'One. Two.' became {text!r}")
        claim(thought == wanted, f"the reasoning {wanted!r} became {thought!r}")

    # Finish.

    def test_finish_comes_once_and_last(self) -> None:
        """Whatever follows the reason to finish on the wire, it stands in front of the end."""
        follows = self.dialect.usage_may_follow
        behind = [Frame(choices=False, usage=USAGE)] if follows else []
        (heard,) = self.hear([*said(TEXT), _STOP, *behind])
        heard.well()
        count = len(heard.finishes)
        claim(count == 1, f"there are {count} finishes")
        last = heard.events[-1]
        claim(last is heard.finishes[0], f"the finish is not last: {last!r} is")

    def test_null_is_no_reason_to_finish(self) -> None:
        """Also the text "null", and an empty one: a frame with it is not the last."""
        for blank in Blank:
            frames = [Frame(piece, blank=blank) for piece in ("One ", "two ", "three")]
            (heard,) = self.hear([*frames, _STOP])
            text = heard.well(f"a reason to finish as {blank.value}").text
            claim(text == "One two three", f"with {blank.value} as a reason, {text!r} was read")
            finish = heard.finishes[-1].reason if heard.finishes else None
            stop = finish is FinishReason.STOP
            claim(stop, f"with {blank.value} as a reason, the finish is {finish!r}")

    def test_reasons_to_finish_are_told_apart(self) -> None:
        """An unknown one is UNKNOWN, and no error."""
        reasons = {reason.value: reason for reason in FinishReason}
        reasons.pop(FinishReason.TOOL_CALLS.value)
        reasons["contract_reason"] = FinishReason.UNKNOWN
        heard = self.hear(*[[Frame("x"), Frame(finish=word)] for word in reasons])
        for (word, wanted), one in zip(reasons.items(), heard, strict=True):
            got = one.well(f"the reason {word!r}").finish_reason
            claim(got is wanted, f"the reason {word!r} became {got!r}, not {wanted!r}")

    def test_the_finish_has_the_request_id(self) -> None:
        """The service's id of the request, for whoever has to ask about it."""
        self.needs("request_ids")
        (heard,) = self.hear(ANSWER)
        got = heard.well().request_id
        hint = "put it into the finish's metadata, or declare request_ids = False"
        claim(got == REQUEST_ID, f"the request id {REQUEST_ID!r} became {got!r}: {hint}")

    # Usage.

    def test_usage_is_read(self) -> None:
        """Beside the finish."""
        self.needs("usage")
        (heard,) = self.hear(ANSWER)
        got = heard.well().usage
        claim(got == USAGE, f"{USAGE} became {got}")

    def test_usage_behind_the_finish_counts(self) -> None:
        """A last frame can hold nothing but the usage."""
        self.needs("usage")
        if not self.dialect.usage_may_follow:
            skip("this dialect has no frame of usage behind the finish")
        (heard,) = self.hear([*said(TEXT), _STOP, Frame(choices=False, usage=USAGE)])
        got = heard.well("usage behind the finish").usage
        claim(got == USAGE, f"behind the finish {USAGE} became {got}")

    def test_usage_is_the_total_so_far(self) -> None:
        """On every frame, it grows, and is not summed."""
        self.needs("usage")
        counts = [Usage(input_tokens=7, output_tokens=n, total_tokens=7 + n) for n in (1, 5, 11)]
        frames = [Frame("x", usage=usage) for usage in counts]
        (heard,) = self.hear([*frames, Frame(finish=FinishReason.STOP, usage=USAGE)])
        got = heard.well("usage on every frame").usage
        claim(got == USAGE, f"on every frame {USAGE} became {got}: do not sum it")

    def test_details_of_usage_are_read(self) -> None:
        """Cached tokens and those of reasoning, where the service says so."""
        self.needs("usage")
        usage = Usage(
            input_tokens=7, output_tokens=11, total_tokens=18, cached_tokens=3, reasoning_tokens=5
        )
        (heard,) = self.hear([*said(TEXT), Frame(finish=FinishReason.STOP, usage=usage)])
        got = heard.well().usage
        claim(got == usage, f"{usage} became {got}")

    def test_unknown_usage_stays_unknown(self) -> None:
        """A service that says nothing of it has not used zero tokens."""
        (heard,) = self.hear([*said(TEXT), _STOP])
        got = heard.well("an answer without usage").usage
        claim(got == Usage(), f"usage that nobody told became {got}: leave it None")
        told = [event for event in heard.events if isinstance(event, UsageUpdate)]
        claim(not told, f"usage that nobody told gives {told!r}")


def _is_empty(event: Event) -> bool:
    return isinstance(event, TextDelta | ReasoningDelta) and not event.text
