"""Pydantic AI: an agent, read event by event."""

# mypy: disable-error-code="import-not-found"
# It is installed in an environment of its own.

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic_ai import Agent, PartDeltaEvent, PartStartEvent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


async def connect(base: str, variant: str) -> Callable[[], Awaitable[int]]:
    provider = OpenAIProvider(base_url=base, api_key="sk-benchmark")
    agent: Any = Agent(OpenAIChatModel("qwen-plus", provider=provider))

    async def ask() -> int:
        characters = 0
        async with agent.run_stream_events("Why is the sky blue?") as events:
            async for event in events:
                if isinstance(event, PartStartEvent):
                    characters += len(event.part.content)
                elif isinstance(event, PartDeltaEvent):
                    characters += len(event.delta.content_delta)
        return characters

    return ask
