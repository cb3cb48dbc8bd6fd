"""Fixtures with each kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from junto.core.memory import LeasedStore

from .factories import FACTORIES, Factory


@pytest.fixture(params=FACTORIES, ids=lambda factory: factory.name)
def factory(request: pytest.FixtureRequest) -> Factory:
    found: Factory = request.param
    return found


@pytest.fixture
async def store(factory: Factory, tmp_path: Path) -> AsyncIterator[LeasedStore]:
    """A store of each kind."""
    made: Any = factory.make(tmp_path)
    yield made
    await made.aclose()
