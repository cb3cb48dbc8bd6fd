"""Checks of every model, with a wire or without one: what it gives."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from types import FrameType
from typing import Any

from ...chat import ChatRequest
from ...client import ChatClient
from ...events import Finish, ReasoningDelta, TextDelta
from ...model import ChatModel
from ...options import ChatOptions
from ..kits.blocking import blocking_calls
from ..kits.loops import claim, ticks
from ..validator import validate_events, validate_stream
from .base import Bench, Checks, Heard

__all__ = ["PlainChecks"]

_ROUNDS = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233)


class PlainChecks(Checks):
    """What the pipeline takes for granted of a model."""

    def test_it_is_a_chat_model(self) -> None:
        """``provider`` and ``model`` are names, ``stream`` and ``aclose`` are there."""

        async def main(bench: Bench) -> None:
            model: Any = bench.model
            claim(isinstance(model, ChatModel), f"{type(model).__name__} is no ChatModel")
            for name in ("provider", "model"):
                value = getattr(model, name)
                named = isinstance(value, str) and value
                claim(named, f"{name} is {value!r}, and no name")
            kind = getattr(model, "options_type", ChatOptions)
            right = isinstance(kind, type) and issubclass(kind, ChatOptions)
            claim(right, f"options_type is {kind!r}, and no class of ChatOptions")

        self.run(self.asked(), main)

    def test_its_events_are_a_stream(self) -> None:
        """Sound events, with one finish, last: see ``validate_events``."""
        heard = self._heard()
        heard.well()
        validate_events(heard.events)

    def test_it_says_something_and_no_empty_text(self) -> None:
        """There is text or reasoning, and no padding."""
        heard = self._heard()
        heard.well()
        texts = [e.text for e in heard.events if isinstance(e, TextDelta | ReasoningDelta)]
        claim(texts, "there is neither text nor reasoning")
        claim(all(texts), "there are events of empty text")

    def test_it_answers_a_client(self) -> None:
        """In a chain, streamed and called, as raw."""

        async def main(bench: Bench) -> None:
            client = ChatClient(bench.model)
            streamed = await validate_stream(client.stream(self.prompt))
            called = await client.call(self.prompt)
            claim(called.finish_reason is not None, "a call gives no finish")
            same = streamed.text == called.text or not self.repeats
            hint = "or declare repeats = False"
            claim(same, f"a stream says {streamed.text!r}, a call {called.text!r}: {hint}")

        self.run(self.asked(), main)

    def test_stream_returns_at_once(self) -> None:
        """``stream()`` is no coroutine: it gives an iterator, and the first pull begins."""

        async def main(bench: Bench) -> None:
            stream: Any = bench.model.stream(self.request())
            right = isinstance(stream, AsyncIterator)
            close = getattr(stream, "aclose", None)
            claim(right, f"stream() gives {type(stream).__name__}: write async def with yield")
            claim(close is not None, "what stream() gives has no aclose()")
            await stream.aclose()

        self.run(self.asked(), main)

    def test_a_stream_can_be_closed_at_any_event(self) -> None:
        """And closing it again does nothing."""

        async def main(bench: Bench) -> None:
            for count in range(4):
                stream = bench.stream()
                for _ in range(count):
                    await anext(stream, None)
                await stream.aclose()
                await stream.aclose()

        self.run(self.asked(), main)

    def test_a_reader_can_be_cancelled(self) -> None:
        """After some rounds of the loop; and the next reader gets a whole answer."""

        async def main(bench: Bench) -> None:
            for rounds in _ROUNDS:
                reader, _ = bench.reading()
                await ticks(rounds)
                if reader.done():
                    break
                reader.cancel()
                await asyncio.wait({reader})
                claim(reader.cancelled(), f"a cancellation in round {rounds} was swallowed")
            (await bench.hear()).well("the answer after a cancellation")

        self.run(self.asked(), main)

    def test_the_request_is_not_changed(self) -> None:
        """A request is a value, and belongs to others too."""
        request = self.request().with_options(temperature=0.5, extra={})
        before = repr(request)
        self._heard(request)
        claim(repr(request) == before, f"the request became {request!r}")

    def test_it_does_not_block_the_loop(self) -> None:
        """Whatever waits is awaited."""
        calls: list[str] = []

        def watch(_: FrameType, event: str, called: Any) -> None:
            calls.extend(blocking_calls(event, called))

        async def main(bench: Bench) -> None:
            before = sys.getprofile()
            sys.setprofile(watch)
            try:
                (await bench.hear()).well()
            finally:
                sys.setprofile(before)

        self.run(self.asked(), main)
        claim(not calls, f"the event loop was blocked by {', '.join(calls)}")

    def _heard(self, request: ChatRequest | None = None) -> Heard:
        async def main(bench: Bench) -> Heard:
            return await bench.hear(request)

        heard = self.run(self.asked(), main)
        if heard.error is None and not any(isinstance(e, Finish) for e in heard.events):
            msg = "there is no finish: give one, or raise if the answer broke off"
            raise AssertionError(msg)
        return heard
