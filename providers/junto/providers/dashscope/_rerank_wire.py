"""Rerank on the wire (wire.md section 14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from junto.core import ChatError, ProtocolError, Ranked, Ranking

from ..failures import Origin
from ._whole import Answer, read_whole

__all__ = ["ranking_body", "read_ranking"]


def ranking_body(
    model: str, query: str, documents: Sequence[str], top_n: int, instruct: str | None
) -> Any:
    """The request.  The documents are not asked back: who asks has them."""
    parameters: dict[str, Any] = {"top_n": top_n, "return_documents": False}
    if instruct is not None:
        parameters["instruct"] = instruct
    return {
        "model": model,
        "input": {"query": query, "documents": documents},
        "parameters": parameters,
    }


class _Result(msgspec.Struct, gc=False):
    index: int
    relevance_score: float


class _Output(msgspec.Struct, gc=False):
    results: list[_Result]


_DECODER = msgspec.json.Decoder(Answer[_Output])


def read_ranking(
    body: bytes, origin: Origin, request_id: str | None, *, count: int, top_n: int
) -> Ranking | ChatError:
    """Read the answer for ``count`` documents; results of equal score keep their order.

    The error is returned and not raised, as a traceback from here would hold the body.
    """
    whole = read_whole(body, _DECODER, origin, request_id)
    if isinstance(whole, ChatError):
        return whole
    results = whole.output.results
    if wrong := _wrong(results, count, top_n):
        return ProtocolError(wrong, request_id=whole.request_id)
    results = sorted(results, key=lambda result: -result.relevance_score)
    return Ranking(
        results=tuple([Ranked(r.index, r.relevance_score) for r in results[:top_n]]),
        usage=whole.usage,
        model=origin.model,
        request_id=whole.request_id,
    )


def _wrong(results: Sequence[_Result], count: int, top_n: int) -> str:
    """Whether there are enough of them, each another document."""
    seen: set[int] = set()
    for result in results:
        index = result.index
        if not 0 <= index < count:
            return f"the service ranked document {index} of {count}"
        if index in seen:
            return f"the service ranked document {index} twice"
        seen.add(index)
    if len(seen) < top_n:
        return f"the service ranked {len(seen)} documents, not {top_n}"
    return ""
