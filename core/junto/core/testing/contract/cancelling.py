"""Checks of cancellation, at every place where it may come."""

from __future__ import annotations

import asyncio

from ..kits.loops import claim, ticks
from ..steps import cut, hang
from .base import Checks
from .bench import FINISH, TEXT, Bench, answer, slowly
from .neighbours import Fault, faults_in

__all__ = ["CancelChecks"]


class CancelChecks(Checks):
    """A reader that is cancelled gets its ``CancelledError``, and all is closed."""

    def test_cancellation_in_hooks_further_in_passes(self) -> None:
        """A reader that is cancelled there gets its ``CancelledError``."""
        for fault in [*faults_in(lambda _: None), Fault("on_close")]:
            self._cancels(self.bench(inner=[fault]), fault, f"{fault.hook} further in")

    def test_cancellation_in_hooks_further_out_passes(self) -> None:
        """The same further out."""
        for fault in [*faults_in(lambda _: None), Fault("on_close")]:
            self._cancels(self.bench(outer=[fault]), fault, f"{fault.hook} further out")

    def test_cancellation_passes_wherever_it_comes(self) -> None:
        """Cancelled after any number of rounds of the loop, the reader is cancelled."""

        async def main() -> None:
            rounds = 0
            while True:
                bench = self.bench(slowly(answer(TEXT[:12], 3)))
                reader = asyncio.create_task(bench.read())
                await ticks(rounds)
                over = reader.done()
                reader.cancel()
                await asyncio.wait({reader})
                if over:
                    reader.result()
                    return
                where = f"a cancellation in round {rounds}"
                claim(reader.cancelled(), f"{where} was swallowed")
                bench.settled(where)
                rounds += 1

        self.play(main)

    def test_cancellation_while_the_model_waits_passes(self) -> None:
        """The same while the model opens, streams or closes."""
        opening, midst, closing = hang(), hang(), hang()
        for where, pause, bench in (
            ("opening", opening, self.bench([opening])),
            ("stream", midst, self.bench([*cut(TEXT[:20], 5), midst])),
            ("closing", closing, self.bench([*cut(TEXT, 5), FINISH], at_close=closing)),
        ):

            async def main(bench: Bench = bench, where: str = where) -> None:
                reader = asyncio.create_task(bench.read())
                if await bench.hangs(reader):
                    reader.cancel()
                    await asyncio.wait({reader})
                    claim(
                        reader.cancelled(), f"a cancellation in the model's {where} was swallowed"
                    )

            bench.pause = pause
            self.play(main)
            bench.settled(f"a cancellation in the model's {where}")

    def _cancels(self, bench: Bench, fault: Fault, where: str) -> None:
        async def main() -> None:
            reader = fault.reader = asyncio.create_task(bench.read())
            await asyncio.wait({reader})
            if fault.reached:
                claim(reader.cancelled(), f"a cancellation in {where} was swallowed")
            elif not self.short_circuits:
                reader.result()

        self.play(main)
        bench.settled(f"a cancellation in {where}")
