"""The parser of server-sent events keeps the rules, and what DashScope adds to them."""

import itertools
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import ProtocolError
from junto.providers._json_scan import JSONScanner
from junto.providers.sse import SSEParser, SSERecord


def parse(*pieces: bytes, limit: int = 1 << 20) -> list[SSERecord]:
    parser = SSEParser(limit=limit)
    records = [record for piece in pieces for record in parser.feed(piece)]
    return records + parser.close()


def data(*pieces: bytes) -> list[bytes]:
    return [record.data for record in parse(*pieces)]


USUAL = b'id:1\nevent:result\n:HTTP_STATUS/200\ndata:{"a":1}\n\n'


def test_a_record_has_data_event_id_and_the_status_of_its_comment() -> None:
    body = b'id:7\nevent:error\n:HTTP_STATUS/429\ndata:{"code":"x"}\n\n'

    assert parse(body) == [SSERecord(b'{"code":"x"}', "error", b"7", 429)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_lines_end_with_lf_cr_or_both(end: bytes) -> None:
    assert parse(USUAL.replace(b"\n", end)) == parse(USUAL)


def test_an_lf_that_was_cut_from_its_cr_ends_no_second_line() -> None:
    assert data(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == [b"a\nb"]


def test_one_byte_order_mark_is_dropped_and_only_at_the_start() -> None:
    mark = b"\xef\xbb\xbf"

    assert data(mark[:1], mark[1:2], mark[2:] + b"data:a\n\n" + mark + b"data:b\n\n") == [b"a"]


def test_at_most_one_space_is_stripped() -> None:
    assert data(b"data:  a\n\n") == [b" a"]


def test_data_lines_are_joined_and_an_empty_one_counts() -> None:
    assert data(b"data: a\ndata\ndata:b\n\n") == [b"a\n\nb"]


def test_what_has_no_data_is_no_record() -> None:
    assert data(b"event: x\nid: 3\n\n: hello\n\n\n\nretry: 5\n\nwhatever\n\n") == []


def test_a_missing_empty_line_is_made_up_for_by_the_next_data() -> None:
    body = USUAL.replace(b"\n\n", b"\n") + USUAL.replace(b"\n\n", b"\n").replace(b"id:1", b"id:2")

    assert parse(body) == [
        SSERecord(b'{"a":1}', "result", b"1", 200),
        SSERecord(b'{"a":1}', "result", b"2", 200),
    ]


def test_fields_after_the_data_belong_to_it_when_an_empty_line_follows() -> None:
    body = b'data:{"code":"x"}\nevent:error\n:HTTP_STATUS/500\n\n'

    assert parse(body) == [SSERecord(b'{"code":"x"}', "error", b"", 500)]


def test_json_over_several_lines_is_one_record_also_without_an_empty_line() -> None:
    body = b'data:{"a":\ndata: "}{",\ndata:"b":[\\"\ndata:]}\nid:2\ndata:{}\n\n'.replace(
        b'\\"', b""
    )

    assert [json.loads(each) for each in data(body)] == [{"a": "}{", "b": []}, {}]


def test_a_status_glued_to_the_event_is_taken_off() -> None:
    assert parse(b"event:x.created:HTTP_STATUS/200\ndata:{}\n\n") == [
        SSERecord(b"{}", "x.created", b"", 200)
    ]


def test_whole_json_at_the_end_of_the_input_is_a_record() -> None:
    assert data(USUAL.rstrip()) == [b'{"a":1}']


@pytest.mark.parametrize(
    ("rest", "truncated"),
    [(b"", False), (b": hi", False), (b"id:3\n", True), (b'data:{"a":', True), (b"\n", False)],
)
def test_an_end_inside_a_record_is_seen(rest: bytes, truncated: bool) -> None:
    parser = SSEParser()
    parser.feed(USUAL + rest)
    parser.close()

    assert parser.truncated is truncated


@pytest.mark.parametrize(
    "body",
    [
        b"data:" + b"x" * 200,
        b"data:" + b"x" * 200 + b"\n\n",
        b"data:xxxx\n" * 50,
        b":" + b"x" * 200,
    ],
)
def test_a_record_beyond_the_limit_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="longer than 100 bytes"):
        parse(body, limit=100)
    with pytest.raises(ProtocolError, match="longer than 100 bytes"):
        parse(*[body[i : i + 1] for i in range(len(body))], limit=100)


def test_a_record_beyond_the_limit_hides_none_before_it() -> None:
    parser = SSEParser(limit=100)

    assert [record.data for record in parser.feed(USUAL + b"data:" + b"x" * 200)] == [b'{"a":1}']
    with pytest.raises(ProtocolError, match="longer than 100 bytes"):
        parser.feed(b"\n\n")
    with pytest.raises(ProtocolError, match="longer than 100 bytes"):
        parser.close()


def test_what_the_limit_allows_does_not_depend_on_cuts() -> None:
    body = b"data:" + b"x" * 70 + b"\n:" + b"y" * 90 + b"\n\n"

    assert parse(body, limit=100) == parse(*[bytes([byte]) for byte in body], limit=100)


@pytest.mark.parametrize("cut", range(1, 16))
def test_the_end_of_json_is_found_in_any_pieces(cut: int) -> None:
    text = rb'{"a":"\\\"}{\""}'
    scanner = JSONScanner()
    scanner.feed(text[:cut])
    assert not scanner.closed

    scanner.feed(text[cut:])
    assert scanner.whole

    scanner.feed(b"}")
    assert (scanner.whole, scanner.closed) == (False, True)


def test_memory_stays_flat_over_an_endless_stream() -> None:
    parser = SSEParser()
    body = (USUAL + b": heartbeat\n") * 50
    parser.feed(body)
    tracemalloc.start()
    try:
        for _ in range(200):
            parser.feed(body)
        assert tracemalloc.get_traced_memory()[0] < 64 * 1024
    finally:
        tracemalloc.stop()


def test_a_long_record_in_many_reads_is_put_together_once() -> None:
    parser = SSEParser()
    parser.feed(b'data:"')
    for _ in range(2000):
        assert parser.feed(b"x" * 1000) == []

    assert len(parser.feed(b'"\n\n')[0].data) == 2_000_002


@given(
    pieces=st.lists(
        st.sampled_from(
            [
                b"data:",
                b"data: {",
                b"}",
                b"{}",
                b"\n",
                b"\r",
                b"\r\n",
                b"\n\n",
                b":HTTP_STATUS/500",
                b"event:error",
                b"id:1",
                b" ",
                b'"',
                b"\\",
                "é".encode(),
                b"\xef\xbb\xbf",
                USUAL,
            ]
        ),
        max_size=30,
    ),
    cuts=st.lists(st.integers(0, 200), max_size=20),
)
def test_any_bytes_give_the_same_records_in_any_pieces(
    pieces: list[bytes], cuts: list[int]
) -> None:
    body = b"".join(pieces)
    at = [0, *sorted(cut for cut in cuts if cut <= len(body)), len(body)]

    cut_up = [body[a:z] for a, z in itertools.pairwise(at)]

    assert parse(*cut_up) == parse(body) == parse(*[bytes([byte]) for byte in body])
