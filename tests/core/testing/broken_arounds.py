"""The same for advisors that steer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from junto.core import (
    Advisor,
    ChatRequest,
    Event,
    Finish,
    Next,
    Outcome,
    Restart,
    RunContext,
    TextDelta,
)

from .broken import found_by

__all__: list[str] = []


class Naive(Advisor):
    """The ``around`` that people write."""

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event


@found_by("around_lets_cancellation_pass", "around swallows the cancellation", Naive)
class SwallowsCancellation(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except asyncio.CancelledError:
            yield TextDelta(" (stopped)")


@found_by("hooks_let_cancellation_pass", "before swallows the cancellation", Naive)
class SwallowsCancellationInBefore(Advisor):
    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        return request


@found_by("around_lets_generator_exit_pass", "around goes on: .*ignored GeneratorExit", Naive)
class SwallowsGeneratorExit(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except GeneratorExit:
            yield TextDelta(" (stopped)")


@found_by("a_break_inside_async_with_closes", "closing went wrong after a break", Naive)
class FailsWhenLeft(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        whole = False
        try:
            async for event in next(request):
                yield event
            whole = True
        finally:
            if not whole:
                raise KeyError("not whole")


@found_by("an_error_in_the_models_stream_passes", "the model's stream was swallowed", Naive)
class EndsQuietly(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except OSError:
            return


@found_by("an_error_at_the_models_opening_passes", "became RuntimeError", Naive)
class WrapsErrors(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except OSError as error:
            raise RuntimeError("the model failed") from error


@found_by("a_keyboard_interrupt_in_a_pull_closes_and_passes", "was swallowed", Naive)
class SwallowsEverything(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except KeyboardInterrupt:
            return


class RetryVisibly(Advisor):
    """Asks again, and says that what was shown is void."""

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except OSError:
            yield Restart("again")
            async for event in next(request):
                yield event


@found_by("asking_again_does_not_repeat_what_was_shown", "emit Restart", RetryVisibly)
class RepeatsWhatWasShown(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        try:
            async for event in next(request):
                yield event
        except OSError:
            async for event in next(request):
                yield event


@found_by("the_model_is_asked_once", "asked 2 times: declare asks_again", Naive)
class AsksTwiceAndForgets(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        first = next(request)
        await anext(aiter(first))
        async for event in next(request):
            yield event


@found_by("a_plain_answer_passes", "tasks are left running", Naive)
class LeavesATask(Advisor):
    tasks: set[asyncio.Task[None]] = set()  # noqa: RUF012  the fault is another one

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        self.tasks.add(asyncio.create_task(asyncio.sleep(3600)))


class Locked(Advisor):
    """One run at a time."""

    def __init__(self) -> None:
        self.locks: dict[asyncio.AbstractEventLoop, asyncio.Lock] = {}

    def lock(self) -> asyncio.Lock:
        return self.locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async with self.lock():  # the chain closes an around itself
            async for event in next(request):
                yield event  # noqa: ASYNC119  as above


@found_by("reusable_on_two_loops", "is bound to a different event loop", Locked)
class TiedToALoop(Advisor):
    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async with self.lock:
            async for event in next(request):
                yield event  # noqa: ASYNC119  the fault is another one


@found_by("the_next_run_is_unharmed", "it hangs: there was no end", Locked, limit=0.2)
class KeepsItsLock(Locked):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        lock = self.lock()
        await lock.acquire()
        async for event in next(request):
            yield event
        lock.release()


@found_by("it_does_not_run_ahead_of_the_reader", "events were taken while nobody pulled", Naive)
class ReadsAhead(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue()

        async def pump() -> None:
            try:
                async for event in next(request):
                    await queue.put(event)
                    await asyncio.sleep(0)
            finally:
                queue.put_nowait(None)

        task = asyncio.create_task(pump())
        try:
            while (event := await queue.get()) is not None:
                yield event
            await task
        finally:
            task.cancel()
            await asyncio.wait({task})


@found_by("finish_reason_and_metadata_pass", "the finish reason .* became", Naive)
class LosesTheFinish(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for event in next(request):
            if not isinstance(event, Finish):
                yield event


@found_by("nothing_follows_the_finish", "around gives TextDelta behind the finish", Naive)
class SpeaksBehindTheFinish(Advisor):
    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        async for event in next(request):
            yield event
        yield TextDelta(" Best wishes.")


@found_by("each_activation_starts_afresh", "of a dropped attempt display_text is", Naive)
class AnswersOnce(Advisor):
    """Passes the first answer of a run, and nothing later."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    async def around(
        self, request: ChatRequest, next: Next, ctx: RunContext
    ) -> AsyncIterator[Event]:
        first = ctx.run_id not in self.seen
        self.seen.add(ctx.run_id)
        async for event in next(request):
            if first or not isinstance(event, TextDelta):
                yield event
