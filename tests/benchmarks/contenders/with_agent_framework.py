"""Microsoft Agent Framework: its client for chat completions."""

# mypy: disable-error-code="import-not-found"
# It is installed in an environment of its own.

from collections.abc import Awaitable, Callable

from agent_framework import Message
from agent_framework.openai import OpenAIChatCompletionClient


async def connect(base: str, variant: str) -> Callable[[], Awaitable[int]]:
    client = OpenAIChatCompletionClient(model="qwen-plus", base_url=base, api_key="sk-benchmark")

    async def ask() -> int:
        characters = 0
        question = [Message("user", ["Why is the sky blue?"])]
        async for update in client.get_response(question, stream=True):
            characters += sum(len(getattr(part, "text", None) or "") for part in update.contents)
        return characters

    return ask
