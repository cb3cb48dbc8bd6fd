"""Checks of many streams of one model."""

from __future__ import annotations

import asyncio

from ...messages import UserMessage
from ...usage import FinishReason
from ..kits.loops import claim
from ..steps import Pause
from ..wire import Asked, Frame, Reply
from .base import ANSWER, TEXT, Bench, Checks, Heard, said

__all__ = ["TogetherChecks"]

_TEXTS = ("one " * 30, "TWO " * 30, "3.. " * 30)


class TogetherChecks(Checks):
    """One model serves any number of readers."""

    def test_many_streams_run_at_once(self) -> None:
        """No pool of connections makes one wait for the end of another."""
        pause = Pause()
        records = self.records(ANSWER)
        bench = self.bench(self.reply([records[0], pause, *records[1:]]))
        count = self.at_once

        async def main(_: Bench) -> list[Heard]:
            readers = [bench.reading()[0] for _ in range(count)]
            all_came = bench.server.until(lambda: len(bench.server.asked) >= count)
            came = asyncio.ensure_future(all_came)
            await asyncio.wait({came}, timeout=self.limit)
            asked = len(bench.server.asked)
            came.cancel()
            pause.release()
            await asyncio.wait(readers)
            hint = f"lift the limit of the pool, or declare at_once = {asked}"
            claim(asked == count, f"of {count} streams {asked} could begin at once: {hint}")
            return [reader.result() for reader in readers]

        for heard in self.run(bench, main, limit=3 * self.limit):
            text = heard.well("one of many streams").text
            claim(text == TEXT, f"one of many streams gave {text!r}")

    def test_streams_at_once_keep_apart(self) -> None:
        """Frames that come in turn belong each to its own stream."""
        bench = self.bench(self._echo)

        async def main(_: Bench) -> list[Heard]:
            readers = [bench.reading(self.request(text))[0] for text in _TEXTS]
            await asyncio.wait(readers)
            return [reader.result() for reader in readers]

        for text, heard in zip(_TEXTS, self.run(bench, main), strict=True):
            got = heard.well("one of three streams").text
            claim(got == text, f"of three streams at once the one of {text[:12]!r} gave {got!r}")

    def test_one_reader_that_leaves_harms_no_other(self) -> None:
        """Closed beside others, a stream takes nothing of theirs along."""
        bench = self.bench(self._echo)

        async def main(_: Bench) -> Heard:
            leaving = bench.stream(self.request(_TEXTS[0]))
            reader, heard = bench.reading(self.request(_TEXTS[1]))
            await anext(leaving)
            await bench.first(reader, heard)
            await leaving.aclose()
            await asyncio.wait({reader})
            return reader.result()

        got = self.run(bench, main).well("a stream beside one that was left").text
        claim(got == _TEXTS[1], f"beside one that was left a stream gave {got!r}")

    def test_one_stream_that_fails_harms_no_other(self) -> None:
        """The same for an error."""
        bad = self.refused(500)
        bench = self.bench(lambda asked: bad if _asks(self, asked, "bad") else self._echo(asked))

        async def main(_: Bench) -> list[Heard]:
            requests = [self.request(text) for text in (_TEXTS[0], "bad", _TEXTS[1])]
            readers = [bench.reading(request)[0] for request in requests]
            await asyncio.wait(readers)
            return [reader.result() for reader in readers]

        first, failed, second = self.run(bench, main)
        failed.failed("a 500 beside good answers")
        got = [heard.well("a stream beside one that failed").text for heard in (first, second)]
        claim(got == list(_TEXTS[:2]), f"beside one that failed two streams gave {got}")

    def test_answers_of_one_model_follow_each_other(self) -> None:
        """The second knows nothing of the first."""
        frames = [*said("one"), Frame(finish=FinishReason.LENGTH)]
        first, second = self.hear(ANSWER, frames)
        first.well()
        response = second.well("the second answer")
        claim(response.text == "one", f"the second answer 'one' became {response.text!r}")
        total = response.usage.total_tokens
        claim(total is None, f"the second answer has the usage of the first: {total}")

    def _echo(self, asked: Asked) -> Reply:
        text = self.dialect.sent(asked).messages[-1].text
        return self.streamed([*said(text, 4), Frame(finish=FinishReason.STOP)])


def _asks(checks: Checks, asked: Asked, text: str) -> bool:
    return checks.dialect.sent(asked).messages[-1].text == UserMessage(text).text
