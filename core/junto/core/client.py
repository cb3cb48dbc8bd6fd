"""The client: a model, a chain of advisors, and defaults."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self, Unpack

from ._near import nearest
from .chain import AdvisorChain
from .chat import ChatRequest, ChatResponse
from .context import RunContext
from .explain import Explanation
from .functions import AdvisorLike
from .lints import ChainWarning
from .messages import Message, SystemMessage
from .model import ChatModel, ModelLike, as_model
from .observe import Observer
from .options import ChatOptions
from .plugins import resolve_model
from .prompt import (
    Ask,
    Prompt,
    messages_of,
    options_type,
    to_observers,
    to_options,
    to_params,
)
from .run import Run
from .selection import listed, made_by_name
from .stream import ChatStream

__all__ = ["ChatClient"]


class ChatClient:
    """Asks a model through advisors.  Immutable, and shared by any number of runs.

    Args:
        model: A chat model, ``"provider:model"``, or a function from a request to events.
        advisors: The chain: advisors, functions, and names such as ``"memory"`` or
            ``"memory?max_messages=20"``; their ``order`` decides who is further out.
        system: The system text of requests that have none of their own.
        options: Options of requests that do not set them.
        params: Advisor parameters of requests that do not set them.
        observers: Who looks at every run; see :class:`~junto.core.Trace`.

    What is made from a name belongs to the client, and :meth:`aclose` closes it.

    Raises:
        ChainError: The advisors' relations contradict each other.
        PluginError: A name leads to no plugin, or to one that cannot be used.
    """

    __slots__ = (
        "_chain",
        "_made",
        "_model",
        "_observers",
        "_options",
        "_params",
        "_system",
        "_warned",
    )

    def __init__(
        self,
        model: ModelLike,
        *,
        advisors: Iterable[AdvisorLike] = (),
        system: str = "",
        options: ChatOptions | Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        given = tuple(listed("advisors", advisors))
        self._chain = AdvisorChain(given)
        self._made: tuple[Any, ...] = made_by_name(given, self._chain.items)
        self._observers = to_observers(observers)
        self._system = system
        self._params = to_params(params)
        self._warned: set[tuple[str, str]] = set()
        self._model = resolve_model(model) if isinstance(model, str) else as_model(model)
        if isinstance(model, str):
            self._made = (self._model, *self._made)
        self._options = to_options(options, options_type(self._model))
        _warn(self._chain)

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
        model: ModelLike | None = None,
        advisors: Iterable[AdvisorLike] = (),
        without: Iterable[AdvisorLike] = (),
        system: str | None = None,
        options: ChatOptions | Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        observers: Iterable[Observer] = (),
    ) -> ChatClient:
        """A client with other defaults; this one stays as it is.

        Advisors are added, or replace those of the same name; options, parameters and
        observers come on top.  What is shared stays with the client that owns it.
        """
        given = tuple(listed("advisors", advisors))
        added = AdvisorChain(given).items
        client = ChatClient(
            self._model if model is None else model,
            advisors=self._chain.changed(added, without).items,
            system=self._system if system is None else system,
            options=self._options.merged(to_options(options, type(self._options))),
            params={**self._params, **to_params(params)},
            observers=(*self._observers, *to_observers(observers)),
        )
        client._made += made_by_name(given, added)
        if model is None:
            client._warned = self._warned
        return client

    def explain(
        self, *, advisors: Iterable[AdvisorLike] = (), without: Iterable[AdvisorLike] = ()
    ) -> Explanation:
        """The chain as it runs, or would run with these changes for one request.

        ``print(client.explain())`` says who stands where and why, and which traps the
        chain walks into.
        """
        return self._chain.changed(advisors, without).explain(model=_name(self._model))

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
        """Close what this client made from names.  Calling it again does nothing.

        That is its model, and those of its advisors that have an ``aclose()``.
        """
        async with AsyncExitStack() as stack:
            for made in self._made:
                if (close := getattr(made, "aclose", None)) is not None:
                    stack.push_async_callback(close)

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
            near = nearest(min(unknown), Ask.__annotations__, 0.5)
            hint = f"did you mean {near!r}?" if near else "options go into options={…}"
            msg = f"{min(unknown)!r} is no keyword of a question; {hint}"
            raise TypeError(msg)
        chain = self._chain
        if "advisors" in ask or "without" in ask:
            chain = chain.changed(ask.get("advisors", ()), ask.get("without", ()))
            _warn(chain)
        given = ask.get("options")
        options = self._options
        if given is not None:
            options = options.merged(to_options(given, options_type(self._model)))
        messages = messages_of(ask.get("messages", ()), prompt)
        if not messages:
            msg = "there is nothing to ask: give a prompt or messages"
            raise ValueError(msg)
        system = ask.get("system", self._system)
        if system and ("system" in ask or not any(isinstance(m, SystemMessage) for m in messages)):
            messages = (SystemMessage(system), *messages)
        request = ChatRequest(messages, options=options, stream=stream)
        ctx = RunContext(
            conversation_id=ask.get("conversation_id"),
            params={**self._params, **to_params(ask.get("params"))},
            model=_name(self._model)
            if options.model is None
            else _name(self._model, options.model),
            streaming=stream,
            advisors=chain.names,
        )
        observers = (*self._observers, *to_observers(ask.get("observers", ())))
        return ChatStream(Run(self._model, self._warned, observers), chain, request, ctx)


def _warn(chain: AdvisorChain) -> None:
    for lint in chain.lints:
        warnings.warn(str(lint), ChainWarning, stacklevel=3)


def _name(model: ChatModel, name: str | None = None) -> str:
    provider = getattr(model, "provider", type(model).__name__)
    return f"{provider}:{name or getattr(model, 'model', '')}"
