"""Checks of the bytes of a stream, however the network cuts them and gateways dress them."""

from __future__ import annotations

from collections.abc import Sequence

from ...chat import ChatRequest
from ...errors import ChatError
from ...usage import FinishReason
from ..kits.loops import claim
from ..wire import Blank, Frame, Reply
from .base import ANSWER, TEXT, USAGE, Checks, Heard, pieces, said

__all__ = ["ReadingChecks"]

_ODD = "日本語 и é: 👩‍👩‍👧 🏳️‍🌈 ½"
"""Characters of one to four bytes, and some that are made of several."""

_BATCH = 50
"""Streams of one run of an event loop."""

_LARGE = 1_500_000
"""Characters of one frame: more than a line reader takes."""


class ReadingChecks(Checks):
    """The same bytes are the same answer."""

    def test_a_plain_answer_is_read(self) -> None:
        """Text, usage and the reason to finish come out."""
        (heard,) = self.hear(ANSWER)
        response = heard.well()
        claim(response.text == TEXT, f"{TEXT!r} became {response.text!r}")
        finish = response.finish_reason
        claim(finish is FinishReason.STOP, f"the reason to finish became {finish!r}")

    def test_a_stream_may_come_byte_by_byte(self) -> None:
        """Each byte comes in a read of its own."""
        frames = [*said(_ODD, 4), Frame(finish=FinishReason.STOP, usage=USAGE)]
        body = b"".join(self.records(frames))
        single = self.reply(pieces(body, range(len(body))), rounds=3)
        self._same(single, wanted=_ODD, where="byte by byte")

    def test_a_stream_may_be_cut_anywhere(self) -> None:
        """Two reads, with the cut at every place of a frame with odd characters."""
        frames = [Frame(_ODD), Frame(finish=FinishReason.STOP)]
        body = b"".join(self.records(frames))
        replies = [self.reply(pieces(body, [at]), rounds=3) for at in range(1, len(body))]
        self._same(*replies, wanted=_ODD, where="cut in two")

    def test_a_stream_may_come_at_once(self) -> None:
        """All frames come in one read."""
        body = b"".join(self.records(ANSWER))
        self._same(self.reply([body]), wanted=TEXT, where="all at once")

    def test_one_read_may_end_in_the_next_record(self) -> None:
        """Reads of odd sizes hold several records and a piece of the next one."""
        body = b"".join(self.records(ANSWER))
        replies = [self.reply(pieces(body, range(0, len(body), n)), rounds=3) for n in (7, 64, 300)]
        self._same(*replies, wanted=TEXT, where="cut by size")

    def test_characters_may_be_cut(self) -> None:
        """A character whose bytes come in two reads is still that character."""
        body = b"".join(self.records([Frame(_ODD), Frame(finish=FinishReason.STOP)]))
        inside = [at for at in range(len(body)) if body[at] & 0xC0 == 0x80]
        claim(inside, "the dialect writes no character of several bytes")
        self._same(
            self.reply(pieces(body, inside), rounds=3), wanted=_ODD, where="cut in characters"
        )

    def test_lines_may_end_with_crlf(self) -> None:
        """CR LF is one end of a line, also if a read ends between the two."""
        body = b"".join(self.records(ANSWER)).replace(b"\n", b"\r\n")
        between = [at + 1 for at in range(len(body)) if body[at : at + 1] == b"\r"]
        replies = self.reply([body]), self.reply(pieces(body, between), rounds=3)
        self._same(*replies, wanted=TEXT, where="with CR LF")

    def test_lines_may_end_with_cr(self) -> None:
        """CR alone ends a line as well."""
        body = b"".join(self.records(ANSWER)).replace(b"\n", b"\r")
        self._same(self.reply([body]), wanted=TEXT, where="with CR")

    def test_comments_and_blank_lines_are_nothing(self) -> None:
        """What keeps a connection alive is no event."""
        records = [b"\n\n", *self.records(ANSWER)]
        alive = [part for record in records for part in (b": keep-alive\n\n", b":\n\n\n", record)]
        self._same(self.reply(alive), wanted=TEXT, where="with comments")

    def test_a_byte_order_mark_is_nothing(self) -> None:
        """A relay may have put one in front."""
        records = [b"\xef\xbb\xbf", *self.records(ANSWER)]
        self._same(self.reply([b"".join(records)]), wanted=TEXT, where="with a byte order mark")

    def test_unknown_fields_are_nothing(self) -> None:
        """Fields of a record that nobody uses are passed over."""
        records = [b"retry: 1000\nx-unknown: 1\nunknown\n" + r for r in self.records(ANSWER)]
        self._same(self.reply(records), wanted=TEXT, where="with unknown fields")

    def test_the_space_behind_data_is_optional(self) -> None:
        """``data:`` with a space and without one."""
        bare = [record.replace(b"data: ", b"data:") for record in self.records(ANSWER)]
        spaced = [record.replace(b"data:", b"data: ") for record in bare]
        self._same(self.reply(bare), self.reply(spaced), wanted=TEXT, where="with other spaces")

    def test_data_may_have_several_lines(self) -> None:
        """Several lines of data are one text, joined by line ends."""
        records = [r.replace(b'{"', b'{\ndata: "', 1) for r in self.records(ANSWER)]
        self._same(self.reply(records), wanted=TEXT, where="with data of several lines")

    def test_a_large_record_is_read(self) -> None:
        """A line of more than a megabyte is a line."""
        frames = [Frame("x" * _LARGE), Frame(finish=FinishReason.STOP)]
        (heard,) = self.hear(frames)
        length = len(heard.well("a large record").text)
        claim(length == _LARGE, f"of a text of {_LARGE} characters {length} came out")

    def test_many_records_in_one_read_are_all_read(self) -> None:
        """None is left over when a read holds hundreds."""
        text = TEXT * 10
        frames = [*said(text, 1), Frame(finish=FinishReason.STOP)]
        body = b"".join(self.records(frames))
        self._same(self.reply([body]), wanted=text, where="with many records in one read")

    def test_a_stream_may_have_another_content_type(self) -> None:
        """Gateways label streams in odd ways, or not at all."""
        kinds = ("text/event-stream; charset=utf-8", "Text/Event-Stream", "text/plain", "")
        records = self.records(ANSWER)
        replies = [self.reply(records, kind=kind) for kind in kinds]
        self._same(*replies, wanted=TEXT, where="with another content type")

    def test_a_stream_may_end_without_its_mark(self) -> None:
        """Some servers close the body where others say that this was all."""
        records = self.records(ANSWER)
        end = self.dialect.end()
        kept = records[:-1] if end and records[-1] == end else records
        self._same(self.reply(kept), wanted=TEXT, where="without a mark of the end")

    def test_half_a_character_harms_nothing(self) -> None:
        """Half of a surrogate pair is replaced: what is around it is kept, and can be sent on."""
        frames = [Frame("one \ud83d"), Frame(" two\x00"), Frame(finish=FinishReason.STOP)]
        (heard,) = self.hear(frames)
        text = heard.well("half of a surrogate pair").text
        kept = text.startswith("one ") and text.endswith(" two\x00")
        claim(kept, f"around half of a surrogate pair {text!r} is left")
        whole = not any("\ud800" <= character <= "\udfff" for character in text)
        claim(whole, f"{text!r} holds half of a surrogate pair: no file and no socket takes it")

    def test_a_whole_answer_in_place_of_a_stream_is_not_lost(self) -> None:
        """Answered with one piece of JSON, it gives that answer, or a typed error."""
        (heard,) = self.hear(self.whole(ANSWER))
        self._read_or_told(heard, "JSON in place of a stream")

    def test_a_stream_in_place_of_a_whole_answer_is_not_lost(self) -> None:
        """The same for ``call()``, where a service only streams."""
        request = self.request(stream=False)
        (heard,) = self.hear(self.streamed(ANSWER), request=request)
        self._read_or_told(heard, "a stream in place of JSON")

    def test_call_gives_the_same_answer(self) -> None:
        """Asked without streaming, text, calls, finish and usage are those of a stream."""
        frames = [
            *said(TEXT),
            Frame(finish=FinishReason.LENGTH, usage=USAGE, blank=Blank.NULL),
        ]
        streamed, called = self._both(frames, self.request(), self.request(stream=False))
        for name in ("text", "tool_calls", "finish_reason", "usage"):
            one, other = getattr(streamed, name), getattr(called, name)
            claim(one == other, f"{name} of a stream is {one!r}, of a call {other!r}")

    def _both(self, frames: Sequence[Frame], *requests: ChatRequest) -> list[object]:
        bench = self.bench(frames)

        async def main(_: object) -> list[Heard]:
            return [await bench.hear(request) for request in requests]

        heard = self.run(bench, main)
        return [one.well("a call" if i else "a stream") for i, one in enumerate(heard)]

    def _read_or_told(self, heard: Heard, where: str) -> None:
        if heard.error is not None:
            heard.failed(where, ChatError)
        elif heard.text != TEXT:
            msg = f"{where} gave {heard.text!r}: read it, or raise ProtocolError"
            raise AssertionError(msg)

    def _same(self, *replies: Reply, wanted: str, where: str) -> None:
        # Each batch has the time that counts as hanging for itself.
        for start in range(0, len(replies), _BATCH):
            for heard in self.hear(*replies[start : start + _BATCH]):
                text = heard.well(f"a stream {where}").text
                claim(text == wanted, f"{where} {wanted[:200]!r} became {text[:200]!r}")
