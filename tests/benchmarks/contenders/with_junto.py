"""junto with its DashScope provider, through one of several stacks of advisors.

Variants: `` (none), `three` (logging, memory and reasoning), `around-50` (so many naive advisors
that wrap the stream).
"""

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

from junto.advisors import LoggingAdvisor, MemoryAdvisor, ReasoningAdvisor
from junto.core import (
    Advisor,
    ChatClient,
    ChatRequest,
    ChatStream,
    Event,
    Next,
    ReasoningDelta,
    RunContext,
    TextDelta,
)
from junto.providers.dashscope import DashScopeModel

QUESTION = "Why is the sky blue?"
# What ReasoningAdvisor prints around the chain of thought.
TAGS = len("<think></think>")

_conversations = count()


class Naive(Advisor):
    """Passes everything on, and takes no care of closing."""

    def __init__(self, number: int) -> None:
        self.name = f"naive-{number}"

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event


def client(base: str, variant: str) -> ChatClient:
    advisors: list[Advisor] = []
    if variant == "three":
        log_to_nowhere()
        advisors = [LoggingAdvisor(), MemoryAdvisor(), ReasoningAdvisor()]
    elif variant:
        advisors = [Naive(i) for i in range(int(variant.removeprefix("around-")))]
    model = DashScopeModel(api_key="sk-benchmark", base_url=base)
    return ChatClient(model, advisors=advisors)


def stream(asked: ChatClient) -> ChatStream:
    """Ask within a new conversation: memory has nothing to send along."""
    return asked.stream(QUESTION, conversation_id=str(next(_conversations)))


async def connect(base: str, variant: str) -> Callable[[], Awaitable[int]]:
    asked = client(base, variant)
    # An answer of one event has no reasoning.
    tags = 0 if "/burst-1/" in base else TAGS

    async def ask() -> int:
        """Print as one does with ReasoningAdvisor: the chain of thought in tags."""
        characters = 0
        async with stream(asked) as answer:
            async for piece in answer.text():
                characters += len(piece)
        return characters - tags

    async def ask_apart() -> int:
        """Read the events: without an advisor that shows it, reasoning is not for print."""
        characters = 0
        async with stream(asked) as answer:
            async for event in answer:
                if isinstance(event, TextDelta | ReasoningDelta):
                    characters += len(event.text)
        return characters

    return ask if variant == "three" else ask_apart


async def leave(base: str, variant: str, how: str, leaving: Callable[[], None]) -> None:
    asked = client(base, variant)
    async with stream(asked) as answer:
        async for _ in answer.text():
            break
        leaving()
        if how == "aclose":
            await answer.aclose()
            return
    # With `async with` it is the end of the block that leaves.


def log_to_nowhere() -> None:
    """Have every line written, to a file that keeps nothing: a log is part of the price."""
    logging.basicConfig(level=logging.INFO, filename=os.devnull)
