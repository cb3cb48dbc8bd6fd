"""What a run knows while it lasts, and how it ended."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, overload

from attrs import define, field

from .attempt import OutcomeKind
from .chat import ChatResponse
from .usage import Usage

if TYPE_CHECKING:
    from .activation import Activation

__all__ = ["Cleanup", "ContextKey", "Outcome", "OutcomeKind", "RunContext", "Save", "Shown"]

T = TypeVar("T")

Save: TypeAlias = Callable[[ChatResponse], Awaitable[None]]
"""Called with the whole answer, after the outermost ``after`` and before the reader
learns that the stream has ended."""

Cleanup: TypeAlias = Callable[["Outcome"], Awaitable[None]]
"""Called with how the run ended, when every ``on_close`` has run."""


class ContextKey(Generic[T]):
    """A typed key into a :class:`RunContext`.

    Keys are told apart by identity, so two advisors never meet by accident::

        STARTED = ContextKey[float]("mypackage.started")
        ctx[STARTED] = time.monotonic()
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: str = name

    def __repr__(self) -> str:
        return f"ContextKey({self.name!r})"


class Shown:
    """What has reached the reader, found out when somebody asks.

    Attributes:
        outermost: Gives the outermost activation; ``None`` when that is over.
    """

    __slots__ = ("_reasoning", "_text", "outermost")

    def __init__(self) -> None:
        self._text = False
        self._reasoning = False
        self.outermost: Callable[[], Activation | None] = _nobody

    @property
    def text(self) -> bool:
        """Whether it was text, a tool call or a tool's result."""
        self.note()
        return self._text

    @property
    def reasoning(self) -> bool:
        """Whether it was reasoning."""
        self.note()
        return self._reasoning

    def note(self) -> None:
        """Keep what is known by now: a restart is about to void the record."""
        activation = self.outermost()
        if activation is not None:
            record = activation.left()
            self._text = self._text or record.has_content
            self._reasoning = self._reasoning or record.has_reasoning


def _nobody() -> None:
    return None


