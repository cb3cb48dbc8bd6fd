"""Where servers are, and how each says what has no one name in this protocol."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import frozen

from junto.core import ChatOptions

__all__ = ["SERVERS", "Server", "switches_of"]


@frozen(kw_only=True)
class Server:
    """A service, or a program that serves models.

    Attributes:
        base_url: Where it is, up to and including ``/v1`` or what it has in its place.
        max_tokens: The parameter that limits the answer.
        thinking: The parameter that switches the chain of thought, with dots for what is
            inside what; empty where there is none.
        words: What stands there for off and on, if it is not false and true.
        thinking_budget: The parameter that limits the chain of thought.
        keeps_reasoning: It wants the reasoning of earlier answers back.
    """

    base_url: str
    max_tokens: str = "max_tokens"
    thinking: str = ""
    words: tuple[Any, Any] = (False, True)
    thinking_budget: str = ""
    keeps_reasoning: bool = False


_TEMPLATE = "chat_template_kwargs.enable_thinking"

SERVERS: Mapping[str, Server] = MappingProxyType(
    {
        "openai": Server(base_url="https://api.openai.com/v1", max_tokens="max_completion_tokens"),
        "deepseek": Server(
            base_url="https://api.deepseek.com/v1",
            thinking="thinking.type",
            words=("disabled", "enabled"),
            keeps_reasoning=True,
        ),
        "dashscope": Server(
            base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
            thinking="enable_thinking",
            thinking_budget="thinking_budget",
        ),
        "gemini": Server(base_url="https://generativelanguage.googleapis.com/v1beta/openai"),
        "groq": Server(base_url="https://api.groq.com/openai/v1"),
        "mistral": Server(base_url="https://api.mistral.ai/v1"),
        "moonshot": Server(base_url="https://api.moonshot.cn/v1"),
        "openrouter": Server(
            base_url="https://openrouter.ai/api/v1",
            thinking="reasoning.enabled",
            thinking_budget="reasoning.max_tokens",
        ),
        "together": Server(base_url="https://api.together.xyz/v1"),
        "xai": Server(base_url="https://api.x.ai/v1"),
        "llamacpp": Server(base_url="http://127.0.0.1:8080/v1", thinking=_TEMPLATE),
        "litellm": Server(base_url="http://127.0.0.1:4000/v1"),
        "lmstudio": Server(base_url="http://127.0.0.1:1234/v1"),
        "ollama": Server(
            base_url="http://127.0.0.1:11434/v1",
            thinking="reasoning_effort",
            words=("none", "medium"),
        ),
        "sglang": Server(base_url="http://127.0.0.1:30000/v1", thinking=_TEMPLATE),
        "vllm": Server(
            base_url="http://127.0.0.1:8000/v1",
            thinking=_TEMPLATE,
            thinking_budget="thinking_token_budget",
        ),
    }
)
"""The servers that have names; any other one has its ``base_url``."""


def switches_of(row: Server, options: ChatOptions) -> tuple[dict[str, Any], list[str]]:
    """What ``thinking`` and ``thinking_budget`` become; and those that become nothing."""
    switches: dict[str, Any] = {}
    lost: list[str] = []
    for name in ("thinking", "thinking_budget"):
        value, path = getattr(options, name), getattr(row, name)
        if value is None:
            continue
        if not path:
            lost.append(name)
            continue
        key, _, inner = path.partition(".")
        if name == "thinking":
            value = row.words[value]
        switches[key] = {**switches.get(key, {}), inner: value} if inner else value
    return switches, lost
