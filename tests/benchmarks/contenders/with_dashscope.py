"""The official SDK of DashScope."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from dashscope import AioGeneration

# The SDK's types know neither plain dictionaries nor that an answer can be iterated.
MESSAGES: Any = [{"role": "user", "content": "Why is the sky blue?"}]


async def connect(base: str, variant: str) -> Callable[[], Awaitable[int]]:
    # Its own session stops at 100 connections.
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def ask() -> int:
        characters = 0
        answer: Any = await AioGeneration.call(
            "qwq-plus",
            messages=MESSAGES,
            api_key="sk-benchmark",
            base_address=base,
            session=session,
            stream=True,
            incremental_output=True,
            result_format="message",
        )
        async for chunk in answer:
            message = chunk.output.choices[0].message
            characters += len(message.get("reasoning_content") or message.content)
        return characters

    return ask
