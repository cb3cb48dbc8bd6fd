"""The official SDK of OpenAI."""

from collections.abc import Awaitable, Callable

from openai import AsyncOpenAI


async def connect(base: str, variant: str) -> Callable[[], Awaitable[int]]:
    client = AsyncOpenAI(base_url=base, api_key="sk-benchmark")

    async def ask() -> int:
        characters = 0
        answer = await client.chat.completions.create(
            model="qwen-plus",
            messages=[{"role": "user", "content": "Why is the sky blue?"}],
            stream=True,
        )
        async for chunk in answer:
            if chunk.choices:
                delta = chunk.choices[0].delta
                # What the SDK does not know it keeps as an extra attribute.
                piece = getattr(delta, "reasoning_content", None) or delta.content or ""
                characters += len(piece)
        return characters

    return ask
