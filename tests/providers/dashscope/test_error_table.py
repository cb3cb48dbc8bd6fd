"""Each error of the service, in each shape in which it comes, means the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from junto.core import AuthenticationError, ChatRequest, ProviderError, Secret
from junto.providers.assembly import AnswerReader
from junto.providers.chat_completions import CompletionReader
from junto.providers.dashscope import DashScopeModel
from junto.providers.dashscope._errors import origin_of
from junto.providers.dashscope._reader import NativeReader
from junto.providers.failures import parse_failure, to_error

from ...standin import Reply, StandIn
from .conftest import KEY, hear
from .error_rows import ROWS, Row
from .faults.ways import COMPATIBLE, NATIVE, TEXT, WAYS, Way

ORIGIN = origin_of("qwen-plus", "dashscope.aliyuncs.com", Secret(KEY), "DASHSCOPE_API_KEY")
ID = "0f1e-2d3c"

every_row = pytest.mark.parametrize("row", ROWS, ids=str)


def native(row: Row, code: str | None = None) -> dict[str, Any]:
    code = row.native if code is None else code
    return {"request_id": ID, "code": code, "message": row.message}


def compatible(row: Row, code: str | None = None) -> dict[str, Any]:
    code = row.compatible or row.native if code is None else code
    inner = {"code": code or None, "message": row.message, "param": None, "type": code or None}
    return {"error": inner, "id": f"chatcmpl-{ID}"}


def framed(payload: dict[str, Any], status: int | None) -> bytes:
    """A native frame; the status is in a comment."""
    data = json.dumps(payload, ensure_ascii=False).encode()
    comment = b"" if status is None else b":HTTP_STATUS/%d\n" % status
    return b"id:1\nevent:error\n" + comment + b"data:" + data + b"\n\n"


def wrapped(payload: dict[str, Any]) -> bytes:
    """A frame of the compatible mode, which has no place for a status."""
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def bodies(row: Row) -> dict[str, bytes]:
    """What comes with an HTTP status."""
    return {
        "native": json.dumps(native(row)).encode(),
        "native, framed": framed(native(row), row.status),
        "native, framed, as if it were well": framed(native(row), 200),
        "native with the other code": json.dumps(native(row, row.compatible or None)).encode(),
        "compatible": json.dumps(compatible(row)).encode(),
        "compatible, framed": wrapped(compatible(row)),
        "compatible with the other code": json.dumps(compatible(row, row.native)).encode(),
    }


def streams(row: Row) -> dict[str, tuple[Way, bytes]]:
    """What comes inside a stream that began with status 200."""
    found = {
        "error event": (NATIVE, framed(native(row), row.status)),
        "native frame in the compatible mode": (COMPATIBLE, framed(native(row), row.status)),
    }
    if not row.needs_status:
        found |= {
            "compatible": (COMPATIBLE, wrapped(compatible(row))),
            "compatible with the other code": (COMPATIBLE, wrapped(compatible(row, row.native))),
            "compatible in the native mode": (NATIVE, wrapped(compatible(row))),
            "error event without a status": (NATIVE, framed(native(row), None)),
            "error event as if it were well": (NATIVE, framed(native(row), 200)),
        }
    return found


def check(error: object, row: Row, *, statusless: bool = False) -> None:
    assert isinstance(error, ProviderError)
    kind, retryable, wait = row.means
    assert type(error) is kind
    assert (error.kind, error.retryable, error.retry_after) == (row.kind, retryable, wait)
    assert error.status == row.status or (statusless and error.status is None)
    assert error.code in {row.native or None, row.compatible or None}
    assert error.request_id == ID
    assert row.message[:60] in str(error) or not row.message


@every_row
def test_with_a_status(row: Row) -> None:
    for body in bodies(row).values():
        check(to_error(parse_failure(body, row.status), ORIGIN), row)


@every_row
def test_in_a_stream(row: Row) -> None:
    for way, frame in streams(row).values():
        reader = reader_of(way)
        assert reader.feed(frame) == []
        check(reader.failure, row, statusless=not row.needs_status)


@every_row
def test_in_the_middle_of_a_stream_what_was_shown_is_kept(row: Row) -> None:
    for way, frame in streams(row).values():
        reader = reader_of(way)
        assert reader.feed(way.piece() + frame + way.end())
        check(reader.failure, row, statusless=not row.needs_status)
        assert isinstance(reader.failure, ProviderError)
        assert reader.failure.partial_text == TEXT
        assert not reader.finished


def reader_of(way: Way) -> AnswerReader:
    return NativeReader(ORIGIN) if way.is_native else CompletionReader(ORIGIN, id_is_request=True)


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_over_the_wire(way: Way, server: StandIn) -> None:
    # Each row in one of its shapes, and in each way in another one.
    shapes = [[*bodies(row).values()] for row in ROWS]
    cases = [
        (row, some[(number + WAYS.index(way)) % len(some)])
        for number, (row, some) in enumerate(zip(ROWS, shapes, strict=True))
    ]
    label = {"Content-Type": "application/json", "X-Request-Id": "another"}
    async with DashScopeModel(
        "qwen-plus", api_key=KEY, base_url=server.url, dialect=way.dialect
    ) as model:
        model._shared.found["qwen-plus"] = "text"  # known: nothing is asked twice
        server.will(*(Reply([body], row.status, label) for row, body in cases))
        for row, _ in cases:
            heard = await hear(model, ChatRequest("hi", stream=way.streamed))
            check(heard.error, row)


@pytest.mark.parametrize("shown", [False, True], ids=["first", "in the middle"])
@pytest.mark.parametrize("way", [NATIVE, COMPATIBLE], ids=str)
async def test_over_the_wire_in_a_stream(way: Way, server: StandIn, *, shown: bool) -> None:
    frames = [(row, f) for row in ROWS for w, f in streams(row).values() if w == way][shown::2]
    begun = way.piece() if shown else b""
    async with DashScopeModel(
        "qwen-plus", api_key=KEY, base_url=server.url, dialect=way.dialect
    ) as model:
        model._shared.found["qwen-plus"] = "text"
        server.will(*(Reply([begun + frame]) for _, frame in frames))
        for row, _ in frames:
            heard = await hear(model)
            check(heard.error, row, statusless=True)
            assert heard.text == getattr(heard.error, "partial_text", "") == TEXT * shown


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind == "auth"], ids=str)
def test_a_refused_key_names_its_source_its_host_and_the_other_regions(row: Row) -> None:
    for way, frame in streams(row).values():
        reader = reader_of(way)
        reader.feed(frame)
        text = str(reader.failure)
        for word in ("DASHSCOPE_API_KEY", ORIGIN.host, "intl", "us", "hk", "eu", "jp"):
            assert word in text


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    file = tmp_path / "key"
    file.write_text(KEY)
    return str(file)


@pytest.mark.parametrize("source", ["DASHSCOPE_API_KEY", "AI_DASHSCOPE_API_KEY", "api_key=", ""])
async def test_a_refused_key_names_where_it_was_found(
    source: str, server: StandIn, key_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    if not source:
        source = given["key_file"] = key_file
    elif source == "api_key=":
        given["api_key"] = KEY
    else:
        monkeypatch.setenv(source, KEY)
    server.will(Reply([b'{"code":"InvalidApiKey","message":"no"}'], 401))
    async with DashScopeModel("qwen-plus", base_url=server.url, **given) as model:
        heard = await hear(model)

    assert isinstance(heard.error, AuthenticationError)
    assert f"the key came from {source} and" in str(heard.error)
    assert KEY not in str(heard.error)


def test_the_table_has_a_case_for_each_code_that_is_documented() -> None:
    assert len(ROWS) > 150
    assert {row.status for row in ROWS} >= {400, 401, 403, 404, 409, 413, 429, 500, 503, 504}
