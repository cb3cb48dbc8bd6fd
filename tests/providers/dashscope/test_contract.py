"""The contract of providers, in both dialects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from junto.core import ChatModel
from junto.core.testing import ChatCompletions, DashScopeNative, ProviderContract
from junto.providers.dashscope import DashScopeModel

_OPTIONS = (*ProviderContract.options, "top_k", "top_logprobs", "thinking", "thinking_budget")


class TestNative(ProviderContract):
    dialect = DashScopeNative()
    choices = True
    options: ClassVar[Sequence[str]] = _OPTIONS
    option_names: ClassVar[Mapping[str, str]] = {"thinking": "enable_thinking"}
    always_sends: ClassVar[Sequence[str]] = ("thinking",)

    def make_model(self, base_url: str) -> ChatModel:
        return DashScopeModel("qwen-plus", api_key=self.key, base_url=base_url)


class TestCompatible(ProviderContract):
    dialect = ChatCompletions(prefix="/compatible-mode/v1")
    choices = True
    options: ClassVar[Sequence[str]] = _OPTIONS
    option_names: ClassVar[Mapping[str, str]] = {"thinking": "enable_thinking"}
    always_sends: ClassVar[Sequence[str]] = ("thinking",)

    def make_model(self, base_url: str) -> ChatModel:
        return DashScopeModel("qwen-plus", api_key=self.key, base_url=base_url)
