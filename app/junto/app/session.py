"""A client as the command uses it, and one turn with it."""

from __future__ import annotations

import asyncio
import uuid
from types import TracebackType
from typing import Any, Self

from attrs import field, frozen

from junto.advisors import (
    LoggingAdvisor,
    MemoryAdvisor,
    ReasoningAdvisor,
    check_conversation,
    open_store,
)
from junto.core import (
    Advisor,
    ChatClient,
    ChatOptions,
    ChatResponse,
    FinishReason,
    ModelWarning,
    ReasoningDelta,
    Restart,
    TextDelta,
    Usage,
)
from junto.core.memory import ALL

from .screen import Screen

__all__ = ["Session", "Settings"]

_CUT = {
    FinishReason.LENGTH: "the answer is cut: it reached its longest; -o max_tokens=… allows more",
    FinishReason.CONTENT_FILTER: "the answer is cut: a content filter ended it",
}


@frozen(kw_only=True)
class Settings:
    """What the command line said.

    Attributes:
        model: ``provider:model``.
        system: The system text.
        options: For every question.
        show_reasoning: Show the chain of thought on standard error.
        memory: How many earlier messages the model sees.
        store: The address of where conversations are kept; empty for nowhere.
        conversation: Which of them goes on; empty for a new one.
    """

    model: str = ""
    system: str = ""
    options: ChatOptions = field(factory=ChatOptions)
    show_reasoning: bool = True
    memory: int = 20
    store: str = ""
    conversation: str = ""


class Session:
    """A client behind memory, logging and reasoning advisors, and where it shows.

    Attributes:
        usage: Tokens of all turns so far.
        turns: How many there were.
        conversation: The one that it begins with.
    """

    def __init__(self, settings: Settings, screen: Screen) -> None:
        advisors: list[Advisor] = [LoggingAdvisor(), ReasoningAdvisor("apart")]
        self._store = open_store(settings.store) if settings.store else None
        if settings.memory or self._store is not None:
            advisors.append(MemoryAdvisor(self._store, max_messages=settings.memory))
        self.conversation = check_conversation(settings.conversation or uuid.uuid4().hex)
        self._settings = settings
        self._screen = screen
        self._client = ChatClient(
            settings.model,
            advisors=advisors,
            system=settings.system,
            options=settings.options,
        )
        self.usage = Usage()
        self.turns = 0

    @property
    def model(self) -> str:
        """Who answers, as ``provider:model``."""
        model = self._client.model
        return f"{model.provider}:{model.model}"

    async def load(self) -> None:
        """Let a model that has to be loaded do so now, where it can wait for nobody.

        Raises:
            ChatError: It cannot be used.
        """
        if self._store is not None:
            count = len(await self._store.load(self.conversation, ALL))
            turns = "1 turn" if count == 1 else f"{count} turns"
            if count or not self._settings.conversation:
                self._screen.note(f"conversation {self.conversation}, {turns} so far")
        load = getattr(self._client.model, "load", None)
        if load is not None:
            self._screen.status(f"loading {self.model} …")
            await load()

    async def turn(
        self, question: str, conversation: str, options: ChatOptions | None = None
    ) -> ChatResponse:
        """Ask, and show the answer as it comes.

        Raises:
            ChatError: Whatever went wrong.
            OutputError: Nobody reads any more.
        """
        # What arrived while the loop rested, such as a closed connection, is seen first.
        await asyncio.sleep(0)
        self._screen.status("…")
        try:
            response = await self._streamed(question, conversation, options or ChatOptions())
        except BaseException:
            self._screen.interrupt()
            raise
        self._screen.end()
        self.usage += response.usage
        self.turns += 1
        if cut := _CUT.get(response.finish_reason or FinishReason.STOP):
            self._screen.note(cut)
        return response

    async def _streamed(
        self, question: str, conversation: str, options: ChatOptions
    ) -> ChatResponse:
        screen, show = self._screen, self._settings.show_reasoning
        asked = self._client.stream(question, conversation_id=conversation, options=options)
        async with asked as stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    screen.answer(event.text)
                elif isinstance(event, ReasoningDelta):
                    if show:
                        screen.thinking(event.text)
                elif isinstance(event, ModelWarning):
                    screen.note(f"warning: {event.message}")
                elif isinstance(event, Restart):
                    screen.end()
                    screen.note("the answer above is void; here it begins anew")
            return await stream.response()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the model and the store."""
        try:
            await self._client.aclose()
        finally:
            close: Any = getattr(self._store, "aclose", None)
            if close is not None:
                await close()
