"""The contract of providers, as far as a model without a wire has to keep it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from junto.core.testing import ProviderContract
from junto.providers.local import LocalModel


@pytest.mark.usefixtures("fake_runtime")
class TestLocal(ProviderContract):
    http = False
    reopens = True
    prompt = "say Short |waves |scatter."

    @pytest.fixture
    def make_model(self, gguf: Path) -> Callable[[str], LocalModel]:
        return lambda _: LocalModel(gguf, slots=3)
