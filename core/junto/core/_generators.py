"""Async generators that the event loop does not know, or knows only to shut them down."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import partial
from typing import Any

__all__ = ["is_running", "primed", "registered", "unregistered"]


def is_running(generator: Any) -> bool:
    """Whether somebody pulls or closes it at this moment.

    Before Python 3.13 one whose ``aclose()`` was cancelled says so for ever.
    """
    return generator.ag_running and generator.ag_frame is not None


def unregistered(pull: Callable[..., Any], *arguments: Any) -> Any:
    """Pull a generator for the first time without the event loop's knowing of it.

    A loop that shuts down closes all generators that it knows at the same time.  It
    knows the outermost of a run; all others are closed by the chain, in their order.
    """
    loop = asyncio._get_running_loop()  # noqa: SLF001  None outside a loop, for tests of ours
    return _hooked(None, partial(_left, loop), pull, *arguments)


def registered(pull: Callable[[], Any]) -> Any:
    """The same for the outermost, which the loop does know, and only to shut it down.

    When it is dropped the stream sees to it, and the loop must not do so as well.
    """
    firstiter = sys.get_asyncgen_hooks().firstiter
    loop = asyncio._get_running_loop()  # noqa: SLF001  as above
    return _hooked(firstiter, partial(_left, loop), pull)


def primed(generator: AsyncGenerator[Any, None], finalizer: Callable[[Any], None]) -> None:
    """Take a generator of ours to its first ``yield``, which gives nothing.

    From then on the event loop does not know of it, and ``finalizer`` is called when
    nobody holds it any more.
    """
    step = _hooked(None, finalizer, generator.asend, None)
    with suppress(StopIteration):
        step.send(None)


def _hooked(
    firstiter: Any, finalizer: Callable[[Any], None], call: Callable[..., Any], *arguments: Any
) -> Any:
    """Call with other hooks: a generator keeps those of its first step."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter, finalizer)
    try:
        return call(*arguments)
    finally:
        sys.set_asyncgen_hooks(*hooks)


def _left(loop: asyncio.AbstractEventLoop | None, generator: AsyncGenerator[Any, None]) -> None:
    """A generator dies before its end, by itself or with all of its run.

    While its loop lives, the task that closes the run holds it and closes it in order.
    Else it is taken as far as it comes without waiting.
    """
    if loop is None or loop.is_closed():
        with suppress(StopIteration):
            generator.aclose().__await__().__next__()
