"""Requests and raw answers of real servers, captured on loopback, in `tests/fixtures`."""

import ast
import functools
import json
import re
from pathlib import Path
from typing import Any

from .recordings import Recording

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "openai-compatible"
_REQUEST = re.compile(
    rb"### (\w+) (\S+)[^\n]*\n(?:### REQUEST HEADERS ([^\n]*)\n)?### BODY:? ?([^\n]*)"
)


@functools.cache
def captures() -> dict[str, Recording]:
    """All captures, by name."""
    expected = json.loads((FOLDER / "expected.json").read_text("utf-8"))
    return {
        path.stem: _read(path, expected.get(path.stem, {})) for path in sorted(FOLDER.glob("*.txt"))
    }


def capture(name: str) -> Recording:
    """The capture in the file `name`."""
    return captures()[name]


def _read(path: Path, expect: dict[str, Any]) -> Recording:
    """Take a file apart: three lines of the request, then what came from the socket, and LF."""
    asked, _, answered = path.read_bytes().partition(b"\n\nHTTP/1.1 ")
    match = _REQUEST.match(asked)
    assert match is not None, path.name
    method, url, sent, body = match.groups()
    head, _, content = answered.partition(b"\n\n")
    lines = head.decode().splitlines()
    headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    return Recording(
        path.stem,
        int(lines[0].split()[0]),
        {k: v for k, v in headers.items() if k.lower().startswith(("content-type", "x-re"))},
        content.removesuffix(b"\n"),
        {
            "method": method.decode(),
            "path": url.decode(),
            "headers": ast.literal_eval((sent or b"{}").decode()),
            "body": body.decode(),
        },
        expect,
        "openai",
    )
