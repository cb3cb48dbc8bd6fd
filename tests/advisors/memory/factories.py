"""One table of the stores that every test of stores runs with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from junto.advisors import InProcessStore, SQLiteStore
from junto.core.memory import LeasedStore


@frozen
class Factory:
    """How to get at one kind of store.

    Attributes:
        name: For the ids of tests.
        make: A new store over what is in a folder, a database or a server; called again
            with the same place it gives another store with the same turns.
        lasting: Whether it does.
    """

    name: str
    make: Callable[[Path], LeasedStore]
    lasting: bool = True


FACTORIES = [
    Factory("in-process", lambda _: InProcessStore(), lasting=False),
    Factory("sqlite", lambda folder: SQLiteStore(folder / "chat.db")),
]
