"""A stand-in for an OpenAI-compatible server on this machine: it streams one canned answer."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import web

__all__ = ["stand_in"]

ANSWER = ["The", "sky", "scatters", "blue", "light", "the", "most."]
USAGE = {"prompt_tokens": 14, "completion_tokens": len(ANSWER), "total_tokens": 14 + len(ANSWER)}


@asynccontextmanager
async def stand_in() -> AsyncGenerator[str, None]:
    """Serve on a free port of this machine, and give the base URL."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{site.port}/v1"
    finally:
        await runner.cleanup()


async def answer(request: web.Request) -> web.StreamResponse:
    """Answer whatever is asked, streamed or whole as it was asked for."""
    asked = await request.json()
    if asked["model"] == "no-such-model":
        error = {"message": "The model `no-such-model` does not exist", "code": "model_not_found"}
        return web.json_response({"error": error}, status=404)
    if not asked.get("stream"):
        message = {"role": "assistant", "content": " ".join(ANSWER)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return web.json_response({"choices": [choice], "usage": USAGE})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number, word in enumerate(ANSWER):
        delta = {"content": word if number == 0 else f" {word}"}
        await response.write(event({"choices": [{"index": 0, "delta": delta}]}))
    await response.write(event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
    await response.write(event({"choices": [], "usage": USAGE}) + b"data: [DONE]\n\n")
    return response


def event(payload: object) -> bytes:
    """One chunk of the stream."""
    return b"data: " + json.dumps(payload).encode() + b"\n\n"
