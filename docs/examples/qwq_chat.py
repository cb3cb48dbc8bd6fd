"""The QwQ chat service of the Spring AI tutorial, in Python.

With a key of DashScope, or without one against recordings::

    DASHSCOPE_API_KEY=sk-… python docs/examples/qwq_chat.py
    python docs/examples/qwq_chat.py --stand-in

Then, in another terminal::

    curl -N http://127.0.0.1:10002/qwq/chat-client/stream/chat

It prints the model's thinking between ``<think>`` and ``</think>``, then the answer.  The
header ``X-Conversation-Id`` of the reply says which conversation was begun; with it, the
next question remembers this one::

    curl -N -G http://127.0.0.1:10002/qwq/chat-client/stream/chat \
      -d conversation_id=42 --data-urlencode 'prompt=9.9 和 9.11 谁大？'
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from junto.advisors import InProcessStore, LoggingAdvisor, MemoryAdvisor, ReasoningAdvisor
from junto.core import (
    ChatClient,
    ChatError,
    ChatModel,
    ChatOptions,
    ChatTimeoutError,
    ContentFilteredError,
    ProtocolError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedRequestError,
    TransportError,
    UnavailableError,
)
from junto.providers.dashscope import DashScopeModel
from stand_in import stand_in

MODEL = "qwq-plus"
KEYS = ("AI_DASHSCOPE_API_KEY", "DASHSCOPE_API_KEY")
DEFAULT_PROMPT = "你好，介绍下你自己"

log = logging.getLogger("qwq_chat")


# 1. The client: a model, advisors, and the options of every question.


def make_client(model: ChatModel) -> ChatClient:
    """Build the client that all requests share."""
    return ChatClient(
        model,
        advisors=[
            # The last messages of the conversation go in front of the question.
            MemoryAdvisor(InProcessStore(max_conversations=10_000), max_messages=20),
            # One line a turn: who was asked, how it ended, what it cost.  No content.
            LoggingAdvisor(),
            # The thinking is printed as one <think>…</think> in front of the answer.
            ReasoningAdvisor(show="block"),
        ],
        # The tutorial sets it.  QwQ takes it and ignores it, of which a warning tells.
        options=ChatOptions(top_p=0.7),
    )


# 2. The model: one, with one HTTP session, for the life of the application.

OpenModel = Callable[[], AbstractAsyncContextManager[ChatModel]]


@asynccontextmanager
async def dashscope() -> AsyncGenerator[ChatModel, None]:
    """QwQ at DashScope.  The provider finds the key in the environment."""
    async with DashScopeModel(MODEL) as model:
        yield model


@asynccontextmanager
async def recordings() -> AsyncGenerator[ChatModel, None]:
    """The same provider, speaking to a stand-in in this process that replays recordings."""
    async with (
        stand_in() as base_url,
        DashScopeModel(MODEL, base_url=base_url, api_key="stand-in") as model,
    ):
        yield model


# 3. The application.

CLIENT = web.AppKey("CLIENT", ChatClient)


def make_app(open_model: OpenModel) -> web.Application:
    """Put the two routes in front of the client."""

    @asynccontextmanager
    async def client(app: web.Application) -> AsyncGenerator[None, None]:
        async with open_model() as model:
            app[CLIENT] = make_client(model)
            yield

    app = web.Application(middlewares=[errors_as_statuses])
    app.cleanup_ctx.append(client)
    # A HEAD request would ask the model, and throw the answer away.
    app.router.add_get("/qwq/chat-client/stream/chat", stream_chat, allow_head=False)
    app.router.add_get("/qwq/chat-client/simple/chat", simple_chat, allow_head=False)
    return app


async def stream_chat(request: web.Request) -> web.StreamResponse:
    """Answer piece by piece, each as soon as it is there."""
    prompt, conversation_id = question(request)
    response = web.StreamResponse(headers={"X-Conversation-Id": conversation_id})
    response.content_type, response.charset = "text/plain", "utf-8"
    # When the browser or curl leaves, aiohttp cancels this task; leaving `async with` then
    # closes the connection to the model, which stops generating.
    async with request.app[CLIENT].stream(prompt, conversation_id=conversation_id) as answer:
        try:
            async for piece in answer.text():
                # The status goes out with the first piece: until then, an error can be one.
                if not response.prepared:
                    await response.prepare(request)
                await response.write(piece.encode())
        except ChatError as error:
            if not response.prepared:
                raise
            # It is too late for a status.  A connection that ends without the last chunk
            # is how a client tells half an answer from a whole one.
            log.warning("an answer broke off: %s", error)
            if request.transport is not None:
                request.transport.close()
            return response
    if not response.prepared:
        await response.prepare(request)
    await response.write_eof()
    return response


async def simple_chat(request: web.Request) -> web.Response:
    """Answer at once, when the whole answer is there.  QwQ only streams: call() does."""
    prompt, conversation_id = question(request)
    response = await request.app[CLIENT].call(prompt, conversation_id=conversation_id)
    return web.Response(text=response.display_text, headers={"X-Conversation-Id": conversation_id})


def question(request: web.Request) -> tuple[str, str]:
    """Read the two parameters, both optional."""
    prompt = request.query.get("prompt") or DEFAULT_PROMPT
    conversation_id = request.query.get("conversation_id") or uuid.uuid4().hex
    # It goes back in a header, so it is narrower here than memory's own rule.
    if not re.fullmatch(r"[!-~]{1,128}", conversation_id):
        text = "conversation_id: 1 to 128 ASCII letters, digits or punctuation marks, no spaces\n"
        raise web.HTTPBadRequest(text=text)
    return prompt, conversation_id


# 4. Errors: what the model's side calls them, and what HTTP does.

STATUSES: tuple[tuple[type[ChatError], HTTPStatus], ...] = (
    (RejectedRequestError, HTTPStatus.BAD_REQUEST),
    (ContentFilteredError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (RateLimitedError, HTTPStatus.TOO_MANY_REQUESTS),
    (QuotaError, HTTPStatus.SERVICE_UNAVAILABLE),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (ChatTimeoutError, HTTPStatus.GATEWAY_TIMEOUT),
    # Among them a wrong key, which is ours and not the caller's.
    (ProviderError, HTTPStatus.BAD_GATEWAY),
    (TransportError, HTTPStatus.BAD_GATEWAY),
    (ProtocolError, HTTPStatus.BAD_GATEWAY),
    (ChatError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


@web.middleware
async def errors_as_statuses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn an error of the chat into a reply, if nothing was sent yet."""
    try:
        return await handler(request)
    except ChatError as error:
        status = next(status for kind, status in STATUSES if isinstance(error, kind))
        log.warning("%s: %s", type(error).__name__, error)
        # What went wrong on our side is for our log.
        text = str(error) if status < HTTPStatus.INTERNAL_SERVER_ERROR else status.description
        response = web.Response(status=status, text=f"{status.phrase}: {text}\n")
        if isinstance(error, ProviderError) and error.retry_after is not None:
            response.headers["Retry-After"] = str(round(error.retry_after))
        return response


# 5. The command.


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="A chat with QwQ over HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=10002)
    parser.add_argument(
        "--stand-in", action="store_true", help="replay recordings: no key, no network"
    )
    arguments = parser.parse_args()
    if not arguments.stand_in and not any(os.environ.get(name, "").strip() for name in KEYS):
        sys.exit(f"There is no key: set {' or '.join(KEYS)}, or try it with --stand-in.")

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        web.run_app(
            make_app(recordings if arguments.stand_in else dashscope),
            host=arguments.host,
            port=arguments.port,
            print=log.info,
            # It would write down the questions, which are part of the URL.
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=5,
        )
    except OSError as error:
        sys.exit(f"{error.strerror or error}; --host and --port take others.")


if __name__ == "__main__":
    main()
