"""What holds for every test."""

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

# A shared machine is slow at times; the time-out of a test is the limit that means something.
settings.register_profile("junto", deadline=None)
settings.load_profile("junto")


@pytest.fixture(scope="session", autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """Let a call of ours that blocks the event loop fail its test."""
    parts = [f"junto.{part}" for part in ("core", "advisors", "providers", "app")]
    with blockbuster_ctx(parts) as active:
        for function in active.functions.values():
            # A client that is made by name reads what is installed, and imports the plugin.
            function.can_block_in("junto/core/plugins.py", {"_load"})
        yield active
