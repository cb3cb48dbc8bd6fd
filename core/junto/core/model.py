"""What a provider implements: one method, and a way to close."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

from .chat import ChatRequest
from .events import Event
from .signatures import check_signature

__all__ = ["ChatModel", "FunctionModel", "ModelFunction", "ModelLike", "ModelStream", "as_model"]

ModelStream: TypeAlias = AsyncIterator[Event | Sequence[Event]]
"""Events, or batches of events: a provider yields one, or a list of all those that it
parsed from one network read, which is several times cheaper for the reader."""


@runtime_checkable
class ChatModel(Protocol):
    """A model of some provider.  Subclassing is optional; the two attributes are not.

    Attributes:
        provider: The provider's name, such as ``"dashscope"``.
        model: The model's name, such as ``"qwq-plus"``.

    Two more are optional.  ``options_type`` is the provider's own subclass of
    :class:`~junto.core.ChatOptions`; a client then takes its names in mappings and
    keywords too.  ``api`` is the version of the plugin API that a plugin was written for.

    One instance serves any number of requests at once, on any number of event loops.

    The contract of :meth:`stream`:

    * Nothing happens before the first pull: write an ``async def`` with ``yield``.
    * Text is never empty padding, and reasoning is never inside text.
    * Usage is the total so far, and each update replaces the one before it.
    * :class:`~junto.core.Finish` comes last, and only when the model said so.  A stream
      that breaks off raises; it does not end.
    * ``request.stream`` is false for ``call()``: a plain HTTP call may be used, and its
      answer given as one batch (``list(response.events())``).
    * Cancellation and ``aclose()`` free the connection before they return.
    """

    provider: str
    model: str

    def stream(self, request: ChatRequest) -> ModelStream:
        """Ask, and yield the answer as it comes.

        Raises:
            ChatError: From the tree in :mod:`junto.core.errors`, as the first or any
                later pull finds out.
        """
        ...

    async def aclose(self) -> None:
        """Free what the model holds: sessions, threads.  Calling it again does nothing."""
        return  # a body, which subclasses inherit


ModelFunction: TypeAlias = Callable[[ChatRequest], ModelStream]
"""A whole provider as one function: an ``async def`` with ``yield``."""

ModelLike: TypeAlias = ChatModel | ModelFunction | str
"""What a client can ask: a model, a function, or ``"provider:model"``."""


class FunctionModel:
    """A function as a chat model; it holds nothing, so there is nothing to close."""

    provider = "function"

    def __init__(self, function: ModelFunction) -> None:
        self.model: str = getattr(function, "__name__", type(function).__name__)
        self._function = function

    def stream(self, request: ChatRequest) -> ModelStream:
        """Ask the function."""
        return self._function(request)

    async def aclose(self) -> None:
        """Nothing to free."""

    def __repr__(self) -> str:
        return f"FunctionModel({self.model})"


def as_model(given: ChatModel | ModelFunction) -> ChatModel:
    """What was given, as a chat model.

    Raises:
        TypeError: It is none, or a class that has to be called first.
    """
    model: Any = given
    if isinstance(model, type):
        msg = f"the model is the class {model.__name__}: make an instance of it"
        raise TypeError(msg)
    if callable(getattr(model, "stream", None)):
        return cast("ChatModel", model)
    if not callable(model):
        msg = f"a ChatClient asks a ChatModel, a function or 'provider:model', not {model!r}"
        raise TypeError(msg)
    function: Any = model
    check_signature("model", getattr(function, "__name__", repr(function)), function)
    return FunctionModel(function)
