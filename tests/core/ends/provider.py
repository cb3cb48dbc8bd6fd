"""The model of the bench: each of its steps is a place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from junto.core import ChatRequest, ChatResponse, Event, Finish, TextDelta, Usage, UsageUpdate

from ..kit import MODELS

if TYPE_CHECKING:
    from .bench import Bench

USAGE = Usage(input_tokens=3, output_tokens=3)


class Model:
    """Gives x, y, z: event by event, in batches, or all at once."""

    provider = model = "bench"

    def __init__(self, bench: Bench, pieces: str) -> None:
        self.bench = bench
        self.pieces = pieces
        self.opened = self.closed = 0
        MODELS.append(self)  # type: ignore[arg-type]  # has what the conftest asks for

    @property
    def open_streams(self) -> int:
        return self.opened - self.closed

    async def stream(self, request: ChatRequest) -> AsyncIterator[Event | Sequence[Event]]:
        x, y, z = map(TextDelta, "xyz")
        usage = UsageUpdate(USAGE)
        at = self.bench.at
        self.opened += 1
        try:
            await at("model_open")
            if self.pieces == "each":
                yield x
                await at("model_mid")
                yield y
                yield z
                await at("model_end")
                yield usage
                yield Finish()
            elif self.pieces == "batches":
                yield [x]
                await at("model_mid")
                yield (y, z)
                await at("model_end")
                yield [usage, Finish()]
            else:
                await at("model_mid")
                yield list(evolve(ChatResponse.of("xyz"), usage=USAGE).events())
                await at("model_end")
        finally:
            try:
                await at("model_close")
            finally:
                self.closed += 1

    async def aclose(self) -> None:
        """Nothing to free."""
