"""The client: a model, a chain of advisors, and defaults."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

from attrs import evolve, field, frozen

from .advisor import Advisor, Placement
from .chain import AdvisorChain
from .chat import ChatRequest, ChatResponse
from .context import RunContext
from .messages import Message, Part, SystemMessage, UserMessage
from .model import ChatModel
from .options import ChatOptions
from .plugins import resolve_model
from .run import Run
from .stream import ChatStream

__all__ = ["Ask", "ChatClient", "Prompt"]


class Ask(TypedDict, total=False):
    """The keywords of :meth:`ChatClient.stream` and :meth:`ChatClient.call`."""

    messages: Message | Iterable[Message]
    """Messages in front of the prompt, oldest first."""
    system: str
    """The system text, instead of the client's."""
    options: ChatOptions | Mapping[str, Any]
    """Options on top of the client's."""
    advisors: Iterable[Advisor | Placement]
    """Advisors to add, or to replace by name, for this request."""
    without: Iterable[str]
    """Names of the client's advisors to leave out for this request."""
    conversation_id: str
    """The conversation that this belongs to."""
    params: Mapping[str, Any]
    """Advisor parameters, on top of the client's."""


class ChatClient:
    """Asks a model through advisors.  Immutable, and shared by any number of runs.

    Args:
        model: A chat model, or ``"provider:model"``; one that is made from a name belongs
            to the client, and ``aclose()`` closes it.
        advisors: The chain; their ``order`` decides who is further out.
        system: The system text of requests that have none of their own.
        options: Options of requests that do not set them.
        params: Advisor parameters of requests that do not set them.

    Raises:
        ChainError: The advisors' relations contradict each other.
        PluginError: The name leads to no provider.
    """

    __slots__ = ("_chain", "_model", "_options", "_owns", "_params", "_system", "_warned")

    def __init__(
        self,
        model: ChatModel | str,
        *,
        advisors: Iterable[Advisor | Placement] = (),
        system: str = "",
        options: ChatOptions | Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self._chain = AdvisorChain(advisors)
        self._options = _to_options(options)
        self._system = system
        self._params = _to_params(params)
        self._warned: set[tuple[str, str]] = set()
        self._owns = isinstance(model, str)
        self._model = resolve_model(model) if isinstance(model, str) else model
        if isinstance(model, type):
            msg = f"the model is the class {model.__name__}: make an instance of it"
            raise TypeError(msg)
        if not callable(getattr(self._model, "stream", None)):
            msg = f"a ChatClient asks a ChatModel or 'provider:model', not {model!r}"
            raise TypeError(msg)

    @property
    def model(self) -> ChatModel:
        """The model that is asked."""
        return self._model

    @property
    def chain(self) -> AdvisorChain:
        """The advisors, in the order in which they run."""
        return self._chain

    @property
    def options(self) -> ChatOptions:
        """The default options."""
        return self._options

    def mutate(
        self,
        *,
        model: ChatModel | str | None = None,
        advisors: Iterable[Advisor | Placement] = (),
        without: Iterable[str] = (),
        system: str | None = None,
        options: ChatOptions | Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> ChatClient:
        """A client with other defaults; this one stays as it is.

        Advisors are added, or replace those of the same name; options and parameters
        come on top.  The model is shared, and stays with the client that owns it.
        """
        client = ChatClient(
            self._model if model is None else model,
            advisors=self._chain.changed(advisors, without).items,
            system=self._system if system is None else system,
            options=self._options.merged(_to_options(options)),
            params={**self._params, **_to_params(params)},
        )
        if model is None:
            client._warned = self._warned
        return client

    def prompt(self, text: str = "") -> Prompt:
        """Begin a question step by step; each step gives a new prompt."""
        prompt = Prompt(self)
        return prompt.user(text) if text else prompt

    def stream(self, prompt: str | Message | None = None, **ask: Unpack[Ask]) -> ChatStream:
        """Ask, and read the answer as it comes.  Nothing happens before the first pull.

        Args:
            prompt: The user's text, or a message.
            **ask: See :class:`Ask`.

        Raises:
            ValueError: There is nothing to ask.
            TypeError: For an option or keyword that does not exist.
        """
        return self._start(prompt, ask, stream=True)

    async def call(self, prompt: str | Message | None = None, **ask: Unpack[Ask]) -> ChatResponse:
        """Ask, and get the whole answer: the same pipeline, drained.

        Raises:
            ValueError: There is nothing to ask.
            ChatError: Whatever went wrong, from the tree in :mod:`junto.core.errors`.
        """
        async with self._start(prompt, ask, stream=False) as stream:
            return await stream.response()

    async def aclose(self) -> None:
        """Close the model, if this client made it.  Calling it again does nothing."""
        if self._owns:
            await self._model.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"ChatClient({_name(self._model)}, advisors={list(self._chain.names)})"

    def _start(self, prompt: str | Message | None, ask: Ask, *, stream: bool) -> ChatStream:
        unknown = ask.keys() - Ask.__annotations__.keys()
        if unknown:
            near = difflib.get_close_matches(min(unknown), Ask.__annotations__, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else "options go into options={…}"
            msg = f"{min(unknown)!r} is no keyword of a question; {hint}"
            raise TypeError(msg)
        chain = self._chain.changed(ask.get("advisors", ()), ask.get("without", ()))
        options = self._options.merged(_to_options(ask.get("options")))
        messages = _messages(ask.get("messages", ()), prompt)
        if not messages:
            msg = "there is nothing to ask: give a prompt or messages"
            raise ValueError(msg)
        system = ask.get("system", self._system)
        own = any(isinstance(message, SystemMessage) for message in messages)
        if system and ("system" in ask or not own):
            messages = (SystemMessage(system), *messages)
        request = ChatRequest(messages, options=options, stream=stream)
        ctx = RunContext(
            conversation_id=ask.get("conversation_id"),
            params={**self._params, **_to_params(ask.get("params"))},
            model=_name(self._model)
            if options.model is None
            else _name(self._model, options.model),
            streaming=stream,
            advisors=chain.names,
        )
        return ChatStream(Run(self._model, self._warned), chain, request, ctx)


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
        so_far = _to_options(self._ask.get("options")).merged(_to_options(options))
        return self._with(options=so_far.with_(**values))

    def advisors(self, *advisors: Advisor | Placement) -> Prompt:
        """Add advisors, or replace those of the same name, for this question."""
        return self._with(advisors=(*self._ask.get("advisors", ()), *advisors))

    def without(self, *names: str) -> Prompt:
        """Leave out some of the client's advisors, for this question."""
        return self._with(without=(*self._ask.get("without", ()), *names))

    def conversation(self, conversation_id: str) -> Prompt:
        """Say which conversation this belongs to."""
        return self._with(conversation_id=conversation_id)

    def params(self, **params: Any) -> Prompt:
        """Set advisor parameters, on top of those set before."""
        return self._with(params={**self._ask.get("params", {}), **params})

    def stream(self) -> ChatStream:
        """Ask, and read the answer as it comes."""
        return self._client.stream(messages=self._messages, **self._ask)

    async def call(self) -> ChatResponse:
        """Ask, and get the whole answer."""
        return await self._client.call(messages=self._messages, **self._ask)

    def _with(self, **ask: Any) -> Prompt:
        return evolve(self, ask={**self._ask, **ask})


def _to_options(options: ChatOptions | Mapping[str, Any] | None) -> ChatOptions:
    if options is None:
        return ChatOptions()
    if isinstance(options, ChatOptions):
        return options
    _check_mapping("options", "ChatOptions(…) or a mapping", options)
    return ChatOptions.of(**options)


def _to_params(params: Mapping[str, Any] | None) -> dict[str, Any]:
    if params is None:
        return {}
    _check_mapping("params", "a mapping", params)
    return dict(params)


def _check_mapping(name: str, wanted: str, value: object) -> None:
    if not isinstance(value, Mapping):
        msg = f"{name} is {wanted}, not {type(value).__name__}"
        raise TypeError(msg)


def _messages(
    before: Message | Iterable[Message], prompt: str | Message | None
) -> tuple[Message, ...]:
    messages = ChatRequest(before).messages
    return messages if prompt is None or prompt == "" else messages + ChatRequest(prompt).messages


def _name(model: ChatModel, name: str | None = None) -> str:
    provider = getattr(model, "provider", type(model).__name__)
    return f"{provider}:{name or getattr(model, 'model', '')}"
