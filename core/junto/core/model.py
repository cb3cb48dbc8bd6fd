"""What a provider implements: one method, and a way to close."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from .chat import ChatRequest
from .events import Event

__all__ = ["ChatModel", "ModelStream"]

ModelStream: TypeAlias = AsyncIterator[Event | Sequence[Event]]
"""Events, or batches of events: a provider yields one, or a list of all those that it
parsed from one network read, which is several times cheaper for the reader."""


@runtime_checkable
class ChatModel(Protocol):
    """A model of some provider.  Subclassing is optional; the two attributes are not.

    Attributes:
        provider: The provider's name, such as ``"dashscope"``.
        model: The model's name, such as ``"qwq-plus"``.

    A third is optional: ``options_type``, the provider's own subclass of
    :class:`~junto.core.ChatOptions`.  A client then takes its names in mappings and
    keywords too.

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
