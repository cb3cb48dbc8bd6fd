"""A stand-in for DashScope on this machine: it replays recordings, and understands nothing.

The recordings lie beside this file, in ``recordings/``, in the byte layout of DashScope's
native stream: the frames, the comments with a status, the spelling and order of the JSON
were compared with recorded traffic.  What the model says in them was written for this
example, and so were the ids and the numbers of tokens.

Which one is replayed depends on how many questions the request carries.  With more than
one, somebody remembered the earlier ones and sent them along; the recording for that has
a blank, which is filled with the first question in the request.

Vectors and scores are no recordings: texts count as near where they have letters in common.
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

SERVICES = "/api/v1/services"
PATH = f"{SERVICES}/aigc/text-generation/generation"
EMBEDDINGS = f"{SERVICES}/embeddings/text-embedding/text-embedding"
RERANK = f"{SERVICES}/rerank/text-rerank/text-rerank"
RECORDINGS = {file.stem: file.read_bytes() for file in Path(__file__).parent.glob("recordings/*")}
BLANK = b"{{first question}}"
SECONDS_PER_FRAME = 0.02

log = logging.getLogger("stand_in")


@asynccontextmanager
async def stand_in() -> AsyncGenerator[str, None]:
    """Serve on a free port of this machine, and give the base URL."""
    app = web.Application()
    app.router.add_post(PATH, replay)
    app.router.add_post(EMBEDDINGS, embed)
    app.router.add_post(RERANK, rerank)
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


async def embed(request: web.Request) -> web.Response:
    """Answer like an embedding model: each letter adds to one number of its text's vector."""
    body = await request.json()
    length = body["parameters"].get("dimension", 1024)
    entries = []
    for index, text in enumerate(body["input"]["texts"]):
        vector = [0.0] * length
        for letter in text:
            vector[ord(letter) % length] += 1 / len(text)
        entries.append({"embedding": vector, "text_index": index})
    return whole({"embeddings": entries}, sum(map(len, body["input"]["texts"])))


async def rerank(request: web.Request) -> web.Response:
    """Answer like a rerank model: a document scores by how much of the query is in it."""
    body = await request.json()
    query, documents = set(body["input"]["query"]), body["input"]["documents"]
    results = [
        {"index": index, "relevance_score": len(query & set(document)) / len(query)}
        for index, document in enumerate(documents)
    ]
    results.sort(key=lambda result: -result["relevance_score"])
    return whole({"results": results[: body["parameters"]["top_n"]]}, sum(map(len, documents)))


def whole(output: dict[str, object], tokens: int) -> web.Response:
    """Put ``output`` into an answer."""
    usage = {"total_tokens": tokens}
    return web.json_response({"output": output, "usage": usage, "request_id": "stand-in"})
