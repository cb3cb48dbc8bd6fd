"""Checks of every way in which a reader leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from ...attempt import OutcomeKind
from ...errors import StreamClosedError
from ...stream import ChatStream
from ..kits.loops import claim, ticks
from ..steps import cut, hang
from .base import Checks
from .bench import TEXT, Bench, answer

__all__ = ["EndChecks"]

_Reader: TypeAlias = Callable[[Bench], Coroutine[Any, Any, None]]

_ROUNDS = 50
"""How many rounds of the loop the closing of a dropped stream may take."""


class _ReaderError(Exception):
    """The reader's own."""


class EndChecks(Checks):
    """However a stream is left, everything is closed."""

    def test_reading_to_the_end_closes(self) -> None:
        """At the end all is closed already; closing again does nothing."""

        async def main(bench: Bench) -> None:
            async with bench.stream() as stream:
                events = [event async for event in stream]
                claim(bench.model.open_streams == 0, "the model is open behind the last event")
                await stream.aclose()
            claim(events, "there were no events")

        self._left(main, self.bench(), OutcomeKind.FINISHED, OutcomeKind.SHORT_CIRCUITED)

    def test_response_reads_what_is_left(self) -> None:
        """``response()`` behind some events gives the whole answer, twice the same."""

        async def main(bench: Bench) -> None:
            async with bench.stream() as stream:
                await anext(stream.text())
                response = await stream.response()
                claim(await stream.response() is response, "the response is another one")

        self._left(main, self.bench(), OutcomeKind.FINISHED, OutcomeKind.SHORT_CIRCUITED)

    def test_a_break_inside_async_with_closes(self) -> None:
        """Leaving the block returns when all is closed."""

        async def main(bench: Bench) -> None:
            async with bench.stream() as stream:
                async for _ in stream:
                    break
            bench.settled("a break")

        self._left(main, self.bench(), *_EARLY)

    def test_an_error_of_the_reader_closes_and_passes(self) -> None:
        """What the reader raises in its block comes out, the same object."""
        problem = _ReaderError("mine")

        async def reader(bench: Bench) -> None:
            async with bench.stream() as stream:
                async for _ in stream:
                    raise problem

        async def main(bench: Bench) -> None:
            try:
                await reader(bench)
            except _ReaderError as error:
                claim(error is problem, f"{error!r} came instead of the reader's own error")
            else:
                claim(what=False, otherwise="the reader's own error was swallowed")

        self._left(main, self.bench(), *_EARLY)

    def test_a_bare_break_closes(self) -> None:
        """A stream that is dropped is closed by its loop, soon."""

        async def main(bench: Bench) -> None:
            async for _ in bench.stream():
                break
            for _ in range(_ROUNDS):
                if not bench.model.open_streams:
                    break
                await asyncio.sleep(0)
            await ticks(5)

        self._left(main, self.bench(), *_EARLY, warned=True)

    def test_aclose_from_another_task_interrupts_the_reader(self) -> None:
        """The pull in flight raises ``StreamClosedError``; its task is not cancelled."""

        async def main(bench: Bench) -> None:
            async with bench.stream() as stream:
                reader = asyncio.create_task(_read(stream))
                if not await bench.hangs(reader):
                    return
                await stream.aclose()
                claim(bench.model.open_streams == 0, "aclose() returned before all was closed")
                await asyncio.wait({reader})
                claim(not reader.cancelled(), "aclose() cancelled the reader's task")
                error = reader.exception()
                closed = isinstance(error, StreamClosedError)
                claim(closed, f"the reader got {error!r}, not a StreamClosedError")

        self._left(main, self._hung(), *_EARLY)

    def test_a_timeout_around_one_pull_ends_that_pull(self) -> None:
        """The reader's own clock runs out: ``TimeoutError`` there, and all is closed."""

        async def main(bench: Bench) -> None:
            async with bench.stream() as stream:
                clocks: list[asyncio.Timeout] = []
                reader = asyncio.create_task(_read_with_timeout(stream, clocks))
                if await bench.hangs(reader):
                    clocks[-1].reschedule(asyncio.get_running_loop().time())
                await asyncio.wait({reader})
            how = reader.result()
            claim(how in {"finished", "timeout"}, f"the time-out ended as {how}")

        kinds = (*_EARLY, OutcomeKind.CANCELLED)
        self._left(main, self._hung(), *kinds)

    def test_a_loop_that_shuts_down_closes_an_open_stream(self) -> None:
        """A stream that is open when the loop ends is closed by the loop."""
        kept: list[ChatStream] = []

        async def main(bench: Bench) -> None:
            kept.append(bench.stream())
            await anext(kept[0])

        bench = self.bench()
        self._left(main, bench, *_EARLY, warned=True)
        kept.clear()

    def test_a_keyboard_interrupt_in_the_reader_closes_and_passes(self) -> None:
        """Ctrl-C in the block: all is closed before it comes out."""

        async def main(bench: Bench) -> None:
            async with bench.stream() as stream:
                async for _ in stream:
                    raise KeyboardInterrupt

        self._interrupted(main, self.bench())

    def test_a_keyboard_interrupt_in_a_pull_closes_and_passes(self) -> None:
        """Ctrl-C while the model is asked: it is not taken for a failure to handle."""

        async def main(bench: Bench) -> None:
            await bench.read()

        bench = self.bench([*cut(TEXT[:20], 5), KeyboardInterrupt(), *answer()])
        self._interrupted(main, bench)

    def _interrupted(
        self, main: Callable[[Bench], Coroutine[Any, Any, None]], bench: Bench
    ) -> None:
        try:
            self.play(lambda: main(bench), interrupted=True)
        except KeyboardInterrupt:
            pass
        else:
            claim(self.short_circuits, "the KeyboardInterrupt was swallowed")
        bench.settled("a KeyboardInterrupt")

    def _hung(self) -> Bench:
        pause = hang()
        bench = self.bench([*cut(TEXT[:20], 5), pause])
        bench.pause = pause
        return bench

    def _left(
        self,
        main: _Reader,
        bench: Bench,
        *kinds: OutcomeKind,
        warned: bool = False,
    ) -> None:
        self.play(lambda: main(bench), warned=warned)
        bench.settled()
        for seen in bench.outer.activations:
            claim(seen.kind in kinds, f"the run ended as {seen.kind}, not as {kinds[0]}")
            closed = sum(hook == "on_close" for hook in seen.hooks)
            claim(closed == 1, f"on_close ran {closed} times")


# One that is held back to its end, or that is answered at once, may be over already.
_EARLY = (OutcomeKind.ABANDONED, OutcomeKind.FINISHED, OutcomeKind.SHORT_CIRCUITED)


async def _read(stream: ChatStream) -> None:
    async for _ in stream:
        pass


async def _read_with_timeout(stream: ChatStream, clocks: list[asyncio.Timeout]) -> str:
    task = asyncio.current_task()
    try:
        while True:
            async with asyncio.timeout(None) as clock:
                clocks.append(clock)
                if await anext(stream, None) is None:
                    return "finished"
    except TimeoutError:
        cancelled = task is not None and task.cancelling()
        return "a cancellation that stays behind" if cancelled else "timeout"
