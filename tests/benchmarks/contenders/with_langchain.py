"""LangChain: its model alone, or (variant `agent`) an agent with three middlewares."""

# mypy: disable-error-code="import-not-found, misc, no-any-unimported"
# It is installed in an environment of its own, so its classes are Any here.

from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_openai import ChatOpenAI

QUESTION = "Why is the sky blue?"


class Naive(AgentMiddleware):
    """Passes the call on."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    @property
    def name(self) -> str:
        return f"naive-{self.number}"

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        return await handler(request)


async def connect(base: str, variant: str) -> Callable[[], Awaitable[int]]:
    model = ChatOpenAI(model="qwen-plus", base_url=base, api_key="sk-benchmark")
    agent = create_agent(model, middleware=[Naive(i) for i in range(3)])

    async def ask_model() -> int:
        characters = 0
        async for chunk in model.astream(QUESTION):
            characters += _length(chunk)
        return characters

    async def ask_agent() -> int:
        characters = 0
        question = {"messages": [("user", QUESTION)]}
        async for chunk, _ in agent.astream(question, stream_mode="messages"):
            characters += _length(chunk)
        return characters

    return ask_agent if variant == "agent" else ask_model


def _length(chunk: Any) -> int:
    reasoning = chunk.additional_kwargs.get("reasoning_content") or ""
    return len(chunk.text) + len(reasoning)
