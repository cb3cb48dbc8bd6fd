"""Many texts in few requests: checked, cut into batches, and a few batches at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from junto.core import ChatError, RejectedRequestError, clean_text

__all__ = ["check_texts", "run_batches"]

T = TypeVar("T")


def check_texts(texts: Sequence[str], name: str = "texts") -> tuple[str, ...]:
    """``texts``, each of them a text with something in it.

    Args:
        texts: Of a caller.
        name: What the caller knows them as.

    Raises:
        TypeError: It is one text, or one of them is no text.
        RejectedRequestError: One is empty; services refuse those, or give a vector that
            means nothing.
    """
    if isinstance(texts, str | bytes):
        raise TypeError(f"{name} is a list of texts, not one text: pass [text]")
    checked = tuple(texts)
    for index, text in enumerate(checked):
        if not isinstance(text, str):
            raise TypeError(f"{name}[{index}] is a text, not {type(text).__name__}")
        if not text:
            raise RejectedRequestError(
                f"{name}[{index}] is empty: leave empty texts out", kind="empty_text"
            )
    return checked


async def run_batches(
    texts: Sequence[str],
    size: int,
    ask: Callable[[Sequence[str]], Awaitable[T]],
    *,
    at_once: int,
) -> list[T]:
    """What ``ask`` makes of each batch, in the order of the texts.

    After the first failure, or when this is cancelled, the batches that run are cancelled
    and awaited, and no further one is begun.

    Args:
        texts: All of them.
        size: The most texts in a batch.
        ask: Sends one batch.
        at_once: The most batches at a time.

    Raises:
        ChatError: Of the batch that failed first; where there are several batches, its
            message begins with the positions of the texts in it.
    """
    starts = range(0, len(texts), size)
    if len(starts) <= 1:
        return [await ask(texts)] if texts else []
    answers: dict[int, T] = {}
    waiting = iter(starts)

    async def work() -> None:
        for start in waiting:
            batch = texts[start : start + size]
            try:
                answers[start] = await ask(batch)
            except ChatError as error:
                _say_which(error, start, start + len(batch) - 1, len(texts))
                raise

    workers = [asyncio.create_task(work()) for _ in range(min(at_once, len(starts)))]
    try:
        await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        # Not a TaskGroup: on 3.11 it loses a cancellation that comes with a failure.
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    failed = [worker for worker in workers if not worker.cancelled() and worker.exception()]
    for worker in failed or workers:
        worker.result()
    return [answers[start] for start in starts]


def _say_which(error: ChatError, first: int, last: int, count: int) -> None:
    """Put the positions of the texts before the message; it stays the same error."""
    which = f"text {first}" if first == last else f"texts {first} to {last}"
    error.args = (clean_text(f"{which} of {count}: {error}"),)
