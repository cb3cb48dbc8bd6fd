"""What becomes of the chain of thought."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias, get_args

from junto.core import (
    Advisor,
    CustomEvent,
    Event,
    EventHook,
    Finish,
    ModelWarning,
    Phase,
    ReasoningDelta,
    Restart,
    RunContext,
    Source,
    TextDelta,
    ThinkSplitter,
    ToolResult,
    UsageUpdate,
)

from .printed import Printed

__all__ = ["ReasoningAdvisor", "Show"]

Show: TypeAlias = Literal["block", "pieces", "drop", "apart"]

# They stand neither in the text nor in a message, so they end nothing.
_NEUTRAL: frozenset[type] = frozenset({CustomEvent, ModelWarning, Source, UsageUpdate})


class ReasoningAdvisor(Advisor):
    r"""Shows the chain of thought in front of the answer, drops it, or leaves it apart.

    Shown reasoning stays reasoning: ``stream.text()`` and ``response.display_text`` print
    it, while ``response.text`` and memory never hold it.

    A model that writes think tags into its text is handled as well: a ``<think>`` that
    is the first thing of a message is taken for reasoning, wherever the text is cut.
    A model that sends its reasoning apart switches that off for its answer.  A block that
    is never closed is reasoning to the end, and sets ``unclosed_reasoning`` in the
    response's metadata.

    A model that thinks again after text or a tool gets a block for each time.  A tag
    inside the thought is printed with a backslash (``<\/think>``), so that each block
    has one beginning and one end.  A run that is left in the midst of a thought leaves
    the printed block open: nothing more can be printed then.

    Args:
        show: ``"block"`` prints one ``<think>…</think>`` in front of the answer;
            ``"pieces"`` prints each piece in tags of its own, as the Spring AI tutorial
            does, and so depends on how the provider cuts; ``"drop"`` removes the
            reasoning; ``"apart"`` only keeps it out of the text.
        tags: Find think tags inside the text.
        started: The opening tag is part of the model's prompt, so that each message
            begins inside the block (some chat templates do so).
        anywhere: A tag later in the text opens a block as well, unless it stands in
            Markdown's code.  A user can make a model echo one.
        separator: Printed after a block, in front of the answer.
        opening: The opening tag, to find and to print.
        closing: The closing tag, to find and to print.
        name: For logs, and for replacing or leaving it out for one request.
        order: Its place in the chain.

    Raises:
        ValueError: For an unknown ``show``, and for tags that cannot be.
    """

    role = "reasoning"

    def __init__(
        self,
        show: Show = "block",
        *,
        tags: bool = True,
        started: bool = False,
        anywhere: bool = False,
        separator: str = "",
        opening: str = "<think>",
        closing: str = "</think>",
        name: str = "reasoning",
        order: int = Phase.REASONING,
    ) -> None:
        if show not in get_args(Show):
            msg = f"show is one of {', '.join(get_args(Show))}, not {show!r}"
            raise ValueError(msg)
        if len(opening) < 2 or len(closing) < 2:
            msg = "opening and closing have at least two characters, to be told from text"
            raise ValueError(msg)
        self.show: Show = show
        self.tags = tags
        self.started = started
        self.anywhere = anywhere
        self.separator = separator
        self.opening = opening
        self.closing = closing
        self.name = name
        self.order = order
        # The beginning of a tag; white space around one is held as well.
        self.holds: int = max(len(opening), len(closing)) - 1 if tags or show == "block" else 0
        self.splitter()  # raises for tags that cannot be

    def open(self, ctx: RunContext) -> EventHook:
        """One activation's state: the splitter, and whether a block is open."""
        return _Reader(self).on_event

    def splitter(self, *, started: bool | None = None) -> ThinkSplitter | None:
        """A new splitter, as configured; ``None`` without ``tags``.

        Args:
            started: Otherwise than configured: in the midst of a message.
        """
        if not self.tags:
            return None
        return ThinkSplitter(
            started=self.started if started is None else started,
            anywhere=self.anywhere,
            opening=self.opening,
            closing=self.closing,
        )

    def __repr__(self) -> str:
        return f"ReasoningAdvisor({self.show!r})"


class _Reader:
    """The hook of one activation."""

    def __init__(self, advisor: ReasoningAdvisor) -> None:
        self._advisor = advisor
        self._show = advisor.show
        self._begin()

    def _begin(self) -> None:
        self._printed = Printed(self._advisor.opening, self._advisor.closing)
        self._native = False
        self._unclosed = False
        self._open = False
        self._splitter = self._advisor.splitter()

    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        """Split the text, then show what is reasoning."""
        splitter = self._splitter
        if isinstance(event, TextDelta):
            if splitter is None:
                return self._closed(event) if self._open and event.text else event
            events = splitter.feed(event.text)
            if splitter.done:
                self._splitter = None
            return event if events == [event] and not self._open else self._all(events)
        if isinstance(event, ReasoningDelta):
            if splitter is None or not (event.text or event.signature):
                return event if self._show == "apart" else self._reasoning(event)
            # Native reasoning wins over tags.
            self._splitter, self._native = None, True
            return self._all([*splitter.flush(), event])
        if event.__class__ in _NEUTRAL:
            return event
        if isinstance(event, Restart):
            self._begin()
            return event
        return self._other(event)

    def _other(self, event: Event) -> Event | tuple[Event, ...]:
        """A tool or the finish ends what was begun."""
        splitter, advisor = self._splitter, self._advisor
        held: list[Event] = []
        if splitter is not None:
            held = splitter.flush()
            self._unclosed = self._unclosed or splitter.unclosed
            # After a tool call the same message goes on.
            self._splitter = advisor.splitter(started=False) if advisor.anywhere else None
        if isinstance(event, ToolResult) and not self._native:
            self._splitter = advisor.splitter()  # a new message follows
        if self._unclosed and isinstance(event, Finish):
            event = Finish(event.reason, {**event.metadata, "unclosed_reasoning": True})
        return self._all([*held, event]) if held else self._closed(event)

    def _all(self, events: Iterable[Event]) -> tuple[Event, ...]:
        result: list[Event] = []
        for event in events:
            if isinstance(event, ReasoningDelta):
                shown = self._reasoning(event)
            else:
                shown = self._closed(event)
            result += shown if isinstance(shown, tuple) else (shown,)
        return tuple(result)

    def _reasoning(self, event: ReasoningDelta) -> Event | tuple[Event, ...]:
        if self._show == "apart":
            return event
        if self._show == "drop":
            return ()
        text, signature = event.text, event.signature
        if self._open and signature is None and self._printed.is_plain(text):
            return ReasoningDelta(text, text)
        if self._show == "pieces" and text:
            return ReasoningDelta(text, self._printed.whole(text), signature)
        if not text and signature is None:
            return ()
        out = self._printed.pieces(text) if text else []
        if signature is not None:
            out = self._printed.sealed(out, signature)
        self._open = self._open or bool(text)
        return out[0] if len(out) == 1 else tuple(out)

    def _closed(self, event: Event) -> Event | tuple[Event, ...]:
        """Print the end of the block in front of an event, if one is open."""
        if not self._open:
            return event
        self._open = False
        after = "" if isinstance(event, Finish) else self._advisor.separator
        return (*self._printed.end(after), event)
