"""The echo provider, found by its name, under the kit for providers."""

from typing import ClassVar

from junto.core import ChatClient, resolve_model
from junto.core.testing import validate_stream


class ProviderKit:
    """Stands where ProviderContract will."""

    name: ClassVar[str]

    async def test_its_stream_keeps_the_rules(self) -> None:
        client = ChatClient(resolve_model(self.name))
        whole = await client.call("Hello")
        streamed = await validate_stream(client.stream("Hello"))

        assert whole.text == streamed.text == "Hello"


class TestEcho(ProviderKit):
    name = "echo:small"
