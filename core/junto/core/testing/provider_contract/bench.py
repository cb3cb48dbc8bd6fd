"""A model, the server that it asks, and what a reader gets of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define, field

from ...chat import ChatRequest, ChatResponse
from ...collect import collect
from ...errors import ChatError
from ...events import Event, Finish, TextDelta
from ...model import ChatModel
from ..kits.loops import claim, ticks
from ..wire.connection import Asked
from ..wire.server import Answer, Server

if TYPE_CHECKING:
    from .base import Checks

__all__ = ["Bench", "Heard", "events_of"]

T = TypeVar("T")

_ROUNDS = 5
"""How many rounds of the loop a socket has to be closed in: asyncio itself takes some."""

_PATIENCE = 0.5
"""Seconds that the end of a connection may be on its way through the system."""


@define
class Heard:
    """What a reader got, as far as he got.

    Attributes:
        events: In their order, without batches.
        error: What ended it.
        begun: Set with the first event.
    """

    events: list[Event] = field(factory=list[Event])
    error: Exception | None = None
    begun: asyncio.Event = field(factory=asyncio.Event, repr=False)

    @property
    def response(self) -> ChatResponse:
        """What the events amount to."""
        return collect(self.events)

    @property
    def text(self) -> str:
        """The answer, without reasoning."""
        return "".join([event.text for event in self.events if isinstance(event, TextDelta)])

    @property
    def finishes(self) -> list[Finish]:
        """The ends; one, if all is well."""
        return [event for event in self.events if isinstance(event, Finish)]

    def well(self, where: str = "the answer") -> ChatResponse:
        """The response, if there is one.

        Raises:
            AssertionError: It ended with an error.
        """
        if self.error is not None:
            msg = f"{where} failed with {shown(self.error)}"
            raise AssertionError(msg) from self.error
        return self.response

    def failed(self, where: str, *kinds: type[ChatError]) -> Any:
        """The error, if it is of these kinds, or of any in the tree if none is named.

        Raises:
            AssertionError: It is another one, or there is none.
        """
        wanted = " or ".join(kind.__name__ for kind in kinds) or "an error of junto's tree"
        if self.error is None:
            end = "as if all were well" if self.finishes else "without a finish"
            msg = f"{where} ended {end}, with the text {self.text[:80]!r}: raise {wanted}"
            raise AssertionError(msg)
        right = isinstance(self.error, kinds or ChatError)
        if not right:
            msg = f"{where} raised {shown(self.error)}, not {wanted}"
            raise AssertionError(msg) from self.error
        return self.error


class Bench:
    """One model, and a server behind it where it has a wire.

    Attributes:
        server: The server.
        model: The model.
    """

    def __init__(self, contract: Checks, *answers: Answer) -> None:
        self._contract = contract
        self._closed = False
        self._server = Server(*answers) if answers else None
        url = "" if self._server is None else self._server.url + contract.dialect.prefix
        try:
            self.model: ChatModel = contract.made(url)
        except BaseException:
            self.close()
            raise

    @property
    def server(self) -> Server:
        """The server; only checks of a wire ask for it."""
        if self._server is None:
            raise RuntimeError("there is no server")
        return self._server

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def aclose(self) -> None:
        """Close the model, once."""
        if not self._closed:
            self._closed = True
            await self.model.aclose()

    async def used(
        self, main: Callable[[Bench], Coroutine[Any, Any, T]], *, closing: bool = True
    ) -> T:
        """Run ``main`` beside the server, and close the model behind it."""
        if self._server is None:
            return await self._closed_after(main, closing=closing)
        async with self._server:
            return await self._closed_after(main, closing=closing)

    async def _closed_after(
        self, main: Callable[[Bench], Coroutine[Any, Any, T]], *, closing: bool
    ) -> T:
        try:
            return await main(self)
        finally:
            if closing:
                await self.aclose()

    def stream(self, request: ChatRequest | None = None) -> AsyncGenerator[Any, None]:
        """Ask.  Most models give an async generator, and all that can be closed will do."""
        asked = self._contract.request() if request is None else request
        return cast("AsyncGenerator[Any, None]", self.model.stream(asked))

    async def hear(self, request: ChatRequest | None = None, heard: Heard | None = None) -> Heard:
        """Ask, and read to the end, whatever the end is."""
        heard = heard or Heard()
        try:
            stream = self.stream(request)
            async for item in stream:
                heard.events += events_of(item)
                if heard.events:
                    heard.begun.set()
        except Exception as error:  # noqa: BLE001  whatever a reader may get
            heard.error = error
        return heard

    def reading(self, request: ChatRequest | None = None) -> tuple[asyncio.Task[Heard], Heard]:
        """The same in a task of its own, and what it has heard so far."""
        heard = Heard()
        return asyncio.create_task(self.hear(request, heard)), heard

    async def first(self, reader: asyncio.Task[Heard], heard: Heard) -> Asked:
        """Wait for the first event of a reader, and give its request."""
        await self.unless_over(reader, heard.begun.wait(), "before the first event")
        return self.server.asked[-1]

    async def came(self, reader: asyncio.Task[Heard], count: int = 1) -> Asked:
        """Wait until so many requests have come, and give the last one."""
        server = self.server
        came = server.until(lambda: len(server.asked) >= count)
        await self.unless_over(reader, came, "before a request came")
        return server.asked[-1]

    async def unless_over(
        self, reader: asyncio.Task[Heard], what: Awaitable[Any], when: str
    ) -> None:
        """Wait for something, but not longer than a reader reads."""
        waiting = asyncio.ensure_future(what)
        await asyncio.wait({reader, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            heard = reader.result()
            how = "" if heard.error is None else f" with {shown(heard.error)}"
            msg = f"the stream was over{how} {when}"
            raise AssertionError(msg) from heard.error

    async def freed(self, asked: Asked, how: str, rounds: int = _ROUNDS) -> None:
        """Claim that the connection of a request is closed now, and not some time later."""
        await ticks(rounds)
        hint = "close it, and await that, before the stream ends"
        claim(asked.left(_PATIENCE), f"{how} leaves the connection open: {hint}")
        await asked.gone.wait()


def events_of(item: Any) -> Sequence[Event]:
    """One event, or a batch of them."""
    return cast("Sequence[Event]", item) if isinstance(item, Sequence) else [item]


def shown(error: BaseException) -> str:
    """An error for a message."""
    return f"{type(error).__name__}: {error}"
