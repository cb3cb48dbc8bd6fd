"""The embedding model: what a retrieval advisor calls to turn texts into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack, get_args

from junto.core import Embeddings, ProtocolError, Purpose, Usage

from ..batches import check_texts, run_batches
from ..failures import Origin
from ._client import ServiceClient
from ._embeddings_wire import Batch, Output, Wish, embeddings_body, limits_of, read_embeddings
from ._hosts import EMBEDDINGS
from ._service import ServiceOptions
from ._whole import ask_whole

__all__ = ["DashScopeEmbeddings"]


class DashScopeEmbeddings(ServiceClient):
    """An embedding model of Alibaba Cloud Model Studio (百炼): an ``EmbeddingModel``.

    Making one needs no key and no network.  One instance serves any number of callers at
    once, on any number of event loops.  Close it with ``async with`` or :meth:`aclose`.

    Only the native protocol is spoken, also where ``base_url`` names the compatible mode
    of a host that has both.  A gateway that has OpenAI's paths alone does not answer.

    Args:
        model: Its name on DashScope.  Unknown names are sent as they are.
        dimensions: How many numbers a vector has.  ``text-embedding-v4`` offers 2048,
            1536, 1024 (the default), 768, 512, 256, 128 and 64, v3 those from 1024 on, v2
            and v1 1536 alone.
        output: ``"dense"``, ``"sparse"`` (weights of terms; v3 and later) or
            ``"dense&sparse"``.
        instruct: What the texts are looked for, in a sentence; English works best.  For
            ``text-embedding-v4``; it goes with every request of this object.
        batch: The most texts in a request; by default what the service takes: 25 of v1 and
            v2, else 10, also of models that are not known here.
        concurrency: The most requests at a time, of one call.
        **service: Key, region, clocks and connections: see :class:`ServiceOptions`.  The
            clocks measure each request by itself.

    Raises:
        ValueError: For a number or word that the model does not offer, no name, or a
            region, workspace or URL that cannot be right.
    """

    def __init__(
        self,
        model: str = "text-embedding-v4",
        *,
        dimensions: int | None = None,
        output: Output = "dense",
        instruct: str | None = None,
        batch: int | None = None,
        concurrency: int = 4,
        **service: Unpack[ServiceOptions],
    ) -> None:
        super().__init__(model, **service)
        limits = limits_of(model)
        offered = limits.dimensions
        if dimensions is not None:
            _check_number("dimensions", dimensions)
            if offered and dimensions not in offered:
                raise ValueError(
                    f"{model} has vectors of {', '.join(map(str, offered))} dimensions,"
                    f" not {dimensions}"
                )
        if output not in get_args(Output):
            raise ValueError(f"output is one of {', '.join(get_args(Output))}; not {output!r}")
        if output != "dense" and not limits.sparse:
            raise ValueError(f"{model} has dense vectors only, not {output!r}")
        self._wish = Wish(
            dimensions=dimensions, output=output, instruct=instruct, fixed=len(offered) == 1
        )
        self._batch = limits.batch if batch is None else _check_number("batch", batch)
        self._concurrency = _check_number("concurrency", concurrency)

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> Embeddings:
        """The vectors of ``texts``, in their order: any number, in as many requests as it takes.

        No texts make no request.  After the first failure the other requests are given up.
        When this ends, in whichever way, no connection is in use any more.

        Args:
            texts: What to turn into vectors.
            purpose: ``"document"`` for texts to be found, ``"query"`` for those to find
                them with.

        Raises:
            TypeError: One of them is no text.
            ValueError: ``purpose`` is another word.
            RejectedRequestError: One of them is empty; or the service says that the request
                is wrong.
            ProtocolError: The answer does not fit the texts, or is not one.
            ChatError: As :meth:`DashScopeModel.stream` says.  Where it took more than one
                request, the message begins with the positions of the texts.
        """
        if purpose not in {"document", "query"}:
            raise ValueError(f"purpose is 'document' or 'query', not {purpose!r}")
        texts = check_texts(texts)
        if not texts:
            return Embeddings(vectors=(), model=self.model)
        ask = partial(self._ask, await self._service.origin(self.model), purpose)
        batches = await run_batches(texts, self._batch, ask, at_once=self._concurrency)
        vectors = tuple([vector for batch in batches for vector in batch.vectors])
        if len({len(vector) for vector in vectors}) > 1:
            raise ProtocolError("the service sent vectors of different lengths")
        return Embeddings(
            vectors=vectors,
            sparse=tuple([weights for batch in batches for weights in batch.sparse]),
            usage=sum((batch.usage for batch in batches), Usage()),
            model=self.model,
            request_ids=tuple([batch.request_id for batch in batches if batch.request_id]),
        )

    async def _ask(self, origin: Origin, purpose: Purpose, texts: Sequence[str]) -> Batch:
        return await ask_whole(
            self._service,
            origin,
            EMBEDDINGS,
            embeddings_body(self.model, texts, purpose, self._wish),
            partial(read_embeddings, count=len(texts), wish=self._wish),
        )


def _check_number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is a whole number of at least 1, not {value!r}")
    return value
