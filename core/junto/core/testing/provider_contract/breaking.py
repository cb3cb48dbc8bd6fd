"""Checks of answers that break: none of them looks like a whole one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import InterruptedStreamError, ProtocolError, ProviderError, TransportError
from ...usage import FinishReason
from ..kits.loops import claim
from ..validator import validate_events
from ..wire import Frame, Stage
from ..wire.reply import Step
from .base import ANSWER, Bench, Checks, Heard, failure, said

__all__ = ["BreakingChecks"]

_PART = "Short waves scatter most, and"
"""What comes of an answer that breaks."""


class BreakingChecks(Checks):
    """An answer that breaks raises, and what came of it is not lost."""

    def test_a_stream_without_a_finish_is_an_error(self) -> None:
        """The body ends well, but the answer has not: that is no end."""
        part = self.records(said(_PART))
        end = self.dialect.end()
        kept = part[:-1] if end and part[-1] == end else part
        self._breaks(kept, "a stream that ends without a finish", InterruptedStreamError)

    def test_a_stream_that_ends_in_a_record_is_an_error(self) -> None:
        """The same in the middle of a record."""
        part = b"".join(self.records(said(_PART)))
        rest = self.records([Frame("more"), Frame(finish=FinishReason.STOP)])[0]
        cut = part.removesuffix(self.dialect.end()) + rest[: len(rest) // 2]
        kinds = InterruptedStreamError, ProtocolError
        self._breaks([cut], "a stream that ends in a record", *kinds)

    def test_an_empty_stream_is_an_error(self) -> None:
        """Nothing at all is no empty answer."""
        self._breaks([], "an empty stream", InterruptedStreamError, ProtocolError, part="")

    def test_a_connection_lost_in_the_stream_is_told(self) -> None:
        """It ends, or is reset, in the midst of the body."""
        for stage in (Stage.CUT, Stage.RESET):
            steps = [*self._begun(), stage]
            where = f"a connection that was lost in the stream ({stage.name})"
            self._breaks(steps, where, TransportError, lossy=stage is Stage.RESET)

    def test_an_error_in_the_stream_is_told(self) -> None:
        """Status 200, some text, and then an error: of the service, and typed."""
        record = self.dialect.failure(failure(500))
        error = self._breaks([*self._begun(), record], "an error in the stream", ProviderError)
        said_by = failure(500).message
        claim(said_by in str(error), f"the service said {said_by!r}, the error says {error}")

    def test_an_error_may_come_first(self) -> None:
        """Status 200, and an error as the first record."""
        record = self.dialect.failure(failure(429))
        self._breaks([record], "an error as the first record", ProviderError, part="")

    def test_an_error_in_one_read_with_text_hides_none(self) -> None:
        """Text in front of it in the same read has been said."""
        record = self.dialect.failure(failure(500))
        steps = [b"".join([*self._begun(), record])]
        self._breaks(steps, "an error in one read with text", ProviderError)

    def test_malformed_records_are_protocol_errors(self) -> None:
        """What is no JSON, or JSON of another shape, is not skipped and does not crash."""
        for record in self.dialect.malformed():
            steps = [*self._begun(), record, *self.records(ANSWER)]
            self._breaks(steps, f"the record {record!r}", ProtocolError)

    def test_bytes_that_are_no_text_are_told_or_replaced(self) -> None:
        """Bytes that are no UTF-8 neither crash nor hide the rest."""
        body = b"".join(self.records([Frame("one @@ two"), Frame(finish=FinishReason.STOP)]))
        (heard,) = self.hear(self.reply([body.replace(b"@@", b"\xff\xc3")]))
        if heard.error is not None:
            heard.failed("bytes that are no UTF-8", ProtocolError)
            return
        text = heard.text
        kept = text.startswith("one ") and text.endswith(" two")
        claim(kept, f"around bytes that are no UTF-8 {text!r} is left")

    def test_nothing_is_asked_again_behind_the_first_event(self) -> None:
        """What a reader was shown would come twice: no declaration allows that."""
        bench = self.bench(self.reply([*self._begun(), Stage.CUT]), ANSWER)

        async def main(_: Bench) -> Heard:
            return await bench.hear()

        heard = self.run(bench, main)
        count = len(bench.server.asked)
        claim(count == 1, f"behind the first event the request was sent {count - 1} times again")
        heard.failed("a connection that was lost in the stream", TransportError)

    def test_a_good_answer_follows_a_broken_one(self) -> None:
        """The model is as usable as before, and remembers nothing."""
        broken, heard = self.hear(self.reply([*self._begun(), Stage.CUT]), ANSWER)
        broken.failed("a connection that was lost in the stream", TransportError)
        response = heard.well("the answer after a broken one")
        fresh = not response.text.startswith(_PART + _PART[:5])
        claim(fresh and response.text, f"after a broken answer came {response.text!r}")

    def test_what_follows_the_end_is_dropped(self) -> None:
        """Behind the mark of the end there is no more answer."""
        behind = [b": bye\n\n", b"data: nonsense\n\n"]
        (heard,) = self.hear(self.reply([b"".join([*self.records(ANSWER), *behind])]))
        heard.well("an answer with something behind its end")
        claim(len(heard.finishes) == 1, "what follows the end gives another finish")

    def _begun(self) -> list[bytes]:
        records = self.records(said(_PART))
        return records[:-1] if self.dialect.end() else records

    def _breaks(
        self,
        steps: Sequence[Step],
        where: str,
        *kinds: Any,
        part: str = _PART,
        lossy: bool = False,
    ) -> Any:
        (heard,) = self.hear(self.reply(steps, rounds=3))
        error = heard.failed(where, *kinds)
        claim(not heard.finishes, f"{where} gives a finish in front of the error")
        # A reset may throw away what the client's system had not handed over.
        if not lossy:
            claim(heard.text == part, f"{where}: of {part!r} only {heard.text!r} came out")
        kept = error.partial_text == heard.text
        claim(kept, f"{where}: partial_text is {error.partial_text!r}, not {heard.text!r}")
        validate_events(heard.events, complete=False)
        return error
