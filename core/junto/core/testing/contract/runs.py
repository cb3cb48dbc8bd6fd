"""Checks of several runs, and of the advisor itself."""

from __future__ import annotations

import asyncio
import sys
from types import FrameType
from typing import Any

from ...chat import ChatRequest
from ...context import RunContext
from ...events import TextDelta
from ...hooks import Advisor
from ..kits.blocking import blocking_calls
from ..kits.loops import claim, ticks
from .base import Checks
from .bench import TEXT, Bench, Seen, advisor_of, answer, slowly
from .neighbours import AskTwice

__all__ = ["RunChecks"]

_TEXTS = (TEXT, "A sunset is red.", "At night there is no light to scatter.")


class _Snapshot(Advisor):
    """Keeps a request, and what it looked like."""

    name = "contract.snapshot"

    def __init__(self) -> None:
        self.kept: list[tuple[ChatRequest, str]] = []

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        self.kept.append((request, repr(request)))
        return request


class RunChecks(Checks):
    """One advisor serves many runs."""

    def test_a_chain_can_be_built_with_it(self) -> None:
        """It has a name and an order, and its hooks have the right signatures."""
        chain = self.bench().client.chain
        advisor = advisor_of(self.made())
        name = getattr(advisor, "name", "") or type(advisor).__name__
        claim(name in chain.names, f"{name!r} is not in the chain: {chain.names}")

    def test_the_model_is_asked_once(self) -> None:
        """A question costs one answer, unless that is what the advisor is for."""
        bench = self.bench()
        self.play(bench.read)
        asked = len(bench.model.requests)
        if not self.short_circuits:
            hint = "call next(request), or declare short_circuits = True"
            claim(asked, f"the model was not asked: {hint}")
        if not self.asks_again:
            claim(asked <= 1, f"the model was asked {asked} times: declare asks_again = True")

    def test_request_is_not_mutated(self) -> None:
        """A request is a value: ``before`` returns another one instead."""
        kept = _Snapshot()
        bench = self.bench(answer(), outer=[kept])
        self.play(bench.read)
        for request, before in kept.kept:
            claim(repr(request) == before, f"{before} was changed in place to {request!r}")

    def test_two_runs_at_once_do_not_mix(self) -> None:
        """What belongs to one run is kept in its context, or by ``open``."""
        self._together(self.bench(*[slowly(answer(text, 2)) for text in _TEXTS]), self._alone())

    def test_reusable_on_two_loops(self) -> None:
        """Nothing of the advisor is tied to the event loop that it was first used in."""
        alone = self._alone()
        bench = self.bench(*[slowly(answer(text, 2)) for text in _TEXTS * 2])
        for _ in range(2):
            self._together(bench, alone)

    def test_runs_one_after_the_other_are_alike(self) -> None:
        """A run finds the advisor as the one before found it."""
        alone = self._alone()
        bench = self.bench(*[answer(text) for text in _TEXTS])

        async def main() -> list[Seen]:
            return [await self._asked(bench, i) for i in range(len(_TEXTS))]

        self._compare(self.play(main), alone, "one after the other")

    def test_each_activation_starts_afresh(self) -> None:
        """Inside an advisor that asks again, an attempt knows nothing of the one before."""
        (alone,) = self.answers(answer())
        for count in (0, 1, 3, 1000):
            bench = self.bench(answer(), outer=[AskTwice(count)])
            seen = self.play(bench.read)
            bench.settled("two activations")
            where = f"after {count} events of a dropped attempt"
            claim(self.short_circuits or seen.same_as(alone), seen.unlike(alone, where))

    def test_nothing_runs_before_the_first_pull(self) -> None:
        """A stream that nobody reads costs nothing."""
        bench = self.bench()

        async def main() -> None:
            bench.stream()
            async with bench.stream():
                pass
            await ticks(3)

        self.play(main)
        claim(not bench.model.requests, "the model was asked before anybody read")
        claim(not bench.outer.activations, "a hook ran before anybody read")

    def test_it_does_not_run_ahead_of_the_reader(self) -> None:
        """The reader's pull is the back-pressure: between two pulls nothing is taken."""
        if self.reads_ahead:
            return
        bench = self.bench(answer(TEXT, 1))

        async def main() -> None:
            async with bench.stream() as stream:
                async for event in stream:
                    given = bench.model.given
                    await ticks(5)
                    ahead = bench.model.given - given
                    hint = "leave out the task or queue, or declare reads_ahead = True"
                    claim(not ahead, f"{ahead} events were taken while nobody pulled: {hint}")
                    if isinstance(event, TextDelta) and given > len(TEXT) // 2:
                        break

        self.play(main)
        bench.settled()

    def test_it_does_not_block_the_loop(self) -> None:
        """Whatever waits is awaited."""
        bench = self.bench()
        calls: list[str] = []

        def watch(_: FrameType, event: str, called: Any) -> None:
            calls.extend(blocking_calls(event, called))

        async def main() -> None:
            before = sys.getprofile()
            sys.setprofile(watch)
            try:
                await bench.read()
            finally:
                sys.setprofile(before)

        self.play(main)
        claim(not calls, f"the event loop was blocked by {', '.join(calls)}")

    def test_repr_holds_no_secret(self) -> None:
        """Reprs end up in logs: no key stands there, and nothing of a conversation."""
        bench = self.bench()
        self.play(bench.read)
        shown = repr(bench.advisor)
        for what in (self.prompt, TEXT):
            claim(what not in shown, f"the repr tells what was said: {shown!r}")
        for secret in (*self.secrets, *_secrets_of(advisor_of(bench.advisor))):
            claim(secret not in shown, "the repr tells a secret of the advisor")

    def _alone(self) -> list[Seen]:
        return self.answers(*[answer(text) for text in _TEXTS])

    async def _asked(self, bench: Bench, i: int) -> Seen:
        conversation = None if self.conversation_id is None else f"{self.conversation_id}-{i}"
        return await bench.read(f"{self.prompt} ({i})", conversation_id=conversation)

    def _together(self, bench: Bench, alone: list[Seen]) -> None:
        async def main() -> list[Seen]:
            runs = [asyncio.create_task(self._asked(bench, i)) for i in range(len(_TEXTS))]
            await asyncio.wait(runs)
            return [run.result() for run in runs]

        self._compare(self.play(main), alone, "at once")
        bench.settled()

    def _compare(self, seen: list[Seen], alone: list[Seen], how: str) -> None:
        got = sorted(one.response.display_text for one in seen)
        wanted = sorted(one.response.display_text for one in alone)
        claim(self.short_circuits or got == wanted, f"{how} the answers are {got}, not {wanted}")


def _secrets_of(advisor: object) -> list[str]:
    """The values of attributes whose name says that they are secret."""
    values: dict[str, Any] = getattr(advisor, "__dict__", {})
    found: list[str] = []
    for name, value in values.items():
        if any(word in name.lower() for word in ("secret", "password", "token", "api_key")):
            reveal = getattr(value, "reveal", None)
            text = reveal() if callable(reveal) else value
            if isinstance(text, str) and text:
                found.append(text)
    return found