class RunContext:
    """One run's state: what was asked for, and what advisors keep there.

    Every activation (one ``next()`` call) has a child: reading falls through to the
    outer ones, writing stays inside.

    Attributes:
        run_id: Unique to the run; 32 hexadecimal digits.
        conversation_id: From the call; ``None`` when it named none.
        params: Advisor parameters of the call, by name.
        model: ``"provider:model"``, as asked.
        streaming: Whether the caller reads a stream; false for ``call()``.
        advisors: The names of the chain's advisors, outermost first.
        short_circuited_by: The advisor whose ``before`` answered, if one did.
    """

    __slots__ = (
        "_cleanups",
        "_parent",
        "_saves",
        "_values",
        "advisors",
        "conversation_id",
        "model",
        "params",
        "run_id",
        "short_circuited_by",
        "showing",
        "streaming",
    )

    def __init__(
        self,
        *,
        conversation_id: str | None = None,
        params: Mapping[str, Any] | None = None,
        model: str = "",
        streaming: bool = True,
        advisors: tuple[str, ...] = (),
        parent: RunContext | None = None,
    ) -> None:
        self._parent = parent
        self._values: dict[ContextKey[Any], Any] = {}
        self._saves: dict[object, Save] = {}
        # Of the run, and so the same for all activations.
        self._cleanups: dict[object, Cleanup]
        self._cleanups = {} if parent is None else parent._cleanups  # noqa: SLF001  its own class
        # For the driver.
        self.showing: Shown = Shown() if parent is None else parent.showing
        self.run_id: str = os.urandom(16).hex() if parent is None else parent.run_id
        self.conversation_id: str | None = conversation_id
        self.params: Mapping[str, Any] = params or {}
        self.model: str = model
        self.streaming: bool = streaming
        self.advisors: tuple[str, ...] = advisors
        self.short_circuited_by: str | None = None

    def child(self) -> RunContext:
        """A context inside this one, for one activation."""
        return RunContext(
            conversation_id=self.conversation_id,
            params=self.params,
            model=self.model,
            streaming=self.streaming,
            advisors=self.advisors,
            parent=self,
        )

    @property
    def shown(self) -> bool:
        """Whether the reader has seen text or a tool event of this run.

        From then on a new attempt is no secret: whoever asks again after some of a failed
        attempt has left its own level emits a :class:`~junto.core.Restart` first, which
        reaches the reader only if the run is shown.  In ``call()`` it is never true.
        """
        return self.streaming and self.showing.text

    @property
    def shown_reasoning(self) -> bool:
        """The same, of reasoning."""
        return self.streaming and self.showing.reasoning

    def add_save(self, save: Save, *, key: object = None) -> None:
        """Have ``save`` called once with the whole answer, if the run ends well.

        Saves of an activation that fails or is dropped are forgotten.  With the same
        ``key`` the later save replaces the earlier, also that of an earlier activation:
        an advisor that may stand inside a loop gives ``key=self``, and saves once.
        Without a key, ``save`` itself is the key.
        """
        self._saves[save if key is None else key] = save

    @property
    def saves(self) -> Mapping[object, Save]:
        """The saves so far by key, in the order in which they will run."""
        return self._saves

    def add_cleanup(self, cleanup: Cleanup, *, key: object = None) -> None:
        """Have ``cleanup`` called once when the run is over, however it ends.

        It is told of the outermost level, after every ``on_close`` and under the same
        rules.  It belongs to the run and not to the activation: whoever stands inside a
        loop asks :attr:`cleanups` for its key first.  Without a key, ``cleanup`` itself
        is the key; with the same key the later one replaces the earlier.
        """
        self._cleanups[cleanup if key is None else key] = cleanup

    @property
    def cleanups(self) -> Mapping[object, Cleanup]:
        """The run's cleanups so far by key, in the order in which they were added."""
        return self._cleanups

    def inherit(self, inner: RunContext) -> None:
        """Take over from a child whose activation is complete; for the driver."""
        self._saves.update(inner.saves)
        self.short_circuited_by = inner.short_circuited_by

    def __setitem__(self, key: ContextKey[T], value: T) -> None:
        given: Any = key
        if not isinstance(given, ContextKey):
            msg = f"a context is written by a ContextKey, not by {given!r}: ContextKey[T](name)"
            raise TypeError(msg)
        self._values[key] = value

    def __getitem__(self, key: ContextKey[T]) -> T:
        value = self.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value  # type: ignore[return-value]  # the sentinel was excluded above

    def __contains__(self, key: ContextKey[Any]) -> bool:
        return self.get(key, _MISSING) is not _MISSING

    @overload
    def get(self, key: ContextKey[T]) -> T | None: ...
    @overload
    def get(self, key: ContextKey[T], default: T) -> T: ...
    @overload
    def get(self, key: ContextKey[T], default: object) -> T | object: ...
    def get(self, key: ContextKey[Any], default: Any = None) -> Any:
        """The value here or in an outer context, else ``default``."""
        if key in self._values:
            return self._values[key]
        return default if self._parent is None else self._parent.get(key, default)

    def __repr__(self) -> str:
        return f"<RunContext {self.run_id} of {self.model or 'no model'}>"


_MISSING = object()


@define(eq=False)
class Outcome:
    """What ``on_close`` is told.

    Attributes:
        kind: How it ended.
        error: The original error object, for ``failed`` and ``cancelled``.
        usage: The tokens known so far, of all attempts together; ``response.attempts``
            has each of them.
        cleanup_errors: What went wrong while closing, inner levels first; it grows until
            the run is closed.
        left_out: The isolated advisors that failed and were left out, by name.
        reason: Why the reader left, in the words given to ``aclose()``.
    """

    kind: OutcomeKind
    error: BaseException | None
    usage: Usage
    cleanup_errors: list[BaseException]
    left_out: tuple[str, ...]
    _respond: Callable[[], ChatResponse] = field(repr=False)
    reason: str = ""
    _response: ChatResponse | None = field(default=None, init=False, repr=False)

    @property
    def response(self) -> ChatResponse:
        """The response of this level: whole, or as far as it came.  Built when asked."""
        if self._response is None:
            self._response = self._respond()
        return self._response

    @property
    def ok(self) -> bool:
        """Whether the whole answer was delivered."""
        return self.kind in {OutcomeKind.FINISHED, OutcomeKind.SHORT_CIRCUITED}
