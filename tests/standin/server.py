"""The server: it answers each request with the next reply that the test has put down."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from attrs import Factory, define, field, frozen

from .recordings import Recording


class Stage(Enum):
    """Directions between the bytes of a reply."""

    ABORT = "cut the connection, without the end of the body"
    GONE = "wait until the client has gone away"


ABORT = Stage.ABORT
GONE = Stage.GONE

Step = bytes | float | asyncio.Event | Stage


@frozen
class Reply:
    """What to answer: pieces of the body, each written by itself, and directions.

    Attributes:
        steps: Bytes to write, seconds to wait, events to wait for, or a direction.
        status: Of HTTP.
        headers: Instead of those of a stream; without a content type there, none is sent.
    """

    steps: Sequence[Step] = ()
    status: int = 200
    headers: dict[str, str] = field(
        factory=lambda: {"Content-Type": "text/event-stream;charset=UTF-8"}
    )

    @classmethod
    def of(cls, recording: Recording, steps: Sequence[Step] | None = None) -> "Reply":
        """A recording: in one piece, or in `steps` made from it."""
        body = [recording.body] if steps is None else steps
        return cls(body, recording.status, recording.headers)


@define
class Asked:
    """A request that came.

    Attributes:
        gone: Set when the client has closed the connection before the reply was whole.
        done: Set when the server is through with it, in whichever way.
    """

    path: str
    headers: dict[str, str]
    json: Any
    connection: object = None
    gone: asyncio.Event = Factory(asyncio.Event)
    done: asyncio.Event = Factory(asyncio.Event)


Answering = Callable[[Asked], Reply]
"""Makes the reply to a request, for tests in which several come at once."""


class StandIn:
    """Listens on 127.0.0.1 while it is entered.

    Attributes:
        asked: The requests so far.
        came: Set when there is one.
        url: Up to and including `/api/v1`.
    """

    def __init__(self, *replies: Reply | Answering) -> None:
        self.asked: list[Asked] = []
        self.url = ""
        self.came = asyncio.Event()
        self._replies = deque(replies)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        app.on_response_prepare.append(self._strip)
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.01
        )

    def will(self, *replies: Reply | Answering) -> None:
        """Put replies down, or functions that make one; the last is repeated."""
        self._replies.extend(replies)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/api/v1"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    @staticmethod
    async def _strip(request: web.Request, response: web.StreamResponse) -> None:
        if "no-type" in response.headers:
            del response.headers["no-type"]
            del response.headers["Content-Type"]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        sent = await request.json() if request.can_read_body else None
        asked = Asked(request.path, dict(request.headers), sent, request.transport)
        self.asked.append(asked)
        self.came.set()
        reply = self._replies.popleft() if len(self._replies) > 1 else self._replies[0]
        if not isinstance(reply, Reply):
            reply = reply(asked)
        headers = dict(reply.headers)
        if not any(name.lower() == "content-type" for name in headers):
            headers["no-type"] = "1"
        response = web.StreamResponse(status=reply.status, headers=headers)
        try:
            await response.prepare(request)
            for step in reply.steps:
                match step:
                    case bytes():
                        await response.write(step)
                        await asyncio.sleep(0)
                    case asyncio.Event():
                        await step.wait()
                    case Stage.ABORT:
                        await asyncio.sleep(0)
                        assert request.transport is not None
                        request.transport.abort()
                    case Stage.GONE:
                        await asyncio.Event().wait()
                    case _:
                        await asyncio.sleep(step)
        except (asyncio.CancelledError, ConnectionError):
            asked.gone.set()
            raise
        finally:
            asked.done.set()
        return response
