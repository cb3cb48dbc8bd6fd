"""Just enough of HTTP/1.1: requests out of bytes, heads and chunks into bytes."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from attrs import frozen

__all__ = ["RawRequest", "chunk_of", "head_of", "parse_request"]


@frozen(kw_only=True, repr=False)
class RawRequest:
    """A request, whole.  Its repr shows nothing: a key is in it.

    Attributes:
        method: Such as ``"POST"``.
        path: With its query.
        headers: By their names in lower case.
        body: What it brings.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def parse_request(data: bytes) -> tuple[RawRequest, bytes] | None:
    """The first request in ``data``, and what stands behind it; ``None`` until it is whole."""
    head, ended, rest = data.partition(b"\r\n\r\n")
    if not ended:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        found = _unchunked(rest)
        if found is None:
            return None
        body, rest = found
    else:
        size = int(headers.get("content-length", "0"))
        if len(rest) < size:
            return None
        body, rest = rest[:size], rest[size:]
    return RawRequest(method=method, path=path, headers=headers, body=body), rest


def head_of(status: int, headers: Mapping[str, str]) -> bytes:
    """Status line and headers."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunk_of(data: bytes) -> bytes:
    """One chunk of a body; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _unchunked(data: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while True:
        line, ended, rest = data.partition(b"\r\n")
        if not ended:
            return None
        size = int(line.partition(b";")[0], 16)
        if len(rest) < size + 2:
            return None
        body += rest[:size]
        data = rest[size + 2 :]
        if size == 0:
            return body, data
