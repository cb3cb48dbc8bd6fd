"""Every store that is shipped keeps the contract of all stores."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

import junto.advisors
from junto.core.memory import LeasedStore, MemoryStore
from junto.core.testing import MemoryContract

from ...servers import Servers
from .factories import FACTORIES, Factory, Make


class OfFactory(MemoryContract):
    """The contract for one line of the table."""

    factory: ClassVar[Factory]
    folder: Path
    make: Make

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path, servers: Servers) -> None:
        self.folder = tmp_path
        self.make = self.factory.on(servers)

    def store(self) -> LeasedStore:
        return self.make(self.folder)

    def again(self, store: MemoryStore) -> LeasedStore:
        return self.make(self.folder)


for _factory in FACTORIES:
    _name = "Test" + "".join(word.title() for word in _factory.name.split("-"))
    globals()[_name] = type(
        _name,
        (OfFactory,),
        {"factory": _factory, "lasting": _factory.lasting, "__module__": __name__},
    )


def test_every_store_that_is_shipped_is_in_the_table() -> None:
    shipped = {name for name in junto.advisors.__all__ if name.endswith("Store")} - {"MemoryStore"}

    assert shipped <= {factory.kind.__name__ for factory in FACTORIES}
