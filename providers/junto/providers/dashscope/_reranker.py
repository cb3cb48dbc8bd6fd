"""The reranker: what a retrieval advisor calls to put documents into order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Unpack

from junto.core import Ranking, RejectedRequestError

from ..batches import check_texts
from ._client import ServiceClient
from ._hosts import RERANK
from ._rerank_wire import ranking_body, read_ranking
from ._service import ServiceOptions
from ._whole import ask_whole

__all__ = ["DashScopeReranker"]


class DashScopeReranker(ServiceClient):
    """A rerank model of Alibaba Cloud Model Studio (百炼): a ``RerankModel``.

    Making one needs no key and no network.  One instance serves any number of callers at
    once, on any number of event loops.  Close it with ``async with`` or :meth:`aclose`.

    All documents go into one request, as scores of two requests cannot be compared; the
    service refuses more than it takes (500 documents, of ``qwen3-vl-rerank`` 100).

    Only the native protocol is spoken, also where ``base_url`` names the compatible mode
    of a host that has both.  A gateway that has OpenAI's paths alone does not answer.

    Args:
        model: Its name on DashScope, such as ``"gte-rerank-v2"`` or ``"qwen3-rerank"``.
            Unknown names are sent as they are.
        instruct: What makes a document a good one, in a sentence; English works best.
            For the models that take it, such as ``"qwen3-rerank"``.
        **service: Key, region, clocks and connections: see :class:`ServiceOptions`.

    Raises:
        ValueError: For no name, or a region, workspace or URL that cannot be right.
    """

    def __init__(
        self,
        model: str = "gte-rerank-v2",
        *,
        instruct: str | None = None,
        **service: Unpack[ServiceOptions],
    ) -> None:
        super().__init__(model, **service)
        self._instruct = instruct

    async def rerank(
        self, query: str, documents: Sequence[str], *, top_n: int | None = None
    ) -> Ranking:
        """The ``top_n`` best of ``documents``, or all of them, the best first.

        No documents make no request.

        Raises:
            TypeError: The query or a document is no text.
            ValueError: ``top_n`` is less than 1.
            RejectedRequestError: The query or a document is empty; or the service says
                that the request is wrong.
            ProtocolError: The answer does not fit the documents, or is not one.
            ChatError: As :meth:`DashScopeModel.stream` says.
        """
        if isinstance(top_n, bool) or not isinstance(top_n, int | None):
            raise TypeError(f"top_n is a number of documents, not {type(top_n).__name__}")
        if top_n is not None and top_n < 1:
            raise ValueError(f"top_n is at least 1, not {top_n}")
        if not isinstance(query, str):
            raise TypeError(f"the query is a text, not {type(query).__name__}")
        if not query:
            raise RejectedRequestError(
                "the query is empty: there is nothing to rank by", kind="empty_text"
            )
        documents = check_texts(documents, "documents")
        if not documents:
            return Ranking(results=(), model=self.model)
        count = len(documents)
        top_n = count if top_n is None else min(top_n, count)
        return await ask_whole(
            self._service,
            await self._service.origin(self.model),
            RERANK,
            ranking_body(self.model, query, documents, top_n, self._instruct),
            partial(read_ranking, count=count, top_n=top_n),
        )
