"""A stand-in for DashScope on this machine: it replays recordings, and understands nothing.

The recordings lie beside this file, in ``recordings/``, in the byte layout of DashScope's
native stream: the frames, the comments with a status, the spelling and order of the JSON
were compared with recorded traffic.  What the model says in them was written for this
example, and so were the ids and the numbers of tokens.

Which one is replayed depends on how many questions the request carries.  With more than
one, somebody remembered the earlier ones and sent them along; the recording for that has
a blank, which is filled with the first question in the request.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

__all__ = ["stand_in"]

PATH = "/api/v1/services/aigc/text-generation/generation"
RECORDINGS = {file.stem: file.read_bytes() for file in Path(__file__).parent.glob("recordings/*")}
BLANK = b"{{first question}}"
SECONDS_PER_FRAME = 0.02

log = logging.getLogger("stand_in")


@asynccontextmanager
async def stand_in() -> AsyncGenerator[str, None]:
    """Serve on a free port of this machine, and give the base URL."""
    app = web.Application()
    app.router.add_post(PATH, replay)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{site.port}/api/v1"
    finally:
        await runner.cleanup()


async def replay(request: web.Request) -> web.StreamResponse:
    """Answer like QwQ: a stream, or a refusal where none was asked for."""
    if request.headers.get("X-DashScope-SSE") != "enable":
        return web.json_response(
            {
                "code": "InvalidParameter",
                "message": "This model only support stream mode, please enable the stream "
                "parameter to access the model. ",
                "request_id": "b07d94ee-41aa-9f02-8c6b-1e3ac5d20f88",
            },
            status=400,
        )
    body = await request.json()
    messages = body["input"]["messages"]
    questions = [message["content"] for message in messages if message["role"] == "user"]
    name = choose(questions)
    log.info("questions in the request: %d; replaying: %s", len(questions), name)

    frames = RECORDINGS[name].split(b"\n\n")[:-1]
    filling = json.dumps(questions[0], ensure_ascii=False)[1:-1].encode()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream;charset=UTF-8"})
    await response.prepare(request)
    sent = 0
    try:
        for frame in frames:
            await response.write(frame.replace(BLANK, filling) + b"\n\n")
            sent += 1
            await asyncio.sleep(SECONDS_PER_FRAME)
    finally:
        if sent < len(frames):
            log.info("stopped after %d of %d frames", sent, len(frames))
    return response


def choose(questions: list[str]) -> str:
    """Name the recording for a conversation."""
    if len(questions) > 1:
        return "memory"
    return "nine_point_nine" if "9.9" in questions[0] else "introduction"
