"""How an activation ended, and what each asking of a model cost."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from attrs import Factory, evolve, frozen

from .usage import COUNTS, Usage

__all__ = ["Attempt", "Ledger", "OutcomeKind"]


class OutcomeKind(StrEnum):
    """How an activation ended."""

    FINISHED = "finished"
    """The whole answer came, and every ``after`` ran."""
    FAILED = "failed"
    """An error ended it."""
    CANCELLED = "cancelled"
    """The reader's task was cancelled."""
    ABANDONED = "abandoned"
    """The reader, or an ``around``, left before the end."""
    SHORT_CIRCUITED = "short_circuited"
    """An advisor's ``before`` gave the answer; it was delivered whole."""


@frozen(kw_only=True)
class Attempt:
    """One asking of the model in a run: a retry, a round of tools, a hedge.

    Attributes:
        number: From 1, in the order in which the run asked.
        model: ``"provider:model"``: what answered, or what was asked if it did not say.
        asked_by: The names of the advisors whose ``around`` it came through, outermost
            first.
        usage: The last that the model said; all ``None`` if it said nothing.
        kind: How it ended.
        answered: Whether anything of an answer came.
        request_id: The provider's id of the request, where it gave one.
    """

    number: int
    model: str
    asked_by: tuple[str, ...] = ()
    usage: Usage = Factory(Usage)
    kind: OutcomeKind = OutcomeKind.FINISHED
    answered: bool = True
    request_id: str | None = None


class Ledger:
    """The attempts of one activation and of all inside it, as each one ends.

    It refers to the ledgers further out and to no activation.
    """

    __slots__ = ("_outer", "asked_by", "attempts")

    def __init__(self, outer: Ledger | None = None, asked_by: tuple[str, ...] = ()) -> None:
        self._outer = outer
        self.asked_by: tuple[str, ...] = asked_by
        self.attempts: list[Attempt] = []

    def inside(self, name: str) -> Ledger:
        """The ledger of what the ``around`` of an advisor asks for."""
        return Ledger(self, (*self.asked_by, name))

    def add(self, attempt: Attempt) -> None:
        """One is over."""
        self.attempts.append(attempt)
        if self._outer is not None:
            self._outer.add(attempt)

    def total(self, spent: Iterable[Usage | None]) -> Usage | None:
        """What several activations spent together.

        A number that one of them knows and another one, which answered, does not makes a
        lower bound of the sum: it is marked as estimated.
        """
        known = [usage for usage in spent if usage is not None]
        if not known:
            return None
        total = sum(known[1:], start=known[0])
        names = [name for name in COUNTS if getattr(total, name) is not None]
        unknown = any(
            getattr(attempt.usage, name) is None
            for attempt in self.attempts
            if attempt.answered
            for name in names
        )
        return evolve(total, estimated=True) if unknown and len(self.attempts) > 1 else total
