"""A provider that answers with the question."""

from collections.abc import AsyncIterator

from junto.core import ChatRequest, Event, Finish, FinishReason, TextDelta


class EchoModel:
    api, provider = 1, "echo"

    def __init__(self, model: str = "plain") -> None:
        self.model = model

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
        yield TextDelta(request.user_text)
        yield Finish(FinishReason.STOP, {"model": self.model})

    async def aclose(self) -> None: ...
