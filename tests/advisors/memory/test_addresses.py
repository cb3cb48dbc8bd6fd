"""One string names a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from junto.advisors import InProcessStore, MemoryAdvisor, SQLiteStore, open_store
from junto.advisors.memory.stores import address
from junto.core import MissingExtraError


@pytest.mark.parametrize("text", ["memory:", "memory://", "MEMORY:"])
def test_memory_is_this_process(text: str) -> None:
    assert isinstance(open_store(text, max_turns=5), InProcessStore)


def test_sqlite_is_a_file(tmp_path: Path) -> None:
    assert repr(open_store("sqlite:///chat.db")) == "SQLiteStore('chat.db')"
    assert repr(open_store("sqlite:////a/b%20c.db")) == "SQLiteStore('/a/b c.db')"
    assert isinstance(MemoryAdvisor(f"sqlite:///{tmp_path}/chat.db").store, SQLiteStore)


@pytest.mark.parametrize(
    "text", ["", "chat.db", "sqlite:chat.db", "sqlite:///", "memory:x", "redis:x", "mysql://a:pw@b"]
)
def test_anything_else_is_told_how_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///FILE") as caught:
        open_store(text)

    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "extra"),
    [("postgres://h/d", "postgres"), ("postgresql://h/d", "postgres"), ("redis://h", "redis")],
)
def test_what_is_missing_is_told_by_its_extra(
    text: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str, package: Any) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(f"{address.__name__}.importlib.import_module", missing)

    with pytest.raises(MissingExtraError, match=rf"pip install 'junto\[{extra}\]'"):
        open_store(text)
