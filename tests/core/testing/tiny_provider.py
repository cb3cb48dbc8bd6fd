"""A correct provider in few lines, each step of which can be broken by itself."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Mapping
from typing import Any

from junto.core import (
    AssistantMessage,
    AuthenticationError,
    ChatConnectionError,
    ChatRequest,
    Event,
    Message,
    ProtocolError,
    ProviderError,
    RateLimitedError,
    RejectedRequestError,
    Secret,
    ToolMessage,
    TransportError,
    UnavailableError,
)
from junto.core.testing import ProviderContract

from .tiny_reader import TinyReader
from .tiny_wire import Connection, check_head

OPTIONS = ProviderContract.options

KINDS: Mapping[int, type[ProviderError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    429: RateLimitedError,
}


class Tiny:
    """Chat completions over one connection a request."""

    provider = "tiny"
    reader_type: type[TinyReader] = TinyReader

    def __init__(self, base_url: str, api_key: str, model: str = "tiny-1") -> None:
        self.model = model
        self.url = f"{base_url}/chat/completions"
        self.key = Secret(api_key)
        self.running: set[Connection] = set()
        self.closed = False
        self.headers: dict[str, str] = {}

    async def stream(self, request: ChatRequest) -> AsyncIterator[list[Event]]:
        if self.closed:
            raise ChatConnectionError("the model is closed")
        reader: TinyReader | None = None
        connection = await self.open(request)
        try:
            check_head(connection.status, connection.headers)
            if connection.status != 200:
                raise await self.refusal(connection)
            reader = self.made_reader(connection)
            while not (reader.done or reader.failure):
                data = await connection.read()
                events = reader.feed(data) if data else reader.end()
                if events:
                    yield events
            if reader.failure:
                raise reader.failure
        except (TransportError, ProtocolError, ProviderError) as error:
            self.complete(error, reader)
            raise
        finally:
            await self.free(connection)

    async def aclose(self) -> None:
        self.closed = True
        for connection in self.running:
            connection.break_off()

    async def open(self, request: ChatRequest) -> Connection:
        """A connection whose answer has begun."""
        body = self.encoded(self.body(request))
        connection = await Connection.to(self.url)
        self.running.add(connection)
        try:
            await connection.post(self.url, body, self.key, self.headers)
        except BaseException:
            await self.free(connection)
            raise
        return connection

    def made_reader(self, connection: Connection) -> TinyReader:
        return self.reader_type(connection.headers.get("x-request-id"), self.scrub)

    async def free(self, connection: Connection) -> None:
        self.running.discard(connection)
        connection.close()

    def complete(
        self, error: TransportError | ProtocolError | ProviderError, reader: TinyReader | None
    ) -> None:
        error.partial_text = reader.text if reader else ""

    # What is sent.

    def body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.name_of(request)}
        body["messages"] = [self.message(message) for message in request.messages]
        if request.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if request.options.tools:
            names = [tool.name for tool in request.options.tools]
            body["tools"] = [{"type": "function", "function": {"name": name}} for name in names]
        return body | self.options(request) | dict(request.options.extra)

    def encoded(self, body: dict[str, Any]) -> bytes:
        return json.dumps(body).encode()

    def name_of(self, request: ChatRequest) -> str:
        return request.options.model or self.model

    def options(self, request: ChatRequest) -> dict[str, Any]:
        values = {name: getattr(request.options, name) for name in OPTIONS}
        return {name: value for name, value in values.items() if value is not None}

    def message(self, message: Message) -> dict[str, Any]:
        sent: dict[str, Any] = {"role": message.role, "content": message.text}
        if isinstance(message, ToolMessage):
            sent["tool_call_id"] = message.call_id
        if isinstance(message, AssistantMessage) and message.tool_calls:
            sent["tool_calls"] = [
                {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": "{}"}}
                for c in message.tool_calls
            ]
        return sent

    # What is refused.

    async def refusal(self, connection: Connection) -> ProviderError:
        body = b""
        try:
            while data := await connection.read():
                body += data
        except TransportError:
            pass  # the status alone says enough
        status, headers = connection.status, connection.headers
        return self.kind_of(status)(
            self.message_of(body, status),
            status=status,
            request_id=headers.get("x-request-id"),
            retry_after=self.wait_of(headers),
        )

    def kind_of(self, status: int) -> type[ProviderError]:
        default = RejectedRequestError if status < 500 else UnavailableError
        return KINDS.get(status, default)

    def message_of(self, body: bytes, status: int) -> str:
        try:
            message = json.loads(body)["error"]["message"]
        except (ValueError, TypeError, KeyError):
            message = f"status {status}"
        return self.scrub(str(message))

    def scrub(self, text: str) -> str:
        return text.replace(self.key.reveal(), "…")

    def wait_of(self, headers: Mapping[str, str]) -> float | None:
        try:
            seconds = float(headers.get("retry-after", ""))
        except ValueError:
            return None
        return seconds if math.isfinite(seconds) and seconds >= 0 else None


class TinyContract(ProviderContract):
    """The contract of the tiny provider and its broken kin."""

    made_of: type[Tiny] = Tiny

    def make_model(self, base_url: str) -> Tiny:
        return self.made_of(base_url, self.key)
