"""Fixtures with each kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from junto.core.memory import ConversationKey, LeasedStore, summaries_of

from ...servers import Servers
from .factories import FACTORIES, Factory, Make


@pytest.fixture(params=FACTORIES, ids=lambda factory: factory.name)
def factory(request: pytest.FixtureRequest) -> Factory:
    found: Factory = request.param
    return found


@pytest.fixture
def make(factory: Factory, servers: Servers) -> Make:
    """How a store of each kind is made."""
    return factory.on(servers)


@pytest.fixture
async def store(make: Make, tmp_path: Path) -> AsyncIterator[LeasedStore]:
    """A store of each kind."""
    made: Any = make(tmp_path)
    # A server is shared with the test before: begin with nothing in it.
    for tenant in ("", "a", "b", "t"):
        for name in {"c", *await made.conversations(tenant)}:
            key = ConversationKey(name, tenant)
            await made.clear(key)
            await made.clear(summaries_of(key))
    yield made
    await made.aclose()
