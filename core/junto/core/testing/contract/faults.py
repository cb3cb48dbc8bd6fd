"""Checks of errors, at every place where they may come, and of what they leave behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from ...attempt import OutcomeKind
from ...errors import SaveError
from ..kits.loops import claim, ticks
from ..steps import cut, hang
from .base import Checks
from .bench import TEXT, Bench, Seen, advisor_of, answer
from .neighbours import Fault, faults_in

__all__ = ["FaultChecks"]


class _ProblemError(OSError):
    """What goes wrong; an ``OSError``, as a connection that breaks."""


class FaultChecks(Checks):
    """What goes wrong beside the advisor passes it, and leaves nothing behind."""

    def test_an_error_at_the_models_opening_passes(self) -> None:
        """An error instead of an answer comes out as the same object."""
        problem = _ProblemError("at the opening")
        self._fails(self.bench([problem]), problem, "the model's opening")

    def test_an_error_in_the_models_stream_passes(self) -> None:
        """A stream that breaks off fails, with the same object, and does not end quietly."""
        problem = _ProblemError("mid-stream")
        self._fails(self.bench([*cut(TEXT[:30], 4), problem]), problem, "the model's stream")

    def test_an_error_of_the_model_is_told_to_all(self) -> None:
        """The ``on_close`` further out and in learn of the original error."""
        problem = _ProblemError("mid-stream")
        bench = self.bench([*cut(TEXT[:30], 4), problem])
        self._fails(bench, problem, "the model's stream")
        for seen in bench.inner.activations:
            error = None if seen.outcome is None else seen.outcome.error
            told = error is problem or seen.kind is OutcomeKind.FINISHED
            claim(told, f"further in, on_close was told of {error!r}")

    def test_errors_in_hooks_further_in_pass(self) -> None:
        """An error of an inner advisor comes out as the same object."""
        for fault in faults_in(lambda hook: _ProblemError(f"in {hook} further in")):
            self._fails(self.bench(inner=[fault]), fault.error, f"{fault.hook} further in", fault)

    def test_errors_in_hooks_further_out_pass(self) -> None:
        """An error of an outer advisor closes this one, and comes out."""
        for fault in faults_in(lambda hook: _ProblemError(f"in {hook} further out")):
            self._fails(self.bench(outer=[fault]), fault.error, f"{fault.hook} further out", fault)

    def test_an_error_while_closing_changes_nothing(self) -> None:
        """An ``on_close`` or a model that fails to close neither fails the run nor skips one."""
        (alone,) = self.answers(answer())
        problem = _ProblemError("while closing")
        fault = Fault("on_close", problem)
        for where, bench in (
            ("on_close further in", self.bench(inner=[fault])),
            ("on_close further out", self.bench(outer=[fault])),
            ("the model's closing", self.bench(at_close=problem, finish=False)),
        ):
            seen = self.play(bench.read) if "model" not in where else None
            if seen is None:
                self._broken_off(bench, problem)
            else:
                claim(seen.same_as(alone), seen.unlike(alone, f"by an error in {where}"))
            bench.settled(f"an error in {where}", errors=[problem])

    def test_the_next_run_is_unharmed(self) -> None:
        """After any end of a run, the same advisor serves the next one."""
        if not self.recovers:
            return
        (alone,) = self.answers(answer())
        for how, script in _ENDS.items():
            bench = self.bench(script(), answer())
            again = Bench(self, answer(), advisor=bench.advisor)
            seen = self.play(partial(_end_and_read, how, bench, again))
            where = f"in the run after one that was ended by {how},"
            claim(self.short_circuits or seen.same_as(alone), seen.unlike(alone, where))

    def test_no_early_end_leaves_a_run_on_the_advisor(self) -> None:
        """What is kept by run is let go however the run ends."""
        for how, script in _ENDS.items():
            bench = self.bench(script(), answer())
            self.play(partial(_end, how, bench))
            ids: set[object] = {seen.run_id for seen in bench.outer.activations}
            kept = _keys_of(advisor_of(bench.advisor)) & ids
            claim(not kept, f"a run that was ended by {how} is still kept by its run_id")

    def test_asking_again_does_not_repeat_what_was_shown(self) -> None:
        """Who asks again behind the first text restarts the answer, or goes on with it."""
        (alone,) = self.answers(answer())
        bench = self.bench([*cut(TEXT[:30], 4), _ProblemError("mid-stream")], answer())

        async def main() -> Any:
            try:
                return await bench.read()
            except _ProblemError:
                return None

        seen = self.play(main)
        bench.settled("a failed attempt")
        if seen is None or len(bench.model.requests) == 1 or self.continues:
            return
        got, wanted = seen.response.text, alone.response.text
        hint = "emit Restart() before asking again, or declare continues = True"
        claim(got == wanted, f"asked again, the answer is {got!r}, not {wanted!r}: {hint}")

    def _broken_off(self, bench: Bench, problem: BaseException) -> None:
        async def main() -> None:
            async with bench.stream() as stream:
                try:
                    await anext(stream)
                except _ProblemError as error:  # it was read to its end, behind the scenes
                    claim(error is problem, f"the error became {error!r}")

        self.play(main)

    def _fails(
        self,
        bench: Bench,
        problem: BaseException | None,
        where: str,
        fault: Fault | None = None,
    ) -> None:
        raised = self.play(lambda: _error_of(bench))
        if isinstance(raised, SaveError):
            raised = raised.__cause__
        bench.settled(f"an error in {where}")
        reached = fault.reached if fault else bool(bench.model.requests)
        if not reached:
            claim(raised is None, f"{raised!r} was raised")
        elif raised is None:
            hint = "let it pass, or declare handles_errors = True"
            claim(self.handles_errors, f"an error in {where} was swallowed: {hint}")
        else:
            claim(raised is problem, f"an error in {where} became {raised!r}")


async def _error_of(bench: Bench) -> BaseException | None:
    try:
        await bench.read()
    except Exception as error:  # noqa: BLE001  whatever the reader gets
        return error
    return None


_ENDS: dict[str, Callable[[], list[Any]]] = {
    "a break": answer,
    "aclose()": answer,
    "a cancellation": lambda: [*cut(TEXT[:12], 3), hang()],
    "an error": lambda: [*cut(TEXT[:12], 3), _ProblemError("mid-stream")],
    "an error at the opening": lambda: [_ProblemError("at the opening")],
}


async def _end(how: str, bench: Bench) -> None:
    """End a run in one of these ways."""
    if how == "a cancellation":
        reader = asyncio.create_task(bench.read())
        await ticks(20)
        reader.cancel()
        await asyncio.wait({reader})
    elif how.startswith("an error"):
        await _error_of(bench)
    else:
        stream = bench.stream()
        async with stream:
            await anext(stream)
            if how == "aclose()":
                await stream.aclose()


async def _end_and_read(how: str, bench: Bench, again: Bench) -> Seen:
    await _end(how, bench)
    return await again.read()


def _keys_of(advisor: object) -> set[object]:
    """The keys and members of what the advisor keeps."""
    values: dict[str, Any] = getattr(advisor, "__dict__", {})
    kept: set[object] = set()
    for value in values.values():
        if isinstance(value, dict | set | frozenset):
            kept.update(cast("set[object]", value))
    return kept
