"""Models that the tests of the command talk with; `conftest.py` announces them as plugins."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from junto.core import (
    AuthenticationError,
    ChatRequest,
    Event,
    Finish,
    FinishReason,
    ModelWarning,
    ReasoningDelta,
    TextDelta,
    Usage,
    UsageUpdate,
)


class ActedModel:
    """Does what its name says."""

    provider = "acted"

    def __init__(self, model: str = "echo") -> None:
        self.model = model

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event]:
        try:
            async for event in getattr(self, f"_{self.model}")(request):
                yield event
        finally:
            mark("closed")

    async def aclose(self) -> None:
        mark("model closed")

    async def _echo(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Answer with all that was seen, so that memory and options show."""
        for message in request.messages:
            yield TextDelta(f"[{type(message).__name__.removesuffix('Message')}: {message.text}]")
        yield TextDelta(f"[thinking: {request.options.thinking}, top_p: {request.options.top_p}]")
        yield UsageUpdate(Usage(input_tokens=1200, output_tokens=34))
        yield Finish()

    async def _endless(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Begin, and wait for ever; a question with 'quick' in it is answered."""
        yield TextDelta("it begins")
        if "quick" not in request.user_text:
            await asyncio.Event().wait()
        yield TextDelta(" and ends")
        yield Finish()

    async def _stepwise(self, request: ChatRequest) -> AsyncIterator[Event]:
        """Give each further piece only when the reader has seen the one before."""
        yield TextDelta("first")
        with await asyncio.to_thread(open, os.environ["ACTED_FIFO"], "rb") as fifo:
            await asyncio.to_thread(fifo.read)
        yield TextDelta(" second")
        yield Finish()

    async def _much(self, request: ChatRequest) -> AsyncIterator[Event]:
        while True:
            yield TextDelta("a line\n" * 1000)

    async def _thinks(self, request: ChatRequest) -> AsyncIterator[Event]:
        yield ReasoningDelta("\nlet me ")
        yield ReasoningDelta("see\x1b[31m")
        yield TextDelta("the answer\n\n\n")
        yield Finish()

    async def _tags(self, request: ChatRequest) -> AsyncIterator[Event]:
        yield TextDelta("<think>let me see</think>the answer")
        yield Finish()

    async def _rude(self, request: ChatRequest) -> AsyncIterator[Event]:
        yield TextDelta("a\x1b]0;stolen\x07b\x9b2Jc\rd\x08e\tf\ng\ud800h\x7f")
        yield Finish()

    async def _denied(self, request: ChatRequest) -> AsyncIterator[Event]:
        raise AuthenticationError("the key is wrong: set ACTED_KEY to another one")
        yield

    async def _broken(self, request: ChatRequest) -> AsyncIterator[Event]:
        yield TextDelta("so far")
        raise AuthenticationError("no further: set ACTED_KEY")

    async def _buggy(self, request: ChatRequest) -> AsyncIterator[Event]:
        raise KeyError("bug")
        yield

    async def _cut(self, request: ChatRequest) -> AsyncIterator[Event]:
        yield ModelWarning("cut", "top_p", "top_p has no effect")
        yield TextDelta("as far as")
        yield Finish(FinishReason.LENGTH)


def mark(word: str) -> None:
    """Leave a trace of what happened, where a test asked for it."""
    if trace := os.environ.get("ACTED_TRACE"):
        with Path(trace).open("a", encoding="utf-8") as file:
            file.write(word + "\n")
