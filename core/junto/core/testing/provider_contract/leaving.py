"""Checks of leaving a stream early: the connection is free before that returns."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence

from ...client import ChatClient
from ...errors import ChatError
from ..kits.loops import claim, ticks
from ..wire import Stage
from ..wire.reply import Step
from .base import ANSWER, Bench, Checks, failure, said

__all__ = ["LeavingChecks"]

_BEGUN = "Short waves"

_DROPPED = 50
"""How many rounds of the loop the closing of a dropped stream may take."""

_EVERY = 60
"""How many rounds a cancellation is tried after, one by one."""


class LeavingChecks(Checks):
    """However a stream is left, its connection is free, and the server knows."""

    def test_nothing_is_sent_before_the_first_pull(self) -> None:
        """Making a model, or a stream that nobody reads, costs nothing."""
        bench = self.bench(ANSWER)

        async def main(_: Bench) -> None:
            stream = bench.stream()
            await ticks(10)
            claim(not bench.server.opened, "there is a connection before anybody read")
            await stream.aclose()
            await ticks(10)

        self.run(bench, main)
        claim(not bench.server.asked, "there is a request, and nobody has read")

    def test_one_run_is_one_request(self) -> None:
        """A question costs one answer."""
        bench = self.bench(ANSWER)

        async def main(_: Bench) -> None:
            (await bench.hear()).well()

        self.run(bench, main)
        count = len(bench.server.asked)
        claim(count == 1, f"one run sent {count} requests")

    def test_aclose_frees_the_connection(self) -> None:
        """``aclose()`` of a stream returns when its connection is closed."""

        async def main(bench: Bench) -> None:
            stream = bench.stream()
            await anext(stream)
            await stream.aclose()
            await bench.freed(bench.server.asked[-1], "aclose() of a stream")
            await stream.aclose()

        self.run(self._held(), main)

    def test_cancellation_frees_the_connection(self) -> None:
        """A reader that is cancelled while it waits for more gets its ``CancelledError``."""

        async def main(bench: Bench) -> None:
            reader, heard = bench.reading()
            asked = await bench.first(reader, heard)
            await ticks(5)
            await _cancel(reader, "in the stream")
            await bench.freed(asked, "a cancellation in the stream")

        self.run(self._held(), main)

    def test_cancellation_before_the_headers_frees_the_connection(self) -> None:
        """The same while the service has not answered at all."""

        async def main(bench: Bench) -> None:
            reader, _ = bench.reading()
            asked = await bench.came(reader)
            await _cancel(reader, "before the headers")
            await bench.freed(asked, "a cancellation before the headers")

        self.run(self.bench(self.reply([Stage.HOLD])), main)

    def test_cancellation_before_the_first_byte_frees_the_connection(self) -> None:
        """The same behind the headers, with nothing of the answer."""

        async def main(bench: Bench) -> None:
            reader, _ = bench.reading()
            asked = await bench.came(reader)
            await ticks(20)
            await _cancel(reader, "before the first byte")
            await bench.freed(asked, "a cancellation before the first byte")

        self.run(self.bench(self.reply([b"", Stage.HOLD])), main)

    def test_cancellation_passes_wherever_it_comes(self) -> None:
        """After any number of rounds of the loop, and nothing is left open behind it."""
        bench = self.bench(self.reply(self.records(ANSWER), rounds=2))

        async def main(_: Bench) -> None:
            for rounds in range(_EVERY):
                reader, _heard = bench.reading()
                await ticks(rounds)
                if reader.done():
                    reader.result().well("the answer")
                    break
                await _cancel(reader, f"in round {rounds}")
            await bench.aclose()
            await self.settled(bench, "a cancellation somewhere")

        self.run(bench, main)

    def test_a_dropped_stream_frees_the_connection(self) -> None:
        """Read by a client, and left with a bare ``break``."""

        async def main(bench: Bench) -> None:
            async for _ in ChatClient(bench.model).stream(self.prompt):
                break
            gc.collect()
            await bench.freed(bench.server.asked[-1], "a dropped stream", _DROPPED)

        self.run(self._held(), main, warned=True)

    def test_a_client_that_leaves_frees_the_connection(self) -> None:
        """``async with client.stream(…)`` returns when the connection is closed."""

        async def main(bench: Bench) -> None:
            async with ChatClient(bench.model).stream(self.prompt) as stream:
                async for _ in stream:
                    break
            await bench.freed(bench.server.asked[-1], "leaving async with")

        self.run(self._held(), main)

    def test_an_error_frees_the_connection(self) -> None:
        """A record that ends the answer ends the connection, whatever else is to come."""
        record = self.dialect.failure(failure(500))

        async def main(bench: Bench) -> None:
            (await bench.hear()).failed("an error in the stream", ChatError)
            await bench.freed(bench.server.asked[-1], "an error in the stream")

        self.run(self._held(record), main)

    def test_the_end_of_the_answer_does_not_wait_for_that_of_the_body(self) -> None:
        """A service that keeps the connection open has nevertheless answered."""

        async def main(bench: Bench) -> None:
            (await bench.hear()).well("an answer whose body does not end")
            await bench.freed(bench.server.asked[-1], "an answer whose body does not end")

        self.run(self.bench(self.reply([*self.records(ANSWER), Stage.HOLD])), main)

    def test_closing_the_model_closes_its_connections(self) -> None:
        """Those that are kept for the next request, too."""

        async def main(bench: Bench) -> None:
            (await bench.hear()).well()
            await bench.aclose()
            await self.settled(bench, "aclose() of the model")

        self.run(self.bench(ANSWER), main)

    def test_closing_the_model_interrupts_what_runs(self) -> None:
        """A stream that is being read ends with an error, and not as if all were well."""

        async def main(bench: Bench) -> None:
            reader, heard = bench.reading()
            await bench.first(reader, heard)
            await ticks(5)
            await bench.aclose()
            await asyncio.wait({reader}, timeout=self.limit / 2)
            hint = "close what runs, and raise"
            claim(reader.done(), f"a stream goes on when the model is closed: {hint}")
            reader.result().failed("a stream of a model that was closed", ChatError)

        self.run(self._held(), main)

    def _held(self, *more: Step) -> Bench:
        """A server that begins to answer, and says no more."""
        records: Sequence[bytes] = self.records(said(_BEGUN))
        begun = records[:-1] if self.dialect.end() else records
        return self.bench(self.reply([*begun, *more, Stage.HOLD]))

    async def settled(self, bench: Bench, how: str) -> None:
        """Claim that no connection is open."""
        closed = asyncio.ensure_future(bench.server.until(lambda: not bench.server.connected))
        await asyncio.wait({closed}, timeout=self.limit / 2)
        count = bench.server.connected
        closed.cancel()
        claim(not count, f"{how} leaves {count} connections open")


async def _cancel(reader: asyncio.Task[object], where: str) -> None:
    reader.cancel()
    await asyncio.wait({reader})
    claim(reader.cancelled(), f"a cancellation {where} was swallowed")
