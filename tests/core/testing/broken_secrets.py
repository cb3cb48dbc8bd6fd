"""Providers that give something away, and the checks that find it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from junto.core import (
    ChatRequest,
    Event,
    Finish,
)

from .broken_providers import found_by
from .tiny_provider import Tiny
from .tiny_wire import Connection


@found_by("the_model_does_not_show_the_key", says="model.kept.'key'. shows the key")
class KeepsThePlainKey(Tiny):
    def __init__(self, base_url: str, api_key: str) -> None:
        super().__init__(base_url, api_key)
        self.kept = {"key": api_key}


@found_by(
    "its_repr_tells_nothing",
    "the_model_does_not_show_the_key",
    "tracebacks_do_not_show_the_key",
    says="the repr tells a secret",
)
class ShowsTheKey(Tiny):
    def __repr__(self) -> str:
        return f"<{self.key.reveal()}>"


@found_by("errors_do_not_show_the_key", says="a 401 that quotes the key shows the key")
class QuotesTheService(Tiny):
    def scrub(self, text: str) -> str:
        return text


@found_by("tracebacks_do_not_show_the_key", says="locals of open.. .header. show the key")
class HoldsTheHeader(Tiny):
    async def open(self, request: ChatRequest) -> Connection:
        header = f"Bearer {self.key.reveal()}"
        connection = await super().open(request)
        assert header
        return connection


@found_by("logs_do_not_show_the_key", says="lines of a log show the key")
class LogsTheKey(Tiny):
    async def open(self, request: ChatRequest) -> Connection:
        logging.getLogger("tiny").debug("asking with %s", self.key.reveal())
        return await super().open(request)


@found_by(
    "the_key_is_sent_in_a_header",
    "tracebacks_do_not_show_the_key",
    says="the key stands in the URL",
)
class PutsTheKeyIntoTheUrl(Tiny):
    async def open(self, request: ChatRequest) -> Connection:
        url, self.url = self.url, f"{self.url}/{self.key.reveal()}"
        try:
            return await super().open(request)
        finally:
            self.url = url


@found_by("redirects_do_not_get_the_key", says="took the key to another host")
class FollowsRedirects(Tiny):
    async def open(self, request: ChatRequest) -> Connection:
        connection = await super().open(request)
        if connection.status // 100 != 3:
            return connection
        await self.free(connection)
        url, self.url = self.url, connection.headers["location"]
        try:
            return await super().open(request)
        finally:
            self.url = url


@found_by("events_do_not_show_the_key", says="an event shows the key")
class TellsTheKey(Tiny):
    async def stream(self, request: ChatRequest) -> AsyncIterator[list[Event]]:
        async for events in super().stream(request):
            if events and isinstance(events[-1], Finish):
                events[-1].metadata = {**events[-1].metadata, "sent": self.key.reveal()}
            yield events


@found_by("cookies_are_not_kept", says="comes back with the next request")
class KeepsCookies(Tiny):
    async def open(self, request: ChatRequest) -> Connection:
        connection = await super().open(request)
        if "set-cookie" in connection.headers:
            self.headers["Cookie"] = connection.headers["set-cookie"].partition(";")[0]
        return connection
