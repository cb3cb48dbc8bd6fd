"""Checks of every model, with a wire or without one: its tasks, its loops and its end."""

from __future__ import annotations

import asyncio
import sys
from contextvars import copy_context
from typing import Any

from ...errors import ChatError
from ..kits.loops import claim
from .base import Bench, Checks, Heard
from .bench import events_of

__all__ = ["LastingChecks"]

_FEW = 3
"""Streams at once where there is no wire."""


class LastingChecks(Checks):
    """One model serves any task, any loop, and many readers, until it is closed."""

    def test_each_pull_may_come_from_another_task(self) -> None:
        """Also the last one, and the closing: no scope spans a ``yield``."""

        async def pull(stream: Any) -> Any:
            return await anext(stream, None)

        async def main(bench: Bench) -> None:
            for most in (1, sys.maxsize):
                stream, events = bench.stream(), 0
                while events < most:
                    item = await asyncio.create_task(pull(stream))
                    if item is None:
                        break
                    events += len(events_of(item))
                await asyncio.create_task(stream.aclose())

        self.run(self.asked(), main)

    def test_context_variables_stay_as_they_were(self) -> None:
        """What a model sets for itself is not seen by its reader."""

        async def main(bench: Bench) -> None:
            before = dict(copy_context().items())
            async for _ in bench.stream():
                claim(_same(before), f"the stream has set {_changed(before)} for its reader")
            claim(_same(before), f"the stream has left {_changed(before)} behind")

        self.run(self.asked(), main)

    def test_it_serves_one_loop_after_another(self) -> None:
        """As with ``asyncio.run`` twice, and no closing in between."""
        bench = self.asked()
        for where, last in (("first", False), ("second", True)):

            async def main(bench: Bench, where: str = where) -> None:
                (await bench.hear()).well(f"the answer on the {where} loop")

            self.run(bench, main, last=last, warned=True)

    def test_it_serves_several_readers(self) -> None:
        """At once, each with the whole answer."""

        async def main(bench: Bench) -> list[Heard]:
            readers = [bench.reading()[0] for _ in range(_FEW)]
            await asyncio.wait(readers)
            return [reader.result() for reader in readers]

        for heard in self.run(self.asked(), main):
            heard.well("one of several streams")
            claim(len(heard.finishes) == 1, "of several streams one has no finish")

    def test_closing_the_model_again_does_nothing(self) -> None:
        """Used or not, ``aclose()`` may come twice."""

        async def main(bench: Bench) -> None:
            (await bench.hear()).well()
            await bench.aclose()
            await bench.model.aclose()

        async def unused(bench: Bench) -> None:
            await bench.aclose()
            await bench.model.aclose()

        self.run(self.asked(), main)
        self.run(self.asked(), unused)

    def test_a_closed_model_says_so(self) -> None:
        """A stream that is begun behind ``aclose()`` raises an error of the tree."""

        async def main(bench: Bench) -> Heard:
            (await bench.hear()).well()
            await bench.aclose()
            return await bench.hear()

        heard = self.run(self.asked(), main)
        if self.reopens:
            heard.well("the answer of a model that was closed")
        elif heard.error is None:
            msg = "a closed model answers: raise a ChatError, or declare reopens = True"
            raise AssertionError(msg)
        else:
            heard.failed("a closed model", ChatError)

    def test_its_repr_tells_nothing(self) -> None:
        """Neither a secret nor anything of a conversation."""

        async def main(bench: Bench) -> str:
            (await bench.hear()).well()
            return repr(bench.model)

        told = self.run(self.asked(), main)
        claim(self.prompt not in told, f"the repr tells what was asked: {told}")
        for secret in (self.key, *self.secrets):
            claim(not secret or secret not in told, "the repr tells a secret")


def _changed(before: dict[Any, Any]) -> str:
    now = copy_context()
    names = [v.name for v in now if v not in before or before[v] is not now[v]]
    return ", ".join(names + [v.name for v in before if v not in now])


def _same(before: dict[Any, Any]) -> bool:
    return not _changed(before)
