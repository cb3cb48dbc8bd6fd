"""What all sections of a run share, and the turns that a floor and a contender take."""

import statistics
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from attrs import define, field

from .environments import EnvironmentFailedError
from .processes import Contender, Process, ProcessFailedError, start_contender
from .report import Figure, Row


@define
class Sample:
    """What the rounds gave for one contender: values, and their ratios to the floor's."""

    values: list[float] = field(factory=list[float])
    ratios: list[float] = field(factory=list[float])
    note: str = ""

    def add(self, value: float, floor: float | None = None) -> None:
        self.values.append(value)
        if floor:
            self.ratios.append(value / floor)


@define
class Bench:
    """One run.

    Attributes:
        python: Gives the Python of an environment.
        rounds: How often everything is done.
        streams: How many there are at once, where there are many.
        small: Slices are as small as they can be: for tests of the harness, not for figures.
        say: Told what is going on.
    """

    server: Process
    address: str
    python: Callable[[str], Path]
    rounds: int = 5
    streams: int = 500
    small: bool = False
    say: Callable[[str], None] = print
    _samples: dict[tuple[Figure, str], Sample] = field(factory=dict[tuple[Figure, str], Sample])
    _broken: dict[str, str] = field(factory=dict[str, str])

    def sample(self, figure: Figure, name: str) -> Sample:
        return self._samples.setdefault((figure, name), Sample())

    def row(self, figure: Figure, name: str, target: float | None = None) -> Row:
        """Return the row of a contender: of what was measured, or why nothing was."""
        sample = self.sample(figure, name)
        note = sample.note or ("" if sample.values else self._broken.get(name, "not measured"))
        return Row(figure, name, sample.values, sample.ratios, target, note)

    def base(self, contender: Contender, path: str) -> str:
        """Return the URL under which the server answers in one of its ways."""
        return f"{self.address}/{path}/" + ("api/v1" if contender.native else "v1")

    @asynccontextmanager
    async def start(self, contender: Contender) -> AsyncIterator[Process]:
        async with await start_contender(contender, self.python(contender.environment)) as process:
            yield process

    def able(self, contenders: Sequence[Contender]) -> Iterator[Contender]:
        return (contender for contender in contenders if contender.name not in self._broken)

    @contextmanager
    def excuse(self, name: str) -> Iterator[None]:
        """Leave a contender that fails out of the rest of the run; its rows say why."""
        try:
            yield
        except (EnvironmentFailedError, ProcessFailedError) as error:
            self.say(f"{name}: {error}")
            self._broken[name] = str(error)


async def spend(process: Process, base: str, times: int, at_once: int = 1) -> tuple[float, int]:
    """Let a contender read answers; return CPU seconds and the characters that it read."""
    told = await process.ask(do="ask", base=base, times=times, at_once=at_once)
    return told["cpu"], told["characters"]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
