"""Providers that misread what comes, each in one way, and the checks that find it."""

from __future__ import annotations

from typing import Any

from junto.core import Event, FinishReason, ProtocolError, TextDelta, Usage, UsageUpdate

from .broken_providers import found_by
from .tiny_reader import RUNNING, TinyReader
from .tiny_wire import Records

CUT = ("a_stream_may_come_byte_by_byte", "a_stream_may_be_cut_anywhere", "characters_may_be_cut")


@found_by(*CUT, says="became '.*\ufffd")
class DecodesEachRead(TinyReader):
    def feed(self, data: bytes) -> list[Event]:
        return super().feed(data.decode("utf-8", "replace").encode())


@found_by(
    "a_stream_may_come_at_once",
    "one_read_may_end_in_the_next_record",
    "many_records_in_one_read_are_all_read",
    "an_error_in_one_read_with_text_hides_none",
    "a_byte_order_mark_is_nothing",
    "a_stream_may_be_cut_anywhere",
    "a_stream_that_ends_in_a_record_is_an_error",
    "characters_may_be_cut",
    "lines_may_end_with_cr",
    "lines_may_end_with_crlf",
    "what_follows_the_end_is_dropped",
    says="failed with InterruptedStreamError",
)
class TakesOneRecordARead(TinyReader):
    def _events(self, records: Any) -> list[Event]:
        return super()._events(lambda: records()[:1])


class _OnlyLf(Records):
    def with_lf(self, data: bytes) -> bytes:
        return data


@found_by("lines_may_end_with_crlf", "lines_may_end_with_cr", says="with CR")
class KnowsNoCr(TinyReader):
    records_type = _OnlyLf


class _Strict(Records):
    def field(self, name: bytes, value: bytes) -> None:
        if name not in {b"data", b"event", b"id", b"retry"}:
            raise ProtocolError(f"this is no field: {name!r}")
        super().field(name, value)


@found_by(
    "comments_and_blank_lines_are_nothing",
    "unknown_fields_are_nothing",
    "what_follows_the_end_is_dropped",
    says="this is no field",
)
class TakesCommentsForFields(TinyReader):
    records_type = _Strict


class _Marked(Records):
    mark = b""


@found_by("a_byte_order_mark_is_nothing", says="became ' waves")
class KeepsTheMark(TinyReader):
    records_type = _Marked


class _Spaced(Records):
    def value(self, value: bytes) -> bytes:
        return value[1:]


@found_by("the_space_behind_data_is_optional", says="failed with ProtocolError")
class NeedsTheSpace(TinyReader):
    records_type = _Spaced


class _OneLine(Records):
    def field(self, name: bytes, value: bytes) -> None:
        self._data.clear()
        super().field(name, value)


@found_by("data_may_have_several_lines", says="failed with ProtocolError")
class TakesOneLineOfData(TinyReader):
    records_type = _OneLine


class _Short(Records):
    def value(self, value: bytes) -> bytes:
        if len(value) > 512 * 1024:
            raise ProtocolError("the line is too long")
        return super().value(value)


@found_by("a_large_record_is_read", says="the line is too long")
class LimitsLines(TinyReader):
    records_type = _Short


@found_by("a_stream_may_end_without_its_mark", says="failed with InterruptedStreamError")
class NeedsTheMark(TinyReader):
    def end(self) -> list[Event]:
        self.reason = None if self._json is None else self.reason
        return super().end()


@found_by("half_a_character_harms_nothing", says="holds half of a surrogate pair")
class KeepsHalves(TinyReader):
    def string(self, value: Any) -> str:
        return value or ""


@found_by("reasoning_and_text_in_one_frame_both_count", says="became .*'Hm, so.', '.'")
class ReadsReasoningOrText(TinyReader):
    def say(self, delta: dict[str, Any]) -> list[Event]:
        if delta.get("reasoning_content"):
            delta = {**delta, "content": None}
        return super().say(delta)


@found_by(
    "reasoning_and_text_in_one_frame_both_count",
    "no_reasoning_may_be_absent_null_or_empty",
    "reasoning_is_never_inside_text",
    says="became",
)
class PutsReasoningIntoText(TinyReader):
    def say(self, delta: dict[str, Any]) -> list[Event]:
        thought, text = delta.get("reasoning_content") or "", delta.get("content") or ""
        return super().say({**delta, "reasoning_content": None, "content": thought + text})


@found_by("no_reasoning_may_be_absent_null_or_empty", says="KeyError|ProtocolError")
class NeedsTheKeyOfReasoning(TinyReader):
    def say(self, delta: dict[str, Any]) -> list[Event]:
        if delta.get("content") == "Yes":
            delta["reasoning_content"]
        return super().say(delta)


