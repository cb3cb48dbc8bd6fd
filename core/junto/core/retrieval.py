"""What retrieval asks of a provider: vectors for texts, and documents in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen

from .usage import Usage

__all__ = ["EmbeddingModel", "Embeddings", "Purpose", "Ranked", "Ranking", "RerankModel"]

Purpose: TypeAlias = Literal["document", "query"]
"""What a text is embedded for: to be found, or to find.  Some models tell them apart."""


@frozen(kw_only=True)
class Embeddings:
    """The vectors of some texts, in the order of the texts.

    Attributes:
        vectors: One for each text, all of the same length; empty tuples where only sparse
            ones were asked for.
        sparse: For each text the weights of its terms, by the terms' numbers; empty
            unless they were asked for.
        usage: Tokens of all texts together.
        model: The model's name.
        request_ids: The provider's ids of the requests that it took, in order.
    """

    vectors: tuple[tuple[float, ...], ...] = field(repr=lambda v: f"<{len(v)} vectors>")
    sparse: tuple[Mapping[int, float], ...] = field(default=(), repr=False, hash=False)
    usage: Usage = field(factory=Usage)
    model: str = ""
    request_ids: tuple[str, ...] = ()


@runtime_checkable
class EmbeddingModel(Protocol):
    """Turns texts into vectors; those of texts that mean the same are near each other.

    Attributes:
        provider: The provider's name, such as ``"dashscope"``.
        model: The model's name, such as ``"text-embedding-v4"``.

    One instance serves any number of callers at once, on any number of event loops.
    """

    provider: str
    model: str

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> Embeddings:
        """The vectors of ``texts``: any number of them, in as many requests as it takes.

        No texts make no request.  Cancellation frees the connection before it goes on.

        Raises:
            ChatError: From the tree in :mod:`junto.core.errors`.
        """
        ...

    async def aclose(self) -> None:
        """Free what the model holds.  Calling it again does nothing."""
        return  # a body, which subclasses inherit


@frozen
class Ranked:
    """One document of a ranking.

    Attributes:
        index: Which of the documents that were given, from 0.
        score: How well it answers the query; comparable within one ranking only.
    """

    index: int
    score: float


@frozen(kw_only=True)
class Ranking:
    """Documents in order of how well they answer a query.

    Attributes:
        results: The best first.
        usage: Tokens of the query and the documents.
        model: The model's name.
        request_id: The provider's id of the request.
    """

    results: tuple[Ranked, ...]
    usage: Usage = field(factory=Usage)
    model: str = ""
    request_id: str | None = None


@runtime_checkable
class RerankModel(Protocol):
    """Puts documents into the order in which they answer a query.

    Attributes:
        provider: The provider's name.
        model: The model's name, such as ``"gte-rerank-v2"``.
    """

    provider: str
    model: str

    async def rerank(
        self, query: str, documents: Sequence[str], *, top_n: int | None = None
    ) -> Ranking:
        """The ``top_n`` best of ``documents``, or all of them.  No documents make no request.

        Raises:
            ChatError: From the tree in :mod:`junto.core.errors`.
        """
        ...

    async def aclose(self) -> None:
        """Free what the model holds.  Calling it again does nothing."""
        return  # a body, which subclasses inherit
