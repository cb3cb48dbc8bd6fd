"""How alike two vectors are, who comes first, and what the stores say in the same words."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Sequence
from operator import mul
from typing import get_args

from attrs import frozen

from junto.core import EmbeddingMismatchError
from junto.core.memory import ConversationKey, RecallScope, VectorRecord, check_id, unit_vector

__all__ = ["Found", "Query", "best", "check_records", "mismatch"]


@frozen
class Query:
    """What to look for, checked.

    Attributes:
        key: The conversation.
        vector: Of length 1.
        model: Who made it.
        limit: How many are wanted.
        wide: Whether to look in all of the tenant's conversations.
        min_score: Those below are left out.
    """

    key: ConversationKey
    vector: array[float]
    model: str
    limit: int
    wide: bool
    min_score: float

    @classmethod
    def of(
        cls,
        key: ConversationKey,
        vector: Sequence[float],
        *,
        model: str,
        limit: int,
        scope: RecallScope,
        min_score: float,
    ) -> Query:
        """The query.

        Raises:
            ValueError: Something of it cannot be.
        """
        if scope not in get_args(RecallScope):
            msg = f"scope is one of {', '.join(get_args(RecallScope))}, not {scope!r}"
            raise ValueError(msg)
        wide = scope == "tenant"
        return cls(key, unit_vector(vector), check_id(model, "model"), limit, wide, min_score)

    def score(self, vector: Iterable[float]) -> float:
        """How alike another vector of length 1 is."""
        score: float = sum(map(mul, self.vector, vector))
        return score


@frozen
class Found:
    """A candidate, without its text.

    Attributes:
        conversation: Where it stands.
        id: Its id there.
        created: When it was said.
        score: How alike it is.
    """

    conversation: str
    id: str
    created: float
    score: float

    @property
    def rank(self) -> tuple[float, float, str, str]:
        """What it is sorted by: the least comes first."""
        return (-self.score, -self.created, self.conversation, self.id)


def best(candidates: Iterable[Found], query: Query) -> list[Found]:
    """The candidates that are wanted, in order."""
    good = (found for found in candidates if found.score >= query.min_score)
    return heapq.nsmallest(max(0, query.limit), good, key=lambda found: found.rank)


def check_records(records: Iterable[VectorRecord]) -> list[tuple[VectorRecord, array[float]]]:
    """The memories and their vectors of length 1, in order.

    Raises:
        ValueError: An id or a vector cannot be.
        EmbeddingMismatchError: The vectors differ in length.
    """
    checked = [(record, unit_vector(record.vector)) for record in records]
    for record, _ in checked:
        check_id(record.id, "id")
    lengths = sorted({len(vector) for _, vector in checked})
    if len(lengths) > 1:
        msg = f"vectors of one model have one length, not {lengths}"
        raise EmbeddingMismatchError(msg)
    return checked


def mismatch(stored: tuple[str, int], given: tuple[str, int]) -> EmbeddingMismatchError:
    """The error for vectors of another model, or of another length.

    Args:
        stored: Model and length of what is stored.
        given: The same of what came.
    """
    msg = (
        f"the memories of this tenant have {stored[1]} numbers by {stored[0]}, and this vector "
        f"has {given[1]} by {given[0]}: ask with that model, or clear() the store for this "
        "tenant and index its turns again"
    )
    return EmbeddingMismatchError(msg)