@found_by("there_is_no_empty_text", says="gives .TextDelta")
class PadsText(TinyReader):
    def say(self, delta: dict[str, Any]) -> list[Event]:
        padding = [TextDelta("")] if delta.get("content") == "" else []
        return [*padding, *super().say(delta)]


@found_by(
    "a_frame_without_choices_is_nothing",
    "usage_behind_the_finish_counts",
    "finish_comes_once_and_last",
    says="failed with",
)
class TakesTheFirstOfNone(TinyReader):
    def take(self, chunk: dict[str, Any]) -> list[Event]:
        if chunk.get("choices") == []:
            raise ProtocolError("list index out of range")
        return super().take(chunk)


@found_by("further_choices_stay_out_of_the_text", says="became 'one another")
class MixesChoices(TinyReader):
    def counts(self, choice: dict[str, Any]) -> bool:
        return True


@found_by("usage_behind_the_finish_counts", says="became Usage")
class StopsAtTheFinish(TinyReader):
    def take(self, chunk: dict[str, Any]) -> list[Event]:
        events = super().take(chunk)
        return events + self.finish() if self.reason else events


@found_by(
    "text_beside_the_finish_counts", "a_tool_call_may_come_with_the_finish", says="became|finished"
)
class DropsWhatComesWithTheFinish(TinyReader):
    def take(self, chunk: dict[str, Any]) -> list[Event]:
        for choice in chunk.get("choices", ()):
            if choice.get("finish_reason") not in RUNNING and "delta" in choice:
                choice["delta"] = {}
        return super().take(chunk)


@found_by(
    "null_is_no_reason_to_finish",
    "no_reasoning_may_be_absent_null_or_empty",
    "later_pieces_may_write_null_or_nothing",
    says="was read|became",
)
class TakesNullForAReason(TinyReader):
    def take(self, chunk: dict[str, Any]) -> list[Event]:
        events = super().take(chunk)
        said = [choice.get("finish_reason") for choice in chunk["choices"]]
        return events + self.finish() if "null" in said else events


@found_by("usage_is_the_total_so_far", says="do not sum it")
class SumsUsage(TinyReader):
    def count(self, counts: Any) -> list[Event]:
        before = self.usage
        for event in super().count(counts):
            assert isinstance(event, UsageUpdate)
            self.usage = event.usage if before is None else before + event.usage
            return [UsageUpdate(self.usage)]
        return []


@found_by(
    "unknown_usage_stays_unknown",
    "answers_of_one_model_follow_each_other",
    says="nobody told|of the first",
)
class TakesUnknownForZero(TinyReader):
    def finish(self) -> list[Event]:
        zero = UsageUpdate(Usage(input_tokens=0, output_tokens=0, total_tokens=0))
        return [*([] if self.usage else [zero]), *super().finish()]


@found_by("details_of_usage_are_read", says="became Usage")
class SkipsDetailsOfUsage(TinyReader):
    def count(self, counts: Any) -> list[Event]:
        kept = {k: v for k, v in (counts or {}).items() if not k.endswith("details")}
        return super().count(kept)


@found_by("reasons_to_finish_are_told_apart", says="contract_reason")
class KnowsAllReasons(TinyReader):
    def reason_of(self, word: str) -> FinishReason:
        return FinishReason(word)


@found_by("the_finish_has_the_request_id", says="became None")
class LosesTheRequestId(TinyReader):
    def finish(self) -> list[Event]:
        self._request_id = None
        return super().finish()


@found_by(
    "its_events_are_a_stream",
    "it_serves_several_readers",
    "finish_comes_once_and_last",
    "what_follows_the_end_is_dropped",
    "a_tool_call_in_one_piece_is_read",
    "fragments_of_a_tool_call_are_joined",
    "tool_calls_may_come_interleaved",
    "tool_calls_may_share_a_frame",
    "tool_calls_may_have_no_index",
    "ids_and_names_may_be_repeated",
    "later_pieces_may_write_null_or_nothing",
    "a_tool_call_may_come_with_the_finish",
    "arguments_stay_as_the_model_wrote_them",
    "text_and_tool_calls_both_count",
    says="finish",
)
class FinishesTwice(TinyReader):
    def finish(self) -> list[Event]:
        return super().finish() * 2


@found_by("the_end_of_the_answer_does_not_wait_for_that_of_the_body", says="hangs", limit=0.5)
class WaitsForTheBody(TinyReader):
    def mark(self) -> list[Event]:
        return []


# Tool calls.


@found_by("tool_calls_may_have_no_index", says="failed with ProtocolError")
class NeedsTheIndex(TinyReader):
    def call_of(self, piece: dict[str, Any]) -> dict[str, Any]:
        if "index" not in piece:
            raise ProtocolError("this piece has no index")
        return super().call_of(piece)


