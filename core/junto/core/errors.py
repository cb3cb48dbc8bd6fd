"""Everything that can go wrong, in one tree.

::

    ChatError
    ├── ProviderError                 the provider answered, and the answer is no
    │   ├── AuthenticationError         the key is wrong, or not allowed to do this
    │   ├── RejectedRequestError        the request is wrong: change it
    │   ├── RateLimitedError            too fast: wait, then again
    │   ├── QuotaError                  nothing left to spend: waiting does not help
    │   ├── ContentFilteredError        the provider's moderation said no
    │   └── UnavailableError            the provider has trouble of its own
    ├── TransportError                the answer did not get here
    │   ├── ChatConnectionError         also ConnectionError: no connection
    │   ├── ChatTimeoutError            also TimeoutError: one of the clocks ran out
    │   └── InterruptedStreamError      also OSError: the stream broke off
    ├── ProtocolError                 what came is not what was agreed on
    ├── StreamStateError              a stream is used in a way that it does not allow
    │   ├── StreamConsumedError         it has been read already
    │   ├── StreamClosedError           it was left early; carries the partial response
    │   └── ConcurrentReadError         another task is reading it
    ├── AdvisorContractError          an advisor broke a rule; also TypeError
    ├── ChainError                    a chain cannot be built; also ValueError
    ├── SaveError                     the answer is whole, but was not saved
    │   └── TurnNotStoredError          nor was its turn: carries it, and its id
    ├── MemoryStoreError              conversation memory
    │   ├── ConversationBusyError       another turn of the conversation is running
    │   ├── StaleTurnError              the turn has lost its conversation
    │   ├── TurnConflictError           the turn id was used with another input
    │   ├── StoreUnavailableError       the store cannot be reached or used
    │   ├── StoreFormatError            what is stored is too new, unknown or damaged
    │   └── EmbeddingMismatchError      a vector of another model or length
    ├── ModelFileError                a local model's file is missing or damaged
    ├── MissingExtraError             an optional part is not installed; also ImportError
    └── PluginError                   a name leads to no plugin, or to a broken one

Bad arguments are ``TypeError`` and ``ValueError``.  Cancellation is never wrapped.
Messages have at most 500 characters and no control characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

if TYPE_CHECKING:
    from .chat import ChatResponse

__all__ = [
    "AdvisorContractError",
    "AuthenticationError",
    "ChainError",
    "ChatConnectionError",
    "ChatError",
    "ChatTimeoutError",
    "ConcurrentReadError",
    "ContentFilteredError",
    "InterruptedStreamError",
    "MissingExtraError",
    "ModelFileError",
    "PluginError",
    "ProtocolError",
    "ProviderError",
    "QuotaError",
    "RateLimitedError",
    "RejectedRequestError",
    "SaveError",
    "StreamClosedError",
    "StreamConsumedError",
    "StreamStateError",
    "TransportError",
    "UnavailableError",
    "clean_text",
]

_LIMIT = 500


def clean_text(text: str, limit: int = _LIMIT) -> str:
    """``text`` on one line, without unprintable characters, at most ``limit`` long.

    For foreign text that goes into an error or a log: it cannot forge a line, move a
    terminal's cursor or turn the direction of writing round.
    """
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    head = text[: limit * 4]
    kept = "".join(c if c.isprintable() else " " for c in head)
    kept = " ".join(kept.split())
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


class ChatError(Exception):
    """The root of all of junto's own errors."""

    def __init__(self, message: str = "") -> None:
        super().__init__(clean_text(message))


