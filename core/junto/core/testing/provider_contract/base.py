"""What an author declares, and what all checks share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, TypeAlias, TypeVar

from attrs import evolve

from ...chat import ChatRequest
from ...messages import UserMessage
from ...model import ChatModel
from ...usage import FinishReason, Usage
from ..kits.classes import Guarded, skip
from ..kits.loops import play
from ..wire import Asked, ChatCompletions, Dialect, Failure, Frame, Reply, Sent
from ..wire.reply import Step
from ..wire.server import Answer
from .bench import Bench, Heard

__all__ = [
    "ANSWER",
    "REQUEST_ID",
    "TEXT",
    "USAGE",
    "Bench",
    "Checks",
    "Heard",
    "failure",
    "pieces",
    "said",
]

T = TypeVar("T")

REQUEST_ID = "0b1c2d3e-contract"

TEXT = "Short waves scatter most, and blue waves are short."
"""An answer in which there is nothing to stumble over."""

USAGE = Usage(input_tokens=7, output_tokens=11, total_tokens=18)

Script: TypeAlias = Sequence[Frame] | Answer
"""Frames of an answer, or a reply as the server gives it."""


def said(text: str, size: int = 5) -> list[Frame]:
    """A text in frames, with nothing behind it."""
    return [Frame(text[i : i + size]) for i in range(0, len(text), size)]


ANSWER = [*said(TEXT), Frame(finish=FinishReason.STOP, usage=USAGE)]
"""A whole answer."""


class Checks(Guarded):
    """The declarations of a provider's author; see ``ProviderContract``."""

    http: ClassVar[bool] = True
    dialect: ClassVar[Dialect] = ChatCompletions()
    key: ClassVar[str] = "sk-contract-0123456789abcdef"
    reasoning: ClassVar[bool] = True
    tools: ClassVar[bool] = True
    usage: ClassVar[bool] = True
    choices: ClassVar[bool] = False
    request_ids: ClassVar[bool] = True
    retries: ClassVar[bool] = False
    reopens: ClassVar[bool] = False
    repeats: ClassVar[bool] = True
    options: ClassVar[Sequence[str]] = (
        "temperature",
        "top_p",
        "max_tokens",
        "stop",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "parallel_tool_calls",
    )
    option_names: ClassVar[Mapping[str, str]] = {}
    always_sends: ClassVar[Sequence[str]] = ()
    at_once: ClassVar[int] = 101
    secrets: ClassVar[Sequence[str]] = ()
    prompt: ClassVar[str] = "Why is the sky blue?"
    limit: ClassVar[float] = 5.0

    def make_model(self, base_url: str) -> ChatModel:
        """Make the model, for a service at ``base_url``."""
        msg = f"{type(self).__name__} has no make_model(): define it, and return a new model"
        raise NotImplementedError(msg)

    def made(self, base_url: str) -> ChatModel:
        """A new model, by the method or by a fixture of the same name."""
        make: Callable[[str], ChatModel] = self._given or self.make_model
        return make(base_url)

    def request(self, prompt: str | None = None, *, stream: bool = True) -> ChatRequest:
        """The request that is made where none is named."""
        return ChatRequest(UserMessage(self.prompt if prompt is None else prompt), stream=stream)

    def needs(self, name: str) -> None:
        """Leave the check out, if the author has declared that the provider has not this."""
        if not getattr(self, name):
            skip(f"{name} = False is declared")

    # What is asked.

    def asked(self) -> Bench:
        """A bench that answers plainly, with or without a wire."""
        return self.bench(self.wire(ANSWER)) if self.http else Bench(self)

    def bench(self, *scripts: Script) -> Bench:
        """A bench whose server plays these scripts, one for each request.

        Needs a wire: without one the check is left out.
        """
        self.needs("http")
        return Bench(self, *[self._answer(script) for script in scripts])

    def run(
        self,
        bench: Bench,
        main: Callable[[Bench], Coroutine[Any, Any, T]],
        *,
        last: bool = True,
        **how: Any,
    ) -> T:
        """Play ``main``, and leave nothing of the bench behind if this was the last time."""
        done = False
        try:
            result = self.play(lambda: bench.used(main, closing=last), **how)
            done = not last
            return result
        finally:
            if not done:
                bench.close()

    def play(
        self,
        main: Callable[[], Coroutine[Any, Any, T]],
        *,
        limit: float | None = None,
        warned: bool = False,
    ) -> T:
        """Run ``main`` in a loop of its own; see ``play``."""
        return play(main, limit=self.limit if limit is None else limit, warned=warned)

    def hear(self, *scripts: Script, request: ChatRequest | None = None) -> list[Heard]:
        """What a reader gets of each script, asked one after the other of one model."""

        async def main(bench: Bench) -> list[Heard]:
            return [await bench.hear(request) for _ in scripts]

        return self.run(self.bench(*scripts), main)

    def sent(self, *requests: ChatRequest) -> list[tuple[Asked, Sent]]:
        """What comes of requests at the server: each with what the dialect reads of it."""

        async def main(bench: Bench) -> list[Asked]:
            for request in requests:
                (await bench.hear(request)).well()
            return bench.server.asked

        asked = self.run(self.bench(ANSWER), main)
        return [(one, self.dialect.sent(one)) for one in asked]

    # What is answered.

    def _answer(self, script: Script) -> Answer:
        if isinstance(script, Reply) or callable(script):
            return script
        return self.wire(script)

    def wire(self, frames: Sequence[Frame]) -> Answer:
        """A reply in the form that is asked for: a stream, or one piece."""
        return lambda asked: (
            self.streamed(frames) if self.dialect.sent(asked).stream else self.whole(frames)
        )

    def streamed(self, frames: Iterable[Frame], *, cuts: Iterable[int] | None = None) -> Reply:
        """A stream, a record at a time, or cut at these places instead."""
        records = self.records(frames)
        return self.reply(records if cuts is None else pieces(b"".join(records), cuts))

    def whole(self, frames: Sequence[Frame]) -> Reply:
        """An answer in one piece."""
        body = self.dialect.whole(frames, request_id=REQUEST_ID)
        return Reply.whole(body, headers=self._headers())

    def refused(
        self,
        status: int,
        body: bytes | None = None,
        *,
        kind: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """An error in place of an answer; with the dialect's body if none is given."""
        if body is None:
            body = self.dialect.refusal(failure(status))
        all_headers = {**self._headers(), **(headers or {})}
        return Reply.whole(body, status=status, headers=all_headers, kind=kind)

    def records(self, frames: Iterable[Frame]) -> list[bytes]:
        """The records of a stream."""
        return self.dialect.stream(frames, request_id=REQUEST_ID)

    def reply(self, steps: Sequence[Step], **how: Any) -> Reply:
        """A stream of these steps."""
        return evolve(Reply(steps, headers=self._headers()), **how)

    def _headers(self) -> dict[str, str]:
        return {self.dialect.request_id_header: REQUEST_ID}


def failure(status: int) -> Failure:
    """An error of a service."""
    return Failure(status=status, message=f"the contract says {status}", request_id=REQUEST_ID)


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Bytes, cut at these places."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    return [data[start:end] for start, end in pairwise(places)]
