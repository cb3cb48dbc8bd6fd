"""An embedding model that needs no model: texts with words in common are near each other."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ..errors import RejectedRequestError
from ..retrieval import Embeddings, Purpose
from ..usage import Usage

__all__ = ["ScriptedEmbeddings"]

# Words, where a script has spaces between them; single characters from the CJK blocks on.
_WORD = re.compile(r"[^\W\u2e80-\U0010ffff]+|\w")


class ScriptedEmbeddings:
    """An embedding model for tests: public, deterministic, and without I/O.

    The same text has the same vector on every machine, of length 1.  Each word adds to one
    number, chosen by its hash, so texts that share words are near each other, and those
    that share none are at a right angle, but for words that meet by chance.  What a text
    means, and for which purpose it is embedded, makes no difference.

    ::

        model = ScriptedEmbeddings()
        model = ScriptedEmbeddings(vectors={"sun": [1, 0], "moon": [0, 1]})
        model = ScriptedEmbeddings(RateLimitedError("too fast"), hang())

    Args:
        *acts: What the first requests do before they answer, one each: an error to raise,
            a function to call (and to await, if it gives an awaitable), or ``None``.  Later
            ones just answer.
        vectors: Vectors to give for some texts, as they are.
        dimensions: The length of the others; by default that of ``vectors``, else 256.
        model: The model's name.

    Raises:
        ValueError: ``vectors`` are of different lengths, or ``dimensions`` is less than 1.

    Attributes:
        requests: The texts and the purpose of each request, in order.
        closed: Whether it was closed.
    """

    provider: str = "scripted"

    def __init__(
        self,
        *acts: BaseException | Callable[[], object] | None,
        vectors: Mapping[str, Sequence[float]] | None = None,
        dimensions: int | None = None,
        model: str = "embeddings",
    ) -> None:
        self._vectors = {text: tuple(map(float, v)) for text, v in (vectors or {}).items()}
        lengths = {len(vector) for vector in self._vectors.values()}
        self._dimensions = next(iter(lengths), 256) if dimensions is None else dimensions
        if self._dimensions < 1 or lengths - {self._dimensions}:
            msg = f"all vectors have one length of at least 1, not {sorted(lengths)}"
            raise ValueError(msg)
        self._acts = acts
        self.model = model
        self.requests: list[tuple[tuple[str, ...], Purpose]] = []
        self.closed: bool = False

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> Embeddings:
        """The vectors of ``texts``; each word counts as a token.

        No texts make no request.

        Raises:
            TypeError: One of them is no text, or they are one text.
            RejectedRequestError: One of them is empty, as real models refuse those.
        """
        if isinstance(texts, str):
            msg = "texts is a list of texts, not one text: pass [text]"
            raise TypeError(msg)
        words = [_words(text, index) for index, text in enumerate(texts)]
        if not words:
            return Embeddings(vectors=(), model=self.model)
        number = len(self.requests)
        self.requests.append((tuple(texts), purpose))
        act = self._acts[number] if number < len(self._acts) else None
        if isinstance(act, BaseException):
            raise act
        if act is not None:
            result: Any = act()
            if isinstance(result, Awaitable):
                await result
        tokens = sum(map(len, words))
        return Embeddings(
            vectors=tuple(map(self._vector, texts, words)),
            usage=Usage(input_tokens=tokens, total_tokens=tokens),
            model=self.model,
            request_ids=(f"{self.model}-{number}",),
        )

    async def aclose(self) -> None:
        """Note that it was closed; there is nothing to free."""
        self.closed = True

    def __repr__(self) -> str:
        return f"ScriptedEmbeddings(dimensions={self._dimensions}, model={self.model!r})"

    def _vector(self, text: str, words: Sequence[str]) -> tuple[float, ...]:
        if text in self._vectors:
            return self._vectors[text]
        counts = Counter(_place(word, self._dimensions) for word in words)
        norm = math.hypot(*counts.values())
        return tuple([counts[place] / norm for place in range(self._dimensions)])


def _words(text: str, index: int) -> list[str]:
    if not isinstance(text, str):
        msg = f"texts[{index}] is a text, not {type(text).__name__}"
        raise TypeError(msg)
    if not text:
        msg = f"texts[{index}] is empty: leave empty texts out"
        raise RejectedRequestError(msg, kind="empty_text")
    return _WORD.findall(text.casefold()) or [text]


def _place(word: str, places: int) -> int:
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % places
