"""What a vector store implements: memories that are found by what they are about."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol, TypeAlias, cast

from attrs import field, frozen

from .key import ConversationKey, KeyLike

__all__ = [
    "RecallScope",
    "Recalled",
    "VectorRecord",
    "VectorStore",
    "check_vector_store",
    "unit_vector",
]

RecallScope: TypeAlias = Literal["conversation", "tenant"]
"""Where memories are looked for: in one conversation, or in all of its tenant's."""


@frozen
class VectorRecord:
    """Something to remember.

    Attributes:
        id: Unique in its conversation, such as the id of the turn that it comes from.
        text: What is given back.
        vector: What it is found by.  Its length does not matter, only its direction.
        created: When it was said, in seconds since 1970; by default when it is stored.
    """

    id: str
    text: str
    vector: Sequence[float] = field(repr=lambda vector: f"<{len(vector)} numbers>")
    created: float | None = None


@frozen
class Recalled:
    """Something that was found.

    Attributes:
        key: The conversation that it comes from.
        id: As it was stored.
        text: As it was stored.
        score: The cosine between it and what was looked for: 1 for the same, 0 for
            nothing in common, down to -1.
        created: When it was said, in seconds since 1970.
    """

    key: ConversationKey
    id: str
    text: str
    score: float
    created: float


class VectorStore(Protocol):
    """What every vector store implements.

    Each method first checks ids and tenant as memory stores do, before any I/O.  The
    vectors of a tenant come from one model and have one length, which the first of them
    decides; a tenant that has none any more takes another.

    Raises:
        ValueError: An id, or a vector, that cannot be.
        EmbeddingMismatchError: A vector of another model or another length.
        StoreUnavailableError: The store cannot be reached or used.
        StoreFormatError: What is stored cannot be read.
    """

    async def add(self, key: KeyLike, /, records: Sequence[VectorRecord], *, model: str) -> None:
        """Remember all of them, or none; an id that is there already changes nothing.

        Args:
            key: The conversation that they belong to.
            records: The memories.
            model: Who made the vectors, as ``"provider:model"``.
        """
        ...

    async def search(
        self,
        key: KeyLike,
        /,
        vector: Sequence[float],
        *,
        model: str,
        limit: int,
        scope: RecallScope = "conversation",
        min_score: float = -1.0,
    ) -> Sequence[Recalled]:
        """The memories nearest to a vector, the best first, and the newer of equals.

        Args:
            key: The conversation; with the scope ``"tenant"`` only its tenant counts.
            vector: What to look for.
            model: Who made it.
            limit: How many are wanted.
            scope: Where to look; never beyond the tenant.
            min_score: Those that are less alike are left out.
        """
        ...

    async def delete(self, key: KeyLike, /, ids: Iterable[str] | None = None) -> None:
        """Forget some memories of a conversation, or all; unknown ones are no error."""
        ...

    async def clear(self, tenant: str = "") -> None:
        """Forget all of a tenant's memories."""
        ...

    async def prune(self, older_than: float, *, tenant: str | None = None) -> int:
        """Forget what is older than so many seconds, of one tenant or all; how many went."""
        ...


def check_vector_store(store: object) -> VectorStore:
    """The store, if it can be one.

    Raises:
        TypeError: It is a class, or lacks a method.
    """
    if isinstance(store, type):
        msg = f"the store is the class {store.__name__}: make an instance of it"
        raise TypeError(msg)
    names = ("add", "search", "delete", "clear", "prune")
    missing = [name for name in names if not callable(getattr(store, name, None))]
    if missing:
        msg = f"a vector store has {', '.join(names)}; {store!r} lacks {', '.join(missing)}"
        raise TypeError(msg)
    return cast("VectorStore", store)


def unit_vector(vector: Iterable[float]) -> array[float]:
    """The vector with the length 1, in single precision; what a store keeps.

    Raises:
        ValueError: It is empty, all zeros, or has a number that is not finite.
        TypeError: It holds something else than numbers.
    """
    try:
        numbers = [float(number) for number in vector]
    except OverflowError:
        numbers = []
    # Scaled first: the square of a large number may be no number any more.
    largest = max(map(abs, numbers), default=0.0)
    if not 0 < largest < math.inf or not all(map(math.isfinite, numbers)):
        msg = "a vector has at least one number that is not 0, and all of them are finite"
        raise ValueError(msg)
    scaled = [number / largest for number in numbers]
    length = math.hypot(*scaled)
    return array("f", [number / length for number in scaled])
