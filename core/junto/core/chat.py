"""A question and its answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve, field, frozen

from ._mapping import FrozenMapping
from .attempt import Attempt
from .events import (
    Event,
    Finish,
    ReasoningDelta,
    Source,
    TextDelta,
    ToolCallDelta,
    ToolResult,
    UsageUpdate,
)
from .messages import (
    AssistantMessage,
    Message,
    ReasoningPart,
    SystemMessage,
    TextPart,
    ToolCallPart,
    ToolMessage,
    UserMessage,
)
from .options import ChatOptions
from .usage import FinishReason, Usage

__all__ = ["ChatRequest", "ChatResponse", "Choice"]

_MESSAGES = (SystemMessage, UserMessage, AssistantMessage, ToolMessage)


def _to_messages(value: Message | str | Iterable[Message]) -> tuple[Message, ...]:
    if isinstance(value, str):
        return (UserMessage(value),)
    if isinstance(value, _MESSAGES):
        return (value,)
    # The signature is a promise that an untyped caller may break: say what is wanted.
    given: Any = value
    single = not hasattr(given, "__iter__") or hasattr(given, "keys")
    items: tuple[Any, ...] = (given,) if single else tuple(given)
    for item in items:
        if not isinstance(item, _MESSAGES):
            msg = f"a request holds messages such as UserMessage('…'), not {type(item).__name__}"
            raise TypeError(msg)
    return items


def _answers(
    value: Iterable[AssistantMessage | ToolMessage],
) -> tuple[AssistantMessage | ToolMessage, ...]:
    return tuple(value)


def _sources(value: Iterable[Source]) -> tuple[Source, ...]:
    return tuple(value)


@frozen
class ChatRequest:
    """What goes inward through the chain: the messages and how to answer them.

    Attributes:
        messages: Oldest first, the new user message last.
        options: Unset ones are the provider's to choose.
        stream: Whether the answer is read as it comes.  ``False`` for ``call()``: a
            provider may then use a plain HTTP call, and emit the same events at once.
    """

    messages: tuple[Message, ...] = field(converter=_to_messages)
    options: ChatOptions = field(factory=ChatOptions, kw_only=True)
    stream: bool = field(default=True, kw_only=True)

    @property
    def system(self) -> str:
        """The text of the system messages, joined by blank lines."""
        return "\n\n".join(m.text for m in self.messages if isinstance(m, SystemMessage))

    @property
    def user_text(self) -> str:
        """The text of the last user message; empty when there is none."""
        for message in reversed(self.messages):
            if isinstance(message, UserMessage):
                return message.text
        return ""

    def with_messages(self, messages: Iterable[Message]) -> ChatRequest:
        """The same request with other messages."""
        return evolve(self, messages=tuple(messages))

    def with_system(self, text: str) -> ChatRequest:
        """The same request with ``text`` as its one system message, first."""
        rest = [m for m in self.messages if not isinstance(m, SystemMessage)]
        return evolve(self, messages=(SystemMessage(text), *rest))

    def with_options(self, **options: Any) -> ChatRequest:
        """The same request with some options changed.

        Raises:
            TypeError: For a keyword that is not an option.
        """
        return evolve(self, options=self.options.with_(**options))


@frozen(kw_only=True)
class Choice:
    """One of several answers to the same question, where the provider was asked for them.

    Attributes:
        index: Which, from 0.
        message: What it says.
        finish_reason: Why it ended.
        logprobs: One entry for each token, in the provider's form, if asked for.
    """

    index: int
    message: AssistantMessage
    finish_reason: FinishReason | None = None
    logprobs: tuple[Any, ...] = field(default=(), converter=tuple[Any, ...], hash=False)


@frozen(kw_only=True)
class ChatResponse:
    """What came back, whole.

    Attributes:
        messages: What the turn added: one assistant message, or several with tool
            messages between them when tools were run.
        finish_reason: Why it ended; ``None`` on a partial response.
        usage: Tokens; numbers that the provider did not give are ``None``.
        sources: What the answer rests on.
        metadata: ``request_id``, ``model``, ``choices`` (the further ones), ``logprobs``
            and whatever advisors add.
        attempts: Each asking of the model that this came from; ``usage`` is of all of
            them together.  Two responses can be equal and have come differently.
    """

    messages: tuple[AssistantMessage | ToolMessage, ...] = field(converter=_answers)
    finish_reason: FinishReason | None = None
    usage: Usage = field(factory=Usage)
    sources: tuple[Source, ...] = field(default=(), converter=_sources)
    metadata: Mapping[str, Any] = field(factory=dict[str, Any], converter=FrozenMapping, hash=False)
    attempts: tuple[Attempt, ...] = field(default=(), converter=tuple[Attempt, ...], eq=False)

    @classmethod
    def of(
        cls,
        text: str,
        *,
        finish_reason: FinishReason = FinishReason.STOP,
        metadata: Mapping[str, Any] | None = None,
    ) -> ChatResponse:
        """A plain answer, such as a ``before`` hook returns to short-circuit."""
        return cls(
            messages=(AssistantMessage(text),),
            finish_reason=finish_reason,
            metadata=metadata or {},
        )

    @property
    def message(self) -> AssistantMessage:
        """The last assistant message; an empty one when there is none."""
        for message in reversed(self.messages):
            if isinstance(message, AssistantMessage):
                return message
        return AssistantMessage(())

    @property
    def text(self) -> str:
        """The answer: all text, without reasoning."""
        return "".join([m.text for m in self.messages if isinstance(m, AssistantMessage)])

    @property
    def reasoning(self) -> str:
        """The chain of thought, joined; empty when there was none."""
        return "".join([m.reasoning for m in self.messages if isinstance(m, AssistantMessage)])

    @property
    def display_text(self) -> str:
        """What ``stream.text()`` printed: the text, with reasoning where it is shown."""
        return "".join([m.display_text for m in self.messages if isinstance(m, AssistantMessage)])

    @property
    def tool_calls(self) -> tuple[ToolCallPart, ...]:
        """The calls that the last assistant message asks for."""
        return self.message.tool_calls

    @property
    def request_id(self) -> str | None:
        """The provider's id of the request, where it gave one."""
        return self.metadata.get("request_id")

    @property
    def model(self) -> str | None:
        """The model that answered, where the provider said."""
        return self.metadata.get("model")

    @property
    def logprobs(self) -> tuple[Any, ...]:
        """One entry for each token, in the provider's form; empty if not asked for."""
        return tuple(self.metadata.get("logprobs", ()))

    @property
    def choices(self) -> tuple[Choice, ...]:
        """All answers to the question: this one, and further ones if they were asked for.

        The stream and the advisors see the first.  The others come whole, with the end,
        and as the model gave them: no advisor has looked at them.
        """
        first = Choice(
            index=0,
            message=self.message,
            finish_reason=self.finish_reason,
            logprobs=self.logprobs,
        )
        return (first, *self.metadata.get("choices", ()))

    def with_text(self, text: str) -> ChatResponse:
        """The same response with ``text`` as its whole answer (reasoning stays).

        For ``after`` hooks of advisors that declare ``buffered = True``.
        """
        thought = [
            part
            for m in self.messages
            if isinstance(m, AssistantMessage)
            for part in m.parts
            if isinstance(part, ReasoningPart)
        ]
        return evolve(self, messages=(AssistantMessage([*thought, TextPart(text)]),))

    def with_metadata(self, **values: Any) -> ChatResponse:
        """The same response with more metadata."""
        return evolve(self, metadata={**self.metadata, **values})

    def content_events(self) -> Iterator[Event]:
        """One event per part, without usage and finish."""
        index = 0
        for message in self.messages:
            if isinstance(message, ToolMessage):
                yield ToolResult(message.call_id, message.name, message.text, message.is_error)
                continue
            for part in message.parts:
                match part:
                    case TextPart():
                        yield TextDelta(part.text)
                    case ReasoningPart():
                        yield ReasoningDelta(part.text, part.shown, part.signature)
                    case ToolCallPart():
                        yield ToolCallDelta(index, part.id, part.name, part.arguments)
                        index += 1
                    case _:
                        pass  # no event carries media; the response keeps it
        yield from self.sources

    def events(self) -> Iterator[Event]:
        """The stream that has this response, for providers that only answer whole."""
        yield from self.content_events()
        if self.usage != Usage():
            yield UsageUpdate(self.usage)
        yield Finish(self.finish_reason or FinishReason.UNKNOWN, self.metadata)
