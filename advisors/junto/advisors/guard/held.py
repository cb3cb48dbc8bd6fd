"""What a window holds back of one answer.

Everything here depends on the text alone, and not on how it was cut: a piece is taken as
if it came one character after the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from attrs import define

from junto.core import Event, ReasoningDelta, TextDelta

from .channel import Channel
from .mode import Window
from .verdict import Block, Check

__all__ = ["Held"]


@define(eq=False)
class _Piece:
    """An event that waits; or a part of a channel, which neighbouring events make up.

    Attributes:
        event: What passes as it is, where there is no channel.
        channel: Whose text it is.
        size: How much of the channel's ``out`` it still stands for.
        shown: Whether the text is printed, as reasoning may be.
        before: What is printed in front of the text.
        after: What is printed behind it.
        instead: What is printed instead of it, where that is not the text itself.
        signature: The seal, which goes with the end of it.
    """

    event: Event | None = None
    channel: Channel | None = None
    size: int = 0
    shown: bool = False
    before: str = ""
    after: str = ""
    instead: str | None = None
    signature: str | None = None

    def takes(self, other: _Piece) -> bool:
        """Whether what follows may become part of it."""
        return (
            self.channel is other.channel
            and self.channel is not None
            and self.shown is other.shown
            and (self.after, self.instead, self.signature) == ("", None, None)
            and (other.before, other.instead) == ("", None)
        )

    def made(self, text: str) -> Event:
        """The event for its next characters; for its last ones, if it has become empty."""
        channel, done = self.channel, not self.size
        if channel is None or channel.where == "text":
            return TextDelta(text)
        before, self.before = self.before, ""
        if not self.shown:
            shown = None
        elif self.instead is not None and not channel.replaced:
            shown = self.instead if done else ""
        else:
            shown = before + text + (self.after if done else "")
        signature = self.signature if done and not channel.replaced else None
        return ReasoningDelta(text, shown, signature)


class Held:
    """The events of one answer that may not leave yet, in their order.

    Args:
        name: The guard's, for errors.
        checks: What is asked.
        window: How much is held.
    """

    def __init__(self, name: str, checks: Sequence[Check], window: Window) -> None:
        self._every = window.every
        # Checks that can tell what is certain need not be asked after each character.
        self._at_once = window.every == 1 and all(hasattr(check, "look") for check in checks)
        self._text = Channel("text", name, checks, window)
        self._thought = Channel("reasoning", name, checks, window)
        self._queue: deque[_Piece] = deque()
        self._ready: list[Event] = []

    @property
    def replaced(self) -> list[str]:
        """Where something was replaced."""
        return [c.where for c in (self._thought, self._text) if c.replaced]

    def ready(self) -> list[Event]:
        """What may leave now, neighbouring texts as one; it is given once."""
        ready: list[Event] = []
        for event in self._ready:
            last = ready[-1] if ready else None
            if isinstance(event, TextDelta) and isinstance(last, TextDelta):
                ready[-1] = TextDelta(last.text + event.text)
            else:
                ready.append(event)
        self._ready.clear()
        return ready

    async def take(self, event: Event) -> tuple[str, Block] | None:
        """Take the next event; what is blocked, and where, if anything is."""
        if isinstance(event, TextDelta) and event.text:
            # A thought is over when text follows, which need not wait for its end.
            block = await self._ended(self._thought)
            if block is not None:
                return "reasoning", block
            self._release()
            channel, block = self._text, await self._taken(event)
        elif isinstance(event, ReasoningDelta) and event.text:
            channel, block = self._thought, await self._taken(event)
        else:
            self._queue.append(_Piece(event))
            self._release()
            return None
        return None if block is None else (channel.where, block)

    async def end(self) -> tuple[str, Block] | None:
        """The answer is whole: look at it for the last time, and let it go."""
        for channel in (self._thought, self._text):
            block = await self._ended(channel)
            if block is not None:
                return channel.where, block
        self._release()
        return None

    async def _ended(self, channel: Channel) -> Block | None:
        """Look at a text as it is whole, unless that has been done."""
        if channel.whole:
            return None
        block = await channel.look("", final=True)
        if block is None:
            self._fit(channel)
        return block

    async def _taken(self, event: TextDelta | ReasoningDelta) -> Block | None:
        text = event.text
        channel = self._text if isinstance(event, TextDelta) else self._thought
        at, at_once = 0, self._at_once
        while at < len(text):
            size = channel.room if at_once else self._every - channel.since
            end = min(len(text), at + size)
            part = text[at:end]
            if not at_once and channel.since + len(part) < self._every:
                self._add(event, channel, at, end)
                channel.add(part)
                return None
            block = await channel.look(part)
            if block is None:
                self._add(event, channel, at, end)
                self._fit(channel)
                self._release()
                channel.forget()
                at = end
            elif len(part) > 1 and at_once:
                at_once = False  # one look after the other, to see which character it was
            else:
                return block
        return None

    def _add(
        self, event: TextDelta | ReasoningDelta, channel: Channel, start: int, end: int
    ) -> None:
        """Put a part of an event into the queue."""
        piece = _Piece(channel=channel, size=end - start)
        if isinstance(event, ReasoningDelta):
            first, last = start == 0, end == len(event.text)
            piece.signature = event.signature if last else None
            if event.shown is not None:
                piece.shown = True
                before, after, instead = _printed(event.text, event.shown)
                piece.before = before if first else ""
                piece.after = after if last else ""
                if instead is not None:
                    piece.instead = instead if last else ""
        if self._queue and self._queue[-1].takes(piece):
            tail = self._queue[-1]
            tail.size += piece.size
            tail.after, tail.signature = piece.after, piece.signature
        else:
            self._queue.append(piece)

    def _fit(self, channel: Channel) -> None:
        """After something was replaced: let the pieces stand for what it has become."""
        if not channel.replaced:
            return
        pieces = [piece for piece in self._queue if piece.channel is channel]
        more = len(channel.out) - channel.left - sum(piece.size for piece in pieces)
        for piece in reversed(pieces):
            change = max(more, -piece.size)
            piece.size += change
            more -= change

    def _release(self) -> None:
        """Let go, in their order, the events that may leave."""
        queue = self._queue
        while queue:
            piece, channel = queue[0], queue[0].channel
            if channel is None:
                self._pass(piece.event)
                queue.popleft()
                continue
            start = channel.left
            size = min(piece.size, channel.cleared - start)
            piece.size -= size
            channel.left += size
            if size or not piece.size:
                self._ready.append(piece.made(channel.out[start : channel.left]))
            if piece.size:
                return
            queue.popleft()

    def _pass(self, event: Event | None) -> None:
        """Let an event without text go as it is."""
        sealed = isinstance(event, ReasoningDelta) and event.signature is not None
        if sealed and self._thought.replaced:
            return  # a seal is only for what it was made for
        if event is not None:
            self._ready.append(event)


def _printed(text: str, shown: str) -> tuple[str, str, str | None]:
    """What is printed before and after a text; or what instead, if it is not in there."""
    before, found, after = shown.partition(text)
    if found:
        return before, after, None
    size = len(text) - 1
    while size and text[:size] not in shown:
        size -= 1
    return shown[: shown.find(text[:size])] if size else "", "", shown
