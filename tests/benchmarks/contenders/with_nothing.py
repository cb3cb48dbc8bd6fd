"""The floor: what aiohttp and orjson cost that read the answer's text, and do nothing else."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import aiohttp

try:
    from orjson import loads  # type: ignore[import-not-found]  # of the floor's environment
except ImportError:
    # Only the harness's own tests run the floor outside its environment.
    from json import loads

_NATIVE = "/services/aigc/text-generation/generation"
_MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]
_BODIES: dict[str, dict[str, Any]] = {
    "native": {
        "model": "qwq-plus",
        "input": {"messages": _MESSAGES},
        "parameters": {"incremental_output": True, "result_format": "message"},
    },
    "openai": {"model": "qwen-plus", "messages": _MESSAGES, "stream": True},
}


async def connect(base: str, variant: str) -> Callable[[], Awaitable[int]]:
    session = _session()

    async def ask() -> int:
        characters = 0
        async for piece in _pieces(session, base, variant):
            characters += len(piece)
        return characters

    return ask


async def leave(base: str, variant: str, how: str, leaving: Callable[[], None]) -> None:
    async with _session() as session, aclosing(_pieces(session, base, variant)) as pieces:
        async for _ in pieces:
            break
        leaving()
        await pieces.aclose()


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def _pieces(
    session: aiohttp.ClientSession, base: str, variant: str
) -> AsyncGenerator[str, None]:
    url = base + (_NATIVE if variant == "native" else "/chat/completions")
    response = await session.post(url, json=_BODIES[variant])
    try:
        rest = b""
        async for data in response.content.iter_any():
            *events, rest = (rest + data).split(b"\n\n")
            for event in events:
                start = event.find(b"data:") + 5
                if event.startswith(b"[DONE]", start + 1):
                    continue
                frame = loads(event[start:])
                if variant == "native":
                    message = frame["output"]["choices"][0]["message"]
                elif frame["choices"]:
                    message = frame["choices"][0]["delta"]
                else:
                    continue
                if piece := message.get("reasoning_content") or message.get("content"):
                    yield piece
    finally:
        response.close()
