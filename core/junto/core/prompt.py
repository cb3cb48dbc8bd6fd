"""A question: what can be said with it, and the fluent way to say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from attrs import evolve, field, frozen

from .chat import ChatRequest, ChatResponse
from .functions import AdvisorLike
from .messages import Message, Part, UserMessage
from .observe import Observer
from .options import ChatOptions
from .signatures import check_signature

if TYPE_CHECKING:
    from .client import ChatClient
    from .stream import ChatStream

__all__ = [
    "Ask",
    "Prompt",
    "messages_of",
    "options_type",
    "to_observers",
    "to_options",
    "to_params",
]


class Ask(TypedDict, total=False):
    """The keywords of :meth:`ChatClient.stream` and :meth:`ChatClient.call`."""

    messages: Message | Iterable[Message]
    """Messages in front of the prompt, oldest first."""
    system: str
    """The system text, instead of the client's."""
    options: ChatOptions | Mapping[str, Any]
    """Options on top of the client's."""
    advisors: Iterable[AdvisorLike]
    """Advisors to add, or to replace by name, for this request."""
    without: Iterable[AdvisorLike]
    """The client's advisors to leave out for this request, by name or themselves."""
    conversation_id: str
    """The conversation that this belongs to."""
    params: Mapping[str, Any]
    """Advisor parameters, on top of the client's."""
    observers: Iterable[Observer]
    """Who looks at this run, beside the client's observers."""


@frozen
class Prompt:
    """A question in the making: each step gives a new one, so a prompt can be shared.

    ::

        await client.prompt("Why?").system("Be brief.").options(top_p=0.7).call()
    """

    _client: ChatClient
    _messages: tuple[Message, ...] = ()
    _ask: Mapping[str, Any] = field(factory=dict[str, Any])

    def user(self, *parts: str | Part) -> Prompt:
        """Add a user message of text and media."""
        return self.messages(UserMessage(parts))

    def messages(self, *messages: Message) -> Prompt:
        """Add messages, oldest first."""
        return evolve(self, messages=(*self._messages, *messages))

    def system(self, text: str) -> Prompt:
        """Set the system text."""
        return self._with(system=text)

    def options(
        self, options: ChatOptions | Mapping[str, Any] | None = None, /, **values: Any
    ) -> Prompt:
        """Set options, on top of those set before.

        Raises:
            TypeError: For a keyword that is not an option.
        """
        kind = options_type(self._client.model)
        so_far = to_options(self._ask.get("options"), kind).merged(to_options(options, kind))
        return self._with(options=so_far.with_(**values))

    def advisors(self, *advisors: AdvisorLike) -> Prompt:
        """Add advisors, or replace those of the same name, for this question."""
        return self._with(advisors=(*self._ask.get("advisors", ()), *advisors))

    def without(self, *advisors: AdvisorLike) -> Prompt:
        """Leave out some of the client's advisors, by name or themselves, for this question."""
        return self._with(without=(*self._ask.get("without", ()), *advisors))

    def conversation(self, conversation_id: str) -> Prompt:
        """Say which conversation this belongs to."""
        return self._with(conversation_id=conversation_id)

    def params(self, **params: Any) -> Prompt:
        """Set advisor parameters, on top of those set before."""
        return self._with(params={**self._ask.get("params", {}), **params})

    def observers(self, *observers: Observer) -> Prompt:
        """Let somebody look at this run, beside the client's observers."""
        return self._with(observers=(*self._ask.get("observers", ()), *observers))

    def stream(self) -> ChatStream:
        """Ask, and read the answer as it comes."""
        return self._client.stream(messages=self._messages, **self._ask)

    async def call(self) -> ChatResponse:
        """Ask, and get the whole answer."""
        return await self._client.call(messages=self._messages, **self._ask)

    def _with(self, **ask: Any) -> Prompt:
        return evolve(self, ask={**self._ask, **ask})


def options_type(model: object) -> type[ChatOptions]:
    """The class of the options that a model takes: its own, where it names one."""
    kind = getattr(model, "options_type", ChatOptions)
    return kind if isinstance(kind, type) and issubclass(kind, ChatOptions) else ChatOptions


def to_options(
    options: ChatOptions | Mapping[str, Any] | None, kind: type[ChatOptions] = ChatOptions
) -> ChatOptions:
    """What a caller gave for options, as options; a mapping becomes those of ``kind``."""
    if options is None:
        return kind()
    if isinstance(options, ChatOptions):
        return options
    _check_mapping("options", f"{kind.__name__}(…) or a mapping", options)
    return kind.of(**options)


def to_params(params: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a caller gave for advisor parameters, as a dictionary of our own."""
    if params is None:
        return {}
    _check_mapping("params", "a mapping", params)
    return dict(params)


def to_observers(observers: Iterable[Observer]) -> tuple[Observer, ...]:
    """What a caller gave for observers, checked."""
    found: list[Any] = [observers] if callable(observers) else list(observers)
    for observer in found:
        if isinstance(observer, type):
            msg = f"an observer is the class {observer.__name__}: make an instance of it"
            raise TypeError(msg)
        if not callable(observer):
            msg = f"an observer is a function of one Observation, not {observer!r}"
            raise TypeError(msg)
        check_signature("observe", repr(observer), observer)
    return tuple(found)


def _check_mapping(name: str, wanted: str, value: object) -> None:
    if not isinstance(value, Mapping):
        msg = f"{name} is {wanted}, not {type(value).__name__}"
        raise TypeError(msg)


def messages_of(
    before: Message | Iterable[Message], prompt: str | Message | None
) -> tuple[Message, ...]:
    """The messages in front of the prompt, and the prompt."""
    if before == () and isinstance(prompt, str):
        return (UserMessage(prompt),) if prompt else ()
    messages = ChatRequest(before).messages
    return messages if prompt is None or prompt == "" else messages + ChatRequest(prompt).messages
