"""Law 15: the text is recorded once per level that changed it, and the response built on demand."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from junto.core import Advisor, Event, Finish, TextDelta
from junto.core.collect import Record

from ..kit import Naive, Noted, Texts, client_of
from .lab import Provider, Stack, answer, got


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records were begun, as one number."""
    made = [0]
    original = Record.__init__

    def counting(self: Record) -> None:
        made[0] += 1
        original(self)

    monkeypatch.setattr(Record, "__init__", counting)
    return made


@pytest.mark.parametrize("size", [1, 3, 50])
@pytest.mark.parametrize("changes", [0, 1, 3])
async def test_law_15_there_is_one_record_per_level_that_changed_the_text(
    way: str, records: list[int], size: int, changes: int
) -> None:
    advisors: list[Advisor] = []
    for _ in range(changes):
        advisors += [*(Noted(str(i)) for i in range(size)), Texts(lambda text: text + "!")]
    advisors += [Noted(str(i)) for i in range(size)]
    answered = await got(client_of(Provider("events", answer("a b")), *advisors), way)

    assert answered.response.text == "".join(word + "!" * changes for word in ("a", " b"))
    assert records == [changes + 1]


@pytest.mark.parametrize("size", [0, 1, 3, 50])
async def test_law_15_who_never_asks_for_the_response_costs_no_record(
    way: str, records: list[int], size: int
) -> None:
    naive = [Naive(str(i)) for i in range(size)]
    await got(client_of(Provider("events", answer("a b")), *naive), way)

    assert records == [1]


async def test_law_15_no_event_is_kept(stack: Stack) -> None:
    def alive() -> int:
        return sum(isinstance(thing, TextDelta) for thing in gc.get_objects())

    counts: list[int] = []

    def gives() -> Iterator[Event]:
        for _ in range(300):
            yield TextDelta("a")

    class Endless:
        provider = model = "endless"

        async def stream(self, request: object) -> object:
            for event in gives():
                yield event
            counts.append(alive())
            yield Finish()

        async def aclose(self) -> None: ...

    before = alive()
    response = await client_of(Endless(), Noted("outer"), *stack.made()).call("Why?")

    assert response.text == "a" * 300
    assert counts[0] - before < 20


async def test_law_15_the_response_is_built_when_somebody_asks(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = 0
    original = Record.messages

    def counting(self: Record) -> object:
        nonlocal built
        built += 1
        return original(self)

    monkeypatch.setattr(Record, "messages", counting)
    model = Provider("events", answer("a b c"))
    async with client_of(model, Noted("outer"), *stack.made()).stream("Why?") as stream:
        await anext(stream)

    assert built == 0
    outcome = stream.outcome
    assert outcome is not None
    assert outcome.response.text == "a"
    assert outcome.response is outcome.response
    assert built == 1
