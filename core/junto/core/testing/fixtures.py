"""Fixtures for pytest: import them into a ``conftest.py``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .network import forbid_network

__all__ = ["no_network"]


@pytest.fixture
def no_network() -> Iterator[None]:
    """Keep a test off the network; the loopback and Unix sockets may be used.

    ::

        from junto.core.testing import no_network  # in conftest.py

        pytestmark = pytest.mark.usefixtures("no_network")  # in a test module
    """
    with forbid_network():
        yield
