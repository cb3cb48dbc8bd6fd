"""Embeddings on the wire (wire.md section 14), and what each model takes, as data."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from attrs import frozen

from junto.core import ChatError, ProtocolError, Purpose, Usage

from ..failures import Origin
from ._whole import Answer, read_whole

__all__ = ["Batch", "Limits", "Output", "Wish", "embeddings_body", "limits_of", "read_embeddings"]

Output: TypeAlias = Literal["dense", "sparse", "dense&sparse"]


@frozen(kw_only=True)
class Limits:
    """What one model takes.

    Attributes:
        batch: The most texts in a request; of a model that nobody knows, a number that all
            take.
        dimensions: The lengths of vectors that it offers; empty where nobody said.
        sparse: Whether it gives sparse vectors.
    """

    batch: int = 10
    dimensions: tuple[int, ...] = ()
    sparse: bool = True


_V3 = (1024, 768, 512, 256, 128, 64)
_ROWS = (
    ("text-embedding-v[12]", Limits(batch=25, dimensions=(1536,), sparse=False)),
    ("text-embedding-v3*", Limits(dimensions=_V3)),
    ("text-embedding-v4*", Limits(dimensions=(2048, 1536, *_V3))),
)


def limits_of(model: str) -> Limits:
    """The row of ``model``; the careful one, when there is none."""
    for pattern, row in _ROWS:
        if fnmatchcase(model, pattern):
            return row
    return Limits()


@frozen(kw_only=True)
class Wish:
    """What is asked for, of each text.

    Attributes:
        dimensions: The length of the vectors; ``None`` for the model's own.
        output: Which kinds of vectors.
        instruct: What the texts are for, in a sentence.
        fixed: The model has one length alone: it is checked, and not sent.
    """

    dimensions: int | None = None
    output: Output = "dense"
    instruct: str | None = None
    fixed: bool = False


def embeddings_body(model: str, texts: Sequence[str], purpose: Purpose, wish: Wish) -> Any:
    """The request for one batch; what is not asked for is not sent."""
    parameters: dict[str, Any] = {"text_type": purpose}
    if wish.dimensions is not None and not wish.fixed:
        parameters["dimension"] = wish.dimensions
    if wish.output != "dense":
        parameters["output_type"] = wish.output
    if wish.instruct is not None:
        parameters["instruct"] = wish.instruct
    return {"model": model, "input": {"texts": texts}, "parameters": parameters}


class _Weight(msgspec.Struct, gc=False):
    index: Annotated[int, msgspec.Meta(ge=0)]
    value: float


class _Entry(msgspec.Struct, gc=False):
    text_index: int
    embedding: tuple[float, ...] | None = None
    sparse_embedding: list[_Weight] | None = None


class _Output(msgspec.Struct, gc=False):
    embeddings: list[_Entry]


_DECODER = msgspec.json.Decoder(Answer[_Output])


@frozen
class Batch:
    """The vectors of one batch, in the order of its texts, as in :class:`Embeddings`."""

    vectors: tuple[tuple[float, ...], ...]
    sparse: tuple[dict[int, float], ...]
    usage: Usage
    request_id: str | None


def read_embeddings(
    body: bytes, origin: Origin, request_id: str | None, *, count: int, wish: Wish
) -> Batch | ChatError:
    """Read the answer for ``count`` texts; the service may give them in any order.

    The error is returned and not raised, as a traceback from here would hold the body.
    """
    whole = read_whole(body, _DECODER, origin, request_id)
    if isinstance(whole, ChatError):
        return whole
    entries: dict[int, _Entry] = {}
    for entry in whole.output.embeddings:
        entries.setdefault(entry.text_index, entry)
    wrong = _wrong_places(whole.output.embeddings, count) or _wrong_values(entries, wish)
    if wrong:
        return ProtocolError(wrong, request_id=whole.request_id)
    ordered = [entries[index] for index in range(count)]
    dense, sparse = "dense" in wish.output.split("&"), "sparse" in wish.output
    return Batch(
        tuple([(entry.embedding or ()) if dense else () for entry in ordered]),
        tuple([_weights_of(entry) for entry in ordered]) if sparse else (),
        whole.usage,
        whole.request_id,
    )


def _wrong_places(entries: Sequence[_Entry], count: int) -> str:
    """Whether each text has one vector."""
    seen: set[int] = set()
    for entry in entries:
        index = entry.text_index
        if not 0 <= index < count:
            return f"the service sent a vector for text {index} of a batch of {count}"
        if index in seen:
            return f"the service sent two vectors for text {index} of the batch"
        seen.add(index)
    if len(seen) < count:
        missing = min({*range(count)} - seen)
        return f"the service sent no vector for text {missing} of the batch of {count}"
    return ""


def _wrong_values(entries: dict[int, _Entry], wish: Wish) -> str:
    """Whether each vector is there, and as long as the others."""
    length = wish.dimensions
    for index, entry in entries.items():
        what = f"of text {index} of the batch"
        if wish.output != "sparse":
            vector = entry.embedding or ()
            length = length or len(vector)
            if not vector:
                return f"the vector {what} is missing"
            if len(vector) != length:
                return f"the vector {what} has {len(vector)} numbers, not {length}"
        if "sparse" in wish.output and entry.sparse_embedding is None:
            return f"the sparse vector {what} is missing"
    return ""


def _weights_of(entry: _Entry) -> dict[int, float]:
    return {weight.index: weight.value for weight in entry.sparse_embedding or ()}
