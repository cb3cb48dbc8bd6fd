"""The official SDK as a second reader of the same server."""

from typing import Any

import openai
from attrs import frozen


@frozen
class Said:
    """An answer, as a reader has it.

    Attributes:
        calls: Name and arguments of each; the id is new each time.
        usage: Tokens of prompt, completion and both.
    """

    text: str
    calls: list[tuple[str, str]]
    finish: str
    usage: list[int | None] | None


async def ask(url: str, key: str, question: dict[str, Any], *, stream: bool) -> Said:
    """Ask as the SDK's users do; only the pieces of a stream are joined here."""
    async with openai.AsyncOpenAI(api_key=key, base_url=url, max_retries=0) as client:
        create = client.chat.completions.create
        if not stream:
            whole = await create(**question)
            return _said(whole.choices[0].message, whole.choices[0].finish_reason, whole.usage)
        text, finish, usage = "", "", None
        calls: dict[int, list[str]] = {}
        async for chunk in await create(**question, stream=True):
            usage = chunk.usage or usage
            for choice in [choice for choice in chunk.choices if choice.index == 0]:
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
                for piece in choice.delta.tool_calls or ():
                    call = calls.setdefault(piece.index, ["", ""])
                    if piece.function is not None:
                        call[0] = call[0] or piece.function.name or ""
                        call[1] += piece.function.arguments or ""
        return Said(text, [(name, value) for name, value in calls.values()], finish, _count(usage))


def _said(message: Any, finish: str, usage: Any) -> Said:
    calls = [(call.function.name, call.function.arguments) for call in message.tool_calls or ()]
    return Said(message.content or "", calls, finish, _count(usage))


def _count(usage: Any) -> list[int | None] | None:
    return usage and [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens]