@found_by("ids_and_names_may_be_repeated", says="became")
class OpensACallForEachId(TinyReader):
    def call_of(self, piece: dict[str, Any]) -> dict[str, Any]:
        if piece.get("id"):
            return self.new_call(piece.get("index"))
        return super().call_of(piece)


@found_by("later_pieces_may_write_null_or_nothing", says="failed with ProtocolError")
class AddsNull(TinyReader):
    def call(self, piece: dict[str, Any]) -> list[Event]:
        "" + (piece.get("function") or {}).get("arguments", "")
        return super().call(piece)


@found_by("tool_calls_may_share_a_frame", "a_whole_answer_has_its_tool_calls", says="became|are")
class TakesOneCallAFrame(TinyReader):
    def say(self, delta: dict[str, Any]) -> list[Event]:
        return super().say({**delta, "tool_calls": (delta.get("tool_calls") or ())[:1]})


@found_by("tool_calls_may_come_interleaved", says="became")
class AddsToTheLatestCall(TinyReader):
    def call_of(self, piece: dict[str, Any]) -> dict[str, Any]:
        known = [call for call in self.calls if call["id"] == piece.get("id")]
        if known or not piece.get("id"):
            return known[0] if known else self.calls[-1]
        return super().call_of(piece)


@found_by("arguments_stay_as_the_model_wrote_them", says="became")
class RepairsArguments(TinyReader):
    def call(self, piece: dict[str, Any]) -> list[Event]:
        function = piece.get("function") or {}
        if function.get("arguments") == "{}}":
            function["arguments"] = "{}"
        return super().call(piece)


# Answers that break.

BROKEN_OFF = (
    "a_stream_without_a_finish_is_an_error",
    "an_empty_stream_is_an_error",
)


@found_by(*BROKEN_OFF, says="ended as if all were well")
class TakesTheEndForAFinish(TinyReader):
    def at_end(self) -> list[Event]:
        return self.finish()


@found_by("an_error_in_one_read_with_text_hides_none", says="only '' came out")
class HidesTextInFrontOfAnError(TinyReader):
    def feed(self, data: bytes) -> list[Event]:
        events = super().feed(data)
        return [] if self.failure else events


@found_by(
    "malformed_records_are_protocol_errors",
    "bytes_that_are_no_text_are_told_or_replaced",
    says="ended as if all were well",
)
class SkipsWhatIsMalformed(TinyReader):
    def malformed(self, error: Exception) -> list[Event]:
        return []


@found_by(
    "malformed_records_are_protocol_errors",
    "bytes_that_are_no_text_are_told_or_replaced",
    says="raised JSONDecodeError",
)
class LetsErrorsOfParsingPass(TinyReader):
    def malformed(self, error: Exception) -> list[Event]:
        raise error


@found_by(
    "an_error_in_the_stream_is_told",
    "an_error_may_come_first",
    "an_error_in_one_read_with_text_hides_none",
    says="not ProviderError",
)
class KnowsNoErrorInTheStream(TinyReader):
    def take(self, chunk: dict[str, Any]) -> list[Event]:
        chunk.pop("error", None)
        return super().take(chunk)


@found_by("an_empty_answer_is_an_answer", says="ProtocolError: the answer is empty")
class RefusesEmptyAnswers(TinyReader):
    def finish(self) -> list[Event]:
        if not (self.text or self.calls):
            raise ProtocolError("the answer is empty")
        return super().finish()


@found_by(
    "usage_is_read",
    "usage_behind_the_finish_counts",
    "usage_is_the_total_so_far",
    "details_of_usage_are_read",
    says="became Usage",
)
class IgnoresUsage(TinyReader):
    def count(self, counts: Any) -> list[Event]:
        return []


@found_by(
    "a_whole_answer_in_place_of_a_stream_is_not_lost",
    "an_empty_stream_is_an_error",
    "call_gives_the_same_answer",
    "a_whole_answer_has_its_tool_calls",
    "it_answers_a_client",
    says="JSON in place of a stream gave",
)
class TakesJsonForNothing(TinyReader):
    def feed(self, data: bytes) -> list[Event]:
        self._first = False
        return super().feed(data)

    def at_end(self) -> list[Event]:
        return super().at_end() if self.text else self.finish()


@found_by(
    "call_gives_the_same_answer",
    "it_answers_a_client",
    "a_whole_answer_in_place_of_a_stream_is_not_lost",
    "a_whole_answer_has_its_tool_calls",
    says="text of a stream is .*, of a call ''",
)
class LosesTheTextOfACall(TinyReader):
    def take(self, chunk: dict[str, Any]) -> list[Event]:
        for choice in chunk.get("choices", ()):
            choice.pop("message", None)
        return super().take(chunk)
