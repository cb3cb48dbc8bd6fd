"""Batches: each text once, few at a time, and none left running."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.core import ChatConnectionError, ChatTimeoutError, RejectedRequestError
from junto.providers.batches import check_texts, run_batches

SOON = 5


@given(
    count=st.integers(0, 40),
    size=st.integers(1, 12),
    at_once=st.integers(1, 6),
    delays=st.lists(st.integers(1, 4), min_size=1),
)
async def test_batches_come_back_in_order_whichever_is_answered_first(
    count: int, size: int, at_once: int, delays: list[int]
) -> None:
    texts = [str(number) for number in range(count)]
    running: list[int] = []
    most = 0
    ticks = itertools.cycle(delays)

    async def ask(batch: Sequence[str]) -> Sequence[str]:
        nonlocal most
        running.append(1)
        most = max(most, len(running))
        for _ in range(next(ticks)):
            await asyncio.sleep(0)
        running.pop()
        return batch

    batches = await run_batches(texts, size, ask, at_once=at_once)

    assert [text for batch in batches for text in batch] == texts
    assert all(0 < len(batch) <= size for batch in batches)
    assert most == min(at_once, len(batches))


async def fail_in_the_third(error: Exception) -> tuple[list[str], list[str]]:
    """Run five batches of two, three at a time; return what began and what was cancelled."""
    began: list[str] = []
    cancelled: list[str] = []
    waiting = asyncio.Event()

    async def ask(batch: Sequence[str]) -> None:
        began.append(batch[0])
        if batch[0] == "4":
            raise error
        try:
            await waiting.wait()
        finally:
            await asyncio.sleep(0)  # as a connection does that closes
            cancelled.append(batch[0])

    with pytest.raises(type(error)) as caught:
        await run_batches([str(number) for number in range(9)], 2, ask, at_once=3)
    assert caught.value is error
    return began, cancelled


async def test_after_the_first_failure_the_others_are_cancelled_awaited_and_none_begun() -> None:
    error = ChatTimeoutError("too slow", clock="total", request_id="r-1")

    assert await fail_in_the_third(error) == (["0", "2", "4"], ["0", "2"])
    assert str(error) == "texts 4 to 5 of 9: too slow"
    assert (error.clock, error.request_id) == ("total", "r-1")


async def test_an_error_that_is_one_of_the_systems_too_says_which_texts() -> None:
    error = ChatConnectionError("no connection")
    await fail_in_the_third(error)

    assert str(error) == "texts 4 to 5 of 9: no connection"


async def test_an_error_of_the_code_passes_as_it_is() -> None:
    error = ZeroDivisionError("oops")
    await fail_in_the_third(error)

    assert str(error) == "oops"


async def test_a_last_batch_of_one_is_named_as_one() -> None:
    async def ask(batch: Sequence[str]) -> None:
        if len(batch) == 1:
            raise ChatConnectionError("gone")

    with pytest.raises(ChatConnectionError, match=r"^text 4 of 5: gone$"):
        await run_batches(list("abcde"), 2, ask, at_once=1)


async def test_a_single_batch_needs_no_positions_and_no_task() -> None:
    asking: list[object] = []

    async def ask(batch: Sequence[str]) -> None:
        asking.append(asyncio.current_task())
        raise ChatConnectionError("gone")

    with pytest.raises(ChatConnectionError, match=r"^gone$"):
        await run_batches(["a", "b"], 2, ask, at_once=3)
    assert asking == [asyncio.current_task()]


async def test_cancelling_cancels_and_awaits_what_runs() -> None:
    ended: list[str] = []
    running = asyncio.Event()

    async def ask(batch: Sequence[str]) -> None:
        if batch[0] == "b":
            running.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(batch[0])

    task = asyncio.create_task(run_batches(list("abc"), 1, ask, at_once=2))
    async with asyncio.timeout(SOON):
        await running.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert ended == ["a", "b"]


async def test_a_cancellation_is_not_lost_to_a_failure_at_the_same_moment() -> None:
    running = asyncio.Event()
    fail = asyncio.Event()

    async def ask(batch: Sequence[str]) -> None:
        running.set()
        await fail.wait()
        raise ChatConnectionError("gone")

    task = asyncio.create_task(run_batches(list("abc"), 1, ask, at_once=2))
    async with asyncio.timeout(SOON):
        await running.wait()
        fail.set()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_worker_that_somebody_else_cancels_is_no_success() -> None:
    async def ask(batch: Sequence[str]) -> None:
        cast("asyncio.Task[None]", asyncio.current_task()).cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        await run_batches(list("abc"), 1, ask, at_once=2)


def test_texts_are_given_back_as_they_are() -> None:
    assert check_texts(["a", " ", "好"]) == ("a", " ", "好")
    assert check_texts([]) == ()


@pytest.mark.parametrize(
    ("texts", "error", "said"),
    [
        ("one text", TypeError, r"pass \[text\]"),
        (b"bytes", TypeError, r"pass \[text\]"),
        (["a", None], TypeError, r"documents\[1\] is a text, not NoneType"),
        ([b"a"], TypeError, r"documents\[0\] is a text, not bytes"),
        (["a", "b", ""], RejectedRequestError, r"documents\[2\] is empty"),
    ],
)
def test_what_is_no_text_is_named_by_its_position(
    texts: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        check_texts(texts, "documents")