class _AnswerError(ChatError):
    """What errors of a request share.

    Attributes:
        retryable: Whether the same request may succeed if it is sent again.
        retry_after: Seconds to wait first, where the provider said or the kind tells.
        partial_text: The part of the answer that had come.
        attempts: How often the request was tried.
        request_id: The provider's id of the request.
    """

    retryable_by_default = False

    def __init__(
        self,
        message: str = "",
        *,
        retryable: bool | None = None,
        retry_after: float | None = None,
        partial_text: str = "",
        attempts: int = 1,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.retryable: bool = self.retryable_by_default if retryable is None else retryable
        self.retry_after = retry_after
        self.partial_text = partial_text
        self.attempts = attempts
        self.request_id = request_id


class _Facts(TypedDict, total=False):
    """The keywords of :class:`_AnswerError`."""

    retryable: bool | None
    retry_after: float | None
    partial_text: str
    attempts: int
    request_id: str | None


class ProviderError(_AnswerError):
    """The provider answered with an error.

    Attributes:
        status: The HTTP status, or the one that the provider put into its stream.
        code: The provider's own code, such as ``InvalidApiKey``.
        kind: A finer word than the class, such as ``context_length``.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        kind: str = "",
        **facts: Unpack[_Facts],
    ) -> None:
        super().__init__(message, **facts)
        self.status = status
        self.code = code
        self.kind = kind


class AuthenticationError(ProviderError):
    """The key is missing, wrong, of another region, or not allowed to do this."""


class RejectedRequestError(ProviderError):
    """The request is wrong; sent again as it is, it fails again."""


class RateLimitedError(ProviderError):
    """Too many requests or tokens in too short a time."""

    retryable_by_default = True


class QuotaError(ProviderError):
    """The account has nothing left to spend, or was never opened for this."""


class ContentFilteredError(ProviderError):
    """The provider's moderation refused the question or the answer."""


class UnavailableError(ProviderError):
    """The provider has trouble of its own: overload, a fault, its own time-out."""

    retryable_by_default = True


class TransportError(_AnswerError):
    """The answer did not get here.

    It may be asked for again, as long as nothing of it was shown: that is for whoever
    retries to know.
    """

    retryable_by_default = True


class ChatConnectionError(TransportError, ConnectionError):
    """No connection, or it was lost before the answer began."""


class ChatTimeoutError(TransportError, TimeoutError):
    """One of the clocks ran out.

    Attributes:
        clock: Which: ``"connect"``, ``"first_event"``, ``"progress"`` or ``"total"``;
            after the last there is no time left to try again.
    """

    def __init__(self, message: str = "", *, clock: str = "", **facts: Unpack[_Facts]) -> None:
        facts.setdefault("retryable", clock != "total")
        super().__init__(message, **facts)
        self.clock = clock


class InterruptedStreamError(TransportError, OSError):
    """The stream ended before the answer did."""


class ProtocolError(_AnswerError):
    """What came is not what was agreed on, or exceeds a limit."""


class StreamStateError(ChatError):
    """A stream is used in a way that it does not allow."""


class StreamConsumedError(StreamStateError):
    """The stream has been read to its end already, here or by ``response()``."""


class StreamClosedError(StreamStateError):
    """The stream was left before its end.

    Attributes:
        response: What had come until then; ``None`` when the run never began.
    """

    def __init__(self, message: str = "", *, response: ChatResponse | None = None) -> None:
        super().__init__(message)
        self.response = response


class ConcurrentReadError(StreamStateError):
    """Another task is reading the stream; its reading goes on unharmed."""


class AdvisorContractError(ChatError, TypeError):
    """An advisor broke a rule of the pipeline.

    Attributes:
        advisor: The advisor's name.
    """

    def __init__(self, message: str = "", *, advisor: str = "") -> None:
        super().__init__(message)
        self.advisor = advisor


class ChainError(ChatError, ValueError):
    """A chain cannot be built: a cycle, a missing or an unreachable advisor."""


class SaveError(ChatError):
    """The answer is whole and in ``response``, but a save failed (the cause).

    Attributes:
        response: The answer.
    """

    def __init__(self, message: str = "", *, response: ChatResponse | None = None) -> None:
        super().__init__(message)
        self.response = response


class ModelFileError(ChatError):
    """A local model's file is missing, damaged, or of a kind that cannot be used."""


class MissingExtraError(ChatError, ImportError):
    """An optional part of junto is not installed; the text says how to install it."""


class PluginError(ChatError):
    """A name leads to no plugin, or to one that cannot be used."""
