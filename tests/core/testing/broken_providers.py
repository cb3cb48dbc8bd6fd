"""Providers that send something else than was asked for, and the checks that find it.

Further faults are in the other modules ``broken_…``; each of them is found by exactly the
checks that are named.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve, frozen

from junto.core import (
    AssistantMessage,
    ChatRequest,
    Message,
    SystemMessage,
)

from .tiny_provider import Tiny
from .tiny_reader import TinyReader

__all__ = ["BROKEN", "Broken", "found_by"]


@frozen
class Broken:
    """A broken provider.

    Attributes:
        provider: Its class.
        checks: All checks that find the fault.
        says: What the first one says of it.
        limit: Seconds after which it hangs.
    """

    provider: type[Tiny]
    checks: tuple[str, ...]
    says: str
    limit: float = 5.0


BROKEN: list[Broken] = []


def found_by(*checks: str, says: str, limit: float = 5.0) -> Any:
    """Register a broken provider, or a reader for one."""

    def register(kind: type[Any]) -> type[Any]:
        provider = kind
        if issubclass(kind, TinyReader):
            provider = type(kind.__name__, (Tiny,), {"reader_type": kind})
        BROKEN.append(Broken(provider, checks, says, limit))
        return kind

    return register


# What is sent.


@found_by("messages_keep_their_number_roles_and_order", says="became")
class DropsTheSystemMessage(Tiny):
    def body(self, request: ChatRequest) -> dict[str, Any]:
        kept = [m for m in request.messages if not isinstance(m, SystemMessage)]
        return super().body(request.with_messages(kept))


@found_by(
    "parts_of_a_message_are_sent", "reasoning_of_earlier_answers_is_no_text", says="became .'one '"
)
class SendsTheFirstPart(Tiny):
    def message(self, message: Message) -> dict[str, Any]:
        return {**super().message(message), "content": getattr(message.parts[0], "text", "")}


@found_by("reasoning_of_earlier_answers_is_no_text", says="became 'secret thoughtHello.'")
class SendsReasoningAsText(Tiny):
    def message(self, message: Message) -> dict[str, Any]:
        sent = super().message(message)
        if isinstance(message, AssistantMessage):
            sent["content"] = message.reasoning + message.text
        return sent


@found_by("tool_calls_and_their_results_are_sent", says="the calls are")
class ForgetsToolCalls(Tiny):
    def message(self, message: Message) -> dict[str, Any]:
        sent = super().message(message)
        sent.pop("tool_calls", None)
        return sent


@found_by("options_that_are_unset_are_not_sent", says="top_p")
class SendsNulls(Tiny):
    def options(self, request: ChatRequest) -> dict[str, Any]:
        return {"top_p": None, **super().options(request)}


@found_by("false_and_zero_are_set", says="temperature=0.0 became temperature='nothing'")
class DropsWhatIsFalse(Tiny):
    def options(self, request: ChatRequest) -> dict[str, Any]:
        return {name: value for name, value in super().options(request).items() if value}


@found_by("options_that_are_set_are_sent", says="max_tokens=77 became max_tokens='nothing'")
class RenamesAnOption(Tiny):
    def options(self, request: ChatRequest) -> dict[str, Any]:
        sent = super().options(request)
        if "max_tokens" in sent:
            sent["max_completion_tokens"] = sent.pop("max_tokens")
        return sent


@found_by("extra_passes_through", says="'contract_c': 'nothing'")
class FiltersExtra(Tiny):
    def body(self, request: ChatRequest) -> dict[str, Any]:
        sent = super().body(request)
        for name, value in request.options.extra.items():
            if value is False:
                del sent[name]
        return sent


@found_by("the_requests_model_counts", says="became 'tiny-1'")
class AsksItsOwnModelAlways(Tiny):
    def name_of(self, request: ChatRequest) -> str:
        return self.model


@found_by("the_requests_model_counts", says="holds for later requests")
class KeepsTheRequestsModel(Tiny):
    def name_of(self, request: ChatRequest) -> str:
        self.model = super().name_of(request)
        return self.model


@found_by("half_a_character_can_be_sent", says="UnicodeEncodeError")
class SendsUnescaped(Tiny):
    def encoded(self, body: dict[str, Any]) -> bytes:
        return json.dumps(body, ensure_ascii=False).encode()


@found_by(
    "the_question_is_sent", "the_requests_model_counts", says="is asked for as 'tiny-1-latest'"
)
class RenamesTheModel(Tiny):
    def name_of(self, request: ChatRequest) -> str:
        return f"{super().name_of(request)}-latest"


@found_by("tools_are_sent", says="the tool 'weather' became")
class ForgetsTools(Tiny):
    def body(self, request: ChatRequest) -> dict[str, Any]:
        return super().body(request.with_options(tools=()))


@found_by("a_stream_is_asked_for", "tool_calls_may_have_no_index", says="without asking for one")
class NeverStreams(Tiny):
    def body(self, request: ChatRequest) -> dict[str, Any]:
        return super().body(evolve(request, stream=False))


@found_by("odd_text_is_sent_as_it_is", says="became")
class StripsText(Tiny):
    def message(self, message: Message) -> dict[str, Any]:
        return {**super().message(message), "content": message.text.replace("\x00", "")}


@found_by("the_request_is_not_changed", says="the request became")
class ChangesTheRequest(Tiny):
    def options(self, request: ChatRequest) -> dict[str, Any]:
        object.__setattr__(request, "messages", [*request.messages])
        return super().options(request)
