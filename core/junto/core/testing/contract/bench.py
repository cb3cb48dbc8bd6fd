"""A chain with the advisor in its midst, and what goes in and comes out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from ...chat import ChatResponse
from ...client import ChatClient
from ...events import Event, Finish, UsageUpdate
from ...functions import AdvisorLike, as_item
from ...hooks import Advisor, Placement, place
from ...order import entry_of
from ...stream import ChatStream
from ...usage import FinishReason, Usage
from ..kits.loops import claim
from ..recording import RecordingAdvisor
from ..scripted import ScriptedModel
from ..steps import Pause, Sizes, cut

if TYPE_CHECKING:
    from .base import Checks

__all__ = [
    "FINISH",
    "SAMPLE",
    "TEXT",
    "USAGE",
    "Bench",
    "Seen",
    "advisor_of",
    "answer",
    "slowly",
]

TEXT = "Short waves scatter most, and blue waves are short: so the sky looks blue to us."
"""An answer in which there is nothing to change, hide or forbid."""

SAMPLE = (
    "Ann's  mail is ann@example.com, her phone +1 (555) 010-0199.\n\n# A *title*\n"
    '日本語とемоджи: 👩‍👩‍👧 e\u0301 <b>x</b> `code` {"a": [1, 2]} sk-0123456789abcdef THE END.'
)
"""An answer with much that an advisor may look for, and that can be cut in two."""

USAGE = Usage(input_tokens=7, output_tokens=11, total_tokens=18)

FINISH = Finish(FinishReason.STOP, {"request_id": "contract-1", "model": "script"})

FAR = 1_000_000_000
"""Further out or in than any advisor."""


def answer(text: str = TEXT, sizes: Sizes = 5) -> list[Any]:
    """A script: a text in pieces, usage and finish."""
    return [*cut(text, sizes), UsageUpdate(USAGE), FINISH]


async def _tick() -> None:
    await asyncio.sleep(0)


def slowly(script: Iterable[Any]) -> list[Any]:
    """The same, with a round of the event loop in front of each step."""
    return [part for step in script for part in (_tick, step)]


def advisor_of(item: AdvisorLike) -> Advisor:
    """The advisor that a list of advisors makes of what it is given."""
    return entry_of(as_item(item), 0).advisor


@frozen(eq=False)
class Seen:
    """What a reader got."""

    events: list[Event]
    response: ChatResponse

    def same_as(self, other: Seen) -> bool:
        """Whether both are the same answer; metadata and usage may differ."""
        return not self._differences(other)

    def unlike(self, other: Seen, where: str) -> str:
        """How this answer is unlike the one that was wanted."""
        told = [f"{name} is {one!r}, not {two!r}" for name, one, two in self._differences(other)]
        return f"{where} {' and '.join(told)}"

    def _differences(self, other: Seen) -> list[tuple[str, object, object]]:
        names = ("display_text", "reasoning", "messages", "sources", "finish_reason")
        pairs = [(n, getattr(self.response, n), getattr(other.response, n)) for n in names]
        return [(name, one, two) for name, one, two in pairs if one != two][:1]


class Bench:
    """One client: recorder, advisor, recorder, model.

    Attributes:
        advisor: The advisor, as it was given.
        model: The model, with what it was asked.
        outer: What came out of the advisor.
        inner: What went in.
        pause: Where the model waits, if it was given such a step.
    """

    def __init__(
        self,
        contract: Checks,
        *scripts: Any,
        advisor: AdvisorLike | None = None,
        outer: Iterable[Advisor] = (),
        inner: Iterable[Advisor] = (),
        **model: Any,
    ) -> None:
        self._contract = contract
        self.pause: Pause = Pause()
        self.advisor: AdvisorLike = contract.made() if advisor is None else advisor
        self.model: ScriptedModel = ScriptedModel(*scripts or (answer(),), **model)
        self.outer: RecordingAdvisor = RecordingAdvisor("contract.outer", order=-FAR)
        self.inner: RecordingAdvisor = RecordingAdvisor("contract.inner", order=FAR)
        items: list[AdvisorLike] = [self.outer, *_placed(outer, 1 - FAR)]
        items += [self.advisor, *contract.beside()]
        if not getattr(advisor_of(self.advisor), "terminal", False):
            items += [*_placed(inner, FAR - 1), self.inner]
        self.client: ChatClient = ChatClient(self.model, advisors=items)

    def stream(self, prompt: str | None = None, **ask: Any) -> ChatStream:
        """Ask."""
        text = self._contract.prompt if prompt is None else prompt
        return self.client.stream(text, **{**self._ask(), **ask})

    async def read(self, prompt: str | None = None, **ask: Any) -> Seen:
        """Ask, and read all."""
        async with self.stream(prompt, **ask) as stream:
            events = [event async for event in stream]
            response = await stream.response()
        return Seen(events, response)

    async def call(self) -> ChatResponse:
        """Ask by ``call()``."""
        return await self.client.call(self._contract.prompt, **self._ask())

    async def hangs(self, reader: asyncio.Task[Any]) -> bool:
        """Wait until the model does; false if the reader has come to its end instead."""
        while not reader.done():
            if self.pause.waiting:
                return True
            await asyncio.sleep(0)
        return False

    def _ask(self) -> dict[str, Any]:
        contract = self._contract
        return {"conversation_id": contract.conversation_id, "params": contract.params}

    def settled(self, where: str = "", *, errors: Sequence[BaseException] = ()) -> None:
        """Claim that all that was opened is closed, and that closing went well.

        Args:
            where: What was done, for the message.
            errors: What had to go wrong while closing.
        """
        after = f" after {where}" if where else ""
        claim(self.model.open_streams == 0, f"the model's stream is open{after}")
        for seen in (*self.outer.activations, *self.inner.activations):
            outcome = seen.outcome
            if outcome is None:
                claim(False, f"an on_close further out or in did not run{after}")  # noqa: FBT003  no flag
                continue
            others = [error for error in outcome.cleanup_errors if error not in errors]
            claim(not others, f"closing went wrong{after}: {others!r}")
            claim(not outcome.left_out, f"it failed, and was left out as isolated{after}")


def _placed(advisors: Iterable[Advisor], order: int) -> list[Placement]:
    return [place(advisor, order=order) for advisor in advisors]
