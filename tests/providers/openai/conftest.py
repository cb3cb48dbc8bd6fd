"""What the tests of this provider share."""

import os
from collections.abc import AsyncIterator

import pytest

from junto.providers.openai import OpenAIModel

from ...standin import StandIn

KEY = "sk-0123456789abcdef-secret"


@pytest.fixture(autouse=True)
def _no_key_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL")):
            monkeypatch.delenv(name)


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn() as standing:
        yield standing


@pytest.fixture
async def model(server: StandIn) -> AsyncIterator[OpenAIModel]:
    async with OpenAIModel("m", api_key=KEY, base_url=url_of(server)) as asked:
        yield asked


def url_of(server: StandIn) -> str:
    return server.url.removesuffix("/api/v1") + "/v1"
