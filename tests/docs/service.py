"""The service that the pages on DashScope speak to: a stand-in, and an environment to find it."""

import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from tests.standin import Reply, StandIn, recording


class Service(StandIn):
    """Answers every request as it was told last."""

    def replay(self, *names: str) -> None:
        """Answer with recordings, in turn; the last one is repeated."""
        self.answer(*[Reply.of(recording(name)) for name in names])

    def say(self, text: str, **output: Any) -> None:
        """Answer with a text, and with what the frame says beside it."""
        choice = {"message": {"content": text, "role": "assistant"}, "finish_reason": "stop"}
        frame = json.dumps({"output": {"choices": [choice], **output}, "request_id": "made-up"})
        self.answer(Reply([f"id:1\nevent:result\n:HTTP_STATUS/200\ndata:{frame}\n\n".encode()]))

    def answer(self, *replies: Reply) -> None:
        """Answer with these, in turn; the last one is repeated."""
        self._replies.clear()
        self.will(*replies)

    @property
    def last(self) -> Any:
        """The JSON of the last request."""
        return self.asked[-1].json


@asynccontextmanager
async def dashscope() -> AsyncGenerator[Service, None]:
    """Serve on this machine, with a key and an address in the environment."""
    before = dict(os.environ)
    async with Service() as service:
        for name in [name for name in os.environ if "DASHSCOPE" in name]:
            del os.environ[name]
        os.environ["DASHSCOPE_HTTP_BASE_URL"] = service.url
        os.environ["DASHSCOPE_API_KEY"] = "sk-made-up-0123456789"
        try:
            yield service
        finally:
            os.environ.clear()
            os.environ.update(before)
