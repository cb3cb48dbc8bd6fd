"""What is asked and answered: each text says whose it is, and follows from the turn's id."""

import asyncio
import json
import random
import zlib
from collections.abc import AsyncIterator, Callable, Sequence

from junto.core import (
    Advisor,
    AssistantMessage,
    ChatRequest,
    Event,
    Finish,
    FinishReason,
    Message,
    Next,
    Phase,
    RunContext,
    TextDelta,
    ToolCallDelta,
    ToolCallPart,
    ToolMessage,
    ToolResult,
    UserMessage,
    collect,
)
from junto.core.memory import ConversationKey

TENANTS = ("acme", "zenith")
KEYS = tuple(ConversationKey(f"talk-{n}", tenant) for tenant in TENANTS for n in range(6))
HELD = "holding"
"""The tenant of conversations that a worker holds until it is killed."""

TOOL = "look"
# How long the model thinks before each piece, at most, in seconds.
THINKING = 0.004


def held(worker: int, life: int) -> ConversationKey:
    """The conversation that one life of a worker holds, and nobody else asks for."""
    return ConversationKey(f"held-{worker}-{life}", HELD)


def tag(key: ConversationKey, turn_id: str) -> str:
    return f"{key.tenant}|{key.conversation}|{turn_id}"


def asks_tool(turn_id: str) -> bool:
    return zlib.crc32(turn_id.encode()) % 4 == 0


def pieces(key: ConversationKey, turn_id: str) -> list[str]:
    count = zlib.crc32(turn_id.encode()) % 5 + 1
    return [f"{tag(key, turn_id)}|{n + 1} of {count};" for n in range(count)]


def question(key: ConversationKey, turn_id: str) -> str:
    return f"{tag(key, turn_id)}|asked"


def found(key: ConversationKey, turn_id: str) -> str:
    return f"{tag(key, turn_id)}|found"


def whole(key: ConversationKey, turn_id: str) -> tuple[Message, ...]:
    """What a turn says, from its question to the end of its answer."""
    messages: list[Message] = [UserMessage(question(key, turn_id))]
    if asks_tool(turn_id):
        call = ToolCallPart(f"call-{turn_id}", TOOL, json.dumps({"for": tag(key, turn_id)}))
        messages += [
            AssistantMessage([call]),
            ToolMessage(found(key, turn_id), call_id=call.id, name=TOOL),
        ]
    return (*messages, AssistantMessage("".join(pieces(key, turn_id))))


def whose(text: str) -> tuple[ConversationKey, str]:
    """The conversation and the turn that a text says it belongs to."""
    tenant, conversation, turn_id, _ = text.split("|", 3)
    return ConversationKey(conversation, tenant), turn_id


class Scribe:
    """A model whose answer follows from the question; it looks at the history it is given.

    Args:
        complain: Told of a conversation that no provider should have been sent.
    """

    provider = "chaos"
    model = "scribe"

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event | Sequence[Event]]:
        last = next(m for m in reversed(request.messages) if isinstance(m, UserMessage))
        key, turn_id = whose(last.text)
        if wrong := wrong_history(key, request.messages):
            self._complain(wrong)
        if key.tenant == HELD:
            yield TextDelta("still here")
            await asyncio.Event().wait()
        elif asks_tool(turn_id) and not isinstance(request.messages[-1], ToolMessage):
            await asyncio.sleep(random.uniform(0, THINKING))
            arguments = json.dumps({"for": tag(key, turn_id)})
            yield ToolCallDelta(0, f"call-{turn_id}", TOOL, arguments)
            yield Finish(FinishReason.TOOL_CALLS)
        else:
            for piece in pieces(key, turn_id):
                await asyncio.sleep(random.uniform(0, THINKING))
                yield TextDelta(piece)
            yield Finish(FinishReason.STOP)

    async def aclose(self) -> None:
        pass


class Tools(Advisor):
    """Answers the one tool call that a turn may have."""

    name = "tools"
    role = "tools"
    order = Phase.TOOLS

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        for _ in range(2):
            events: list[Event] = []
            async for event in next(request):
                events.append(event)
                yield event
            response = collect(events)
            answers: list[ToolMessage] = []
            for call in response.tool_calls:
                text = found(*whose(json.loads(call.arguments)["for"] + "|"))
                yield ToolResult(call.id, call.name, text)
                answers.append(ToolMessage(text, call_id=call.id, name=call.name))
            if not answers:
                return
            request = request.with_messages([*request.messages, *response.messages, *answers])


def wrong_history(key: ConversationKey, messages: Sequence[Message]) -> str:
    """What is wrong with a conversation that was handed to a model; empty if nothing is."""
    calls: set[str] = set()
    before: Message | None = None
    for message in messages:
        text = message.text
        if text and whose(text)[0] != key:
            return f"foreign: a model was sent {text!r} in {key}"
        if isinstance(message, ToolMessage) and message.call_id not in calls:
            return f"half: a model was sent a tool result without its call in {key}"
        if isinstance(message, UserMessage) and isinstance(before, UserMessage):
            return f"orphan: a model was sent a question without its answer in {key}"
        if isinstance(message, AssistantMessage):
            calls = {call.id for call in message.tool_calls}
        before = message
    return ""
