"""The JSON-file store, found by its name, under the kit for stores."""

from pathlib import Path

import pytest

from junto.core import resolve_store
from junto.core.memory import MemoryStore
from junto.core.testing import MemoryContract


class TestJsonFile(MemoryContract):
    lasting = True

    @pytest.fixture(autouse=True)
    def _path(self, tmp_path: Path) -> None:
        self.path = tmp_path / "turns.json"

    def store(self) -> MemoryStore:
        store: MemoryStore = resolve_store(f"jsonfile:{self.path}")
        return store

    def again(self, store: MemoryStore) -> MemoryStore:
        return self.store()
