"""What the tests of this provider share."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from junto.providers.local import DEFAULT_MODEL, locate
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


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where a real llama.cpp server is: one process for all tests."""
    script = Path(__file__).with_name("llama_server.py")
    command = [sys.executable, str(script), str(locate(DEFAULT_MODEL)), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.stdin.close()


def url_of(server: StandIn) -> str:
    return server.url.removesuffix("/api/v1") + "/v1"
