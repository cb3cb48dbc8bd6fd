"""What becomes of the chain of thought."""

from __future__ import annotations

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
    TextDelta,
    ThinkSplitter,
    UsageUpdate,
)

__all__ = ["ReasoningAdvisor", "Show"]

Show: TypeAlias = Literal["block", "pieces", "drop", "apart"]


class ReasoningAdvisor(Advisor):
    """Shows the chain of thought in front of the answer, drops it, or leaves it apart.

    Shown reasoning stays reasoning: ``stream.text()`` and ``response.display_text`` print
    it, while ``response.text`` and memory never hold it.

    A model that writes think tags into its text is handled as well: a ``<think>`` that
    is the first thing of the answer is taken for reasoning, wherever the text is cut.
    A model that sends its reasoning apart switches that off for its answer.

    Args:
        show: ``"block"`` prints one ``<think>…</think>`` in front of the answer;
            ``"pieces"`` prints each piece in tags of its own, as the Spring AI tutorial
            does; ``"drop"`` removes the reasoning; ``"apart"`` only keeps it out of the
            text.
        tags: Find think tags inside the text.
        separator: Printed after a block, in front of the answer.
        opening: The opening tag, to find and to print.
        closing: The closing tag, to find and to print.
        name: For logs, and for replacing or leaving it out for one request.
        order: Its place in the chain.
    """

    def __init__(
        self,
        show: Show = "block",
        *,
        tags: bool = True,
        separator: str = "",
        opening: str = "<think>",
        closing: str = "</think>",
        name: str = "reasoning",
        order: int = Phase.REASONING,
    ) -> None:
        if show not in get_args(Show):
            msg = f"show is one of {', '.join(get_args(Show))}, not {show!r}"
            raise ValueError(msg)
        if not opening or not closing:
            msg = "opening and closing are not empty"
            raise ValueError(msg)
        self.show: Show = show
        self.tags = tags
        self.separator = separator
        self.opening = opening
        self.closing = closing
        self.name = name
        self.order = order

    def open(self, ctx: RunContext) -> EventHook:
        """One activation's state: the splitter, and whether a block is open."""
        return _Reader(self).on_event

    def __repr__(self) -> str:
        return f"ReasoningAdvisor({self.show!r})"


class _Reader:
    """The hook of one activation."""

    def __init__(self, advisor: ReasoningAdvisor) -> None:
        self._advisor = advisor
        self._begin()

    def _begin(self) -> None:
        advisor = self._advisor
        self._open = False
        self._splitter: ThinkSplitter | None = None
        if advisor.tags:
            self._splitter = ThinkSplitter(opening=advisor.opening, closing=advisor.closing)

    def on_event(self, event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        """Split the text, then show what is reasoning."""
        splitter = self._splitter
        if splitter is None:
            return self._shown(event)
        if isinstance(event, TextDelta):
            events = splitter.feed(event.text)
            if splitter.done:
                self._splitter = None
                if events == [event]:
                    return self._shown(event)
            return self._all(events)
        if isinstance(event, ModelWarning | CustomEvent | UsageUpdate | Restart):
            return self._shown(event)
        # Anything else ends the text's beginning; native reasoning wins over tags.
        self._splitter = None
        return self._all([*splitter.flush(), event])

    def _all(self, events: list[Event]) -> tuple[Event, ...]:
        result: list[Event] = []
        for event in events:
            shown = self._shown(event)
            result += shown if isinstance(shown, tuple) else (shown,)
        return tuple(result)

    def _shown(self, event: Event) -> Event | tuple[Event, ...]:
        advisor = self._advisor
        if isinstance(event, ReasoningDelta):
            return self._reasoning(event)
        if isinstance(event, Restart):
            self._begin()
            return event
        if self._open and not isinstance(event, ModelWarning | CustomEvent | UsageUpdate):
            self._open = False
            after = "" if isinstance(event, Finish) else advisor.separator
            return (ReasoningDelta("", shown=advisor.closing + after), event)
        return event

    def _reasoning(self, event: ReasoningDelta) -> Event | tuple[Event, ...]:
        advisor = self._advisor
        match advisor.show:
            case "apart":
                return event
            case "drop":
                return ()
            case "pieces":
                shown = f"{advisor.opening}{event.text}{advisor.closing}" if event.text else ""
            case "block":
                shown = event.text if self._open else advisor.opening + event.text
                self._open = True
        return ReasoningDelta(event.text, shown=shown, signature=event.signature)
