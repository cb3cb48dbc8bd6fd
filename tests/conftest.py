"""What holds for every test."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

from junto.core import ModelFileError
from junto.providers.local import DEFAULT_MODEL, locate

from .servers import Servers

# A shared machine is slow at times; the time-out of a test is the limit that means something.
settings.register_profile("junto", deadline=None)
settings.load_profile("junto")


SERVERS = pytest.StashKey[Servers]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SERVERS] = Servers()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SERVERS].close()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """PostgreSQL and Redis, where there are any."""
    return request.config.stash[SERVERS]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say at the end, where it is seen, what was left out and why."""
    for kind, reason in config.stash[SERVERS].missing.items():
        what = "failed" if os.environ.get("JUNTO_REQUIRE_STORES") == "1" else "were skipped"
        terminalreporter.write_line(f"tests with {kind} {what}: {reason}", yellow=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the local model where it is not in the cache, and say how to get it."""
    marked = [item for item in items if item.get_closest_marker("local_model")]
    if not marked:
        return
    try:
        locate(DEFAULT_MODEL)
    except ModelFileError as error:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=str(error)))


@pytest.fixture(scope="session", autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """Let a call of ours that blocks the event loop fail its test."""
    parts = [f"junto.{part}" for part in ("core", "advisors", "providers", "app")]
    with blockbuster_ctx(parts) as active:
        for function in active.functions.values():
            # A client that is made by name reads what is installed, and imports the plugin.
            function.can_block_in("junto/core/plugins.py", {"_load"})
            # asyncpg looks for files of passwords and certificates when it connects.
            function.can_block_in("asyncpg/connect_utils.py", {"_parse_connect_arguments"})
        yield active
