"""What the tests of this provider share."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from junto.providers.dashscope import DashScopeModel

from ...standin import StandIn
from ..hearing import Heard, hear, sum_up

__all__ = ["KEY", "Heard", "hear", "sum_up"]

KEY = "sk-0123456789abcdef-secret"


@pytest.fixture(autouse=True)
def _no_key_of_the_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in (
        "DASHSCOPE_API_KEY",
        "AI_DASHSCOPE_API_KEY",
        "DASHSCOPE_API_KEY_FILE_PATH",
        "DASHSCOPE_HTTP_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn() as standing:
        yield standing


@pytest.fixture
async def model(server: StandIn) -> AsyncIterator[DashScopeModel]:
    async with DashScopeModel("qwen-plus", api_key=KEY, base_url=server.url) as asked:
        yield asked
