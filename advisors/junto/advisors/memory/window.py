"""How much of a conversation the model sees: a policy of reading, which deletes nothing.

All of them take whole turns, the newest first, and never part a tool call from its
result: a turn that begins with tool results stays with the turn that asked for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Protocol

from attrs import evolve

from junto.core import AssistantMessage, Message, ReasoningPart, TextPart, ToolCallPart
from junto.core.memory import ConversationKey, Turn

from .history import answers_tools

__all__ = [
    "EstimatedTokens",
    "HistoryWindow",
    "LastMessages",
    "LastTurns",
    "TokenBudget",
    "TokenCounter",
    "groups",
]


class HistoryWindow:
    """The base of windows, and where other policies of reading begin.

    Attributes:
        reach: How many of the newest turns it looks at; 0 for none at all.
    """

    reach: int = 0

    async def select(self, key: ConversationKey, turns: Sequence[Turn]) -> Sequence[Turn | Message]:
        """What stands in front of the question.

        Args:
            key: The conversation.
            turns: Its newest ``reach`` turns at most, oldest first, on the path that the
                question goes on with.

        Returns:
            Some of them, and messages that stand for others; oldest first.
        """
        return turns

    def stored(self, key: ConversationKey, turn: Turn) -> None:
        """A turn has been stored: the place to begin what nobody should wait for."""


class TokenCounter(Protocol):
    """Counts what messages cost.

    Attributes:
        estimated: Whether it only guesses.
    """

    estimated: bool

    def count(self, messages: Sequence[Message]) -> int:
        """How many tokens the messages take together."""
        ...


class EstimatedTokens:
    """A guess for any model: four bytes of UTF-8 a token, and four tokens a message.

    English text comes out about right, Chinese about a third too high; images and sound
    count as nothing but their message.
    """

    estimated = True

    def count(self, messages: Sequence[Message]) -> int:
        """About how many tokens the messages take together."""
        return sum(4 + math.ceil(_bytes_of(message) / 4) for message in messages)

    def __repr__(self) -> str:
        return "EstimatedTokens()"


class _Sized(HistoryWindow):
    """What fits, by some size of a turn."""

    def __init__(self, limit: int) -> None:
        self._limit = _whole(type(self).__name__, limit)
        self.reach = limit

    async def select(self, key: ConversationKey, turns: Sequence[Turn]) -> Sequence[Turn]:
        """The newest turns that fit together; the newest of them in any case."""
        kept: list[Turn] = []
        size = 0
        for group in reversed(groups(turns)):
            more = sum(self._size(turn) for turn in group)
            if kept and size + more > self._limit:
                break
            kept[:0] = group if kept or more <= self._limit else self._oversized(group)
            size += more
        return kept

    def _size(self, turn: Turn) -> int:
        raise NotImplementedError

    def _oversized(self, group: Sequence[Turn]) -> Sequence[Turn]:
        return group

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._limit})"


class LastMessages(_Sized):
    """The newest messages, in whole turns; the newest turn even if it alone is longer."""

    def _size(self, turn: Turn) -> int:
        return len(turn.messages)


class LastTurns(_Sized):
    """The newest turns."""

    def _size(self, turn: Turn) -> int:
        return 1


class TokenBudget(_Sized):
    """The newest turns that cost no more than a number of tokens.

    Args:
        tokens: How many.
        counter: Who counts; by default it is a guess, and ``estimated`` says so.
        oversized: What becomes of the newest turn if it alone costs more.  ``"keep"``:
            it stays whole.  ``"cut"``: its rounds of tools go, the oldest first, until it
            fits or only the question and the last answer are left.
        max_turns: How many turns are looked at, at most.
    """

    def __init__(
        self,
        tokens: int,
        *,
        counter: TokenCounter | None = None,
        oversized: Literal["keep", "cut"] = "keep",
        max_turns: int = 200,
    ) -> None:
        super().__init__(tokens)
        if oversized not in {"keep", "cut"}:
            msg = f"oversized is 'keep' or 'cut', not {oversized!r}"
            raise ValueError(msg)
        self.counter: TokenCounter = EstimatedTokens() if counter is None else counter
        self.oversized = oversized
        self.reach: int = _whole("max_turns", max_turns) if tokens else 0

    @property
    def estimated(self) -> bool:
        """Whether the counter only guesses."""
        return self.counter.estimated

    def _size(self, turn: Turn) -> int:
        return self.counter.count(turn.messages)

    def _oversized(self, group: Sequence[Turn]) -> Sequence[Turn]:
        if self.oversized == "keep":
            return group
        return _cut(group, lambda turns: sum(map(self._size, turns)) <= self._limit)

    def __repr__(self) -> str:
        return f"TokenBudget({self._limit}, counter={self.counter!r})"


def _cut(group: Sequence[Turn], fits: Callable[[Sequence[Turn]], bool]) -> Sequence[Turn]:
    """A turn without its oldest rounds of tools, as few of them as it takes.

    Turns that answer one another's tool calls are one turn here.
    """
    joined = evolve(
        group[-1],
        input=group[0].input,
        output=[*group[0].output, *(m for turn in group[1:] for m in turn.messages)],
    )
    while not fits([joined]):
        # A round is an assistant message and the results that follow it.
        starts = [i for i, m in enumerate(joined.output) if isinstance(m, AssistantMessage)]
        if len(starts) < 2:
            break
        joined = evolve(joined, output=joined.output[starts[1] :])
    return [joined]


def groups(turns: Iterable[Turn]) -> list[list[Turn]]:
    """Turns that belong together: one that begins with tool results joins the one before."""
    groups: list[list[Turn]] = []
    for turn in turns:
        if groups and answers_tools(turn):
            groups[-1].append(turn)
        else:
            groups.append([turn])
    return groups


def _bytes_of(message: Message) -> int:
    size = 0
    for part in message.parts:
        match part:
            case TextPart() | ReasoningPart():
                size += len(part.text.encode(errors="surrogatepass"))
            case ToolCallPart():
                size += len(f"{part.name}{part.arguments}".encode(errors="surrogatepass"))
            case _:
                pass
    return size


def _whole(name: str, limit: object) -> int:
    if isinstance(limit, bool) or not isinstance(limit, int):
        msg = f"{name} is a whole number, not {limit!r}"
        raise TypeError(msg)
    if limit < 0:
        msg = f"{name} is at least 0, not {limit}"
        raise ValueError(msg)
    return limit
