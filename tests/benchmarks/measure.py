"""Reading over a loopback: CPU per event and request, many streams at once, leaving early.

A contender's process and one of its floor live side by side, fresh in every round, and work in
turns, slice by slice: what the machine does besides falls on both. A round's value is the median
of its slices, and its ratio the quotient of two such medians.
"""

from collections.abc import Sequence

from attrs import frozen

from .bench import Bench, median, spend
from .contestants import FIFTY, FLOOR, JUNTO, THREE, floor_of
from .processes import Contender, Process, ProcessFailedError, resident, settle
from .report import Figure, Row
from .wire import CHARACTERS


@frozen
class Scenario:
    """One way in which the server answers, and the figure that it gives.

    Attributes:
        path: The first part of the server's paths.
        units: What the CPU time of an answer is divided by.
        times: Answers in a slice; of a slow contender, `slow_times`.
        slices: In a round.
        target: Of junto with three advisors.
    """

    figure: Figure
    path: str
    units: int
    times: int
    slow_times: int
    slices: int
    target: float


SCENARIOS = (
    Scenario(Figure("CPU per event, many events a read", "µs"), "burst-1000", 1000, 6, 1, 5, 1.5),
    Scenario(Figure("CPU per event, one event a wake-up", "µs"), "paced-150", 150, 1, 1, 3, 1.15),
    Scenario(Figure("CPU per request, reply of one event", "µs"), "burst-1", 1, 60, 15, 5, 1.5),
)

FAN_EVENTS = 20
SPEED_OF_MANY = Figure("CPU per event, many streams at once, requests included", "µs")
MEMORY_OF_MANY = Figure("Memory per stream, many streams at once", "KiB")

LEAVING = {
    "cancel": Figure("Cancelling the reader: until the server sees it", "ms", base=""),
    "aclose": Figure("Closing the stream: until the server sees it", "ms", base=""),
    "async with": Figure("Leaving `async with`: until the server sees it", "ms", base=""),
}
TICKS = Figure("Loop ticks that leaving takes", "ticks", base="")
# A server that keeps on sending for so long, in seconds, was never told.
NEVER = 1.5
LEAVES = 5


async def reading(bench: Bench, peers: Sequence[Contender]) -> list[Row]:
    """One answer at a time. The floor against itself shows the noise."""
    contenders = [FLOOR, JUNTO, THREE, *peers]
    for number in range(bench.rounds):
        bench.say(f"reading, round {number + 1} of {bench.rounds}")
        for contender in bench.able(contenders):
            with bench.excuse(contender.name):
                await _read(bench, contender)
    return [
        bench.row(s.figure, c.name, s.target if c is THREE else None)
        for s in SCENARIOS
        for c in contenders
    ]


async def _read(bench: Bench, contender: Contender) -> None:
    floor = floor_of(contender)
    async with bench.start(floor) as beside, bench.start(contender) as process:
        for scenario in SCENARIOS:
            bases = bench.base(floor, scenario.path), bench.base(contender, scenario.path)
            times = scenario.slow_times if contender.slow else scenario.times
            times, slices = (1, 1) if bench.small else (times, scenario.slices)
            floors, values = [], []
            await spend(beside, bases[0], 1)
            _, characters = await spend(process, bases[1], 1)
            for _ in range(slices):
                floors.append((await spend(beside, bases[0], times))[0])
                values.append((await spend(process, bases[1], times))[0])
            sample = bench.sample(scenario.figure, contender.name)
            unit = 1e6 / times / scenario.units
            sample.add(median(values) * unit, median(floors) * unit)
            sample.note = _text_note(characters, scenario.units)


def _text_note(characters: int, events: int) -> str:
    whole = events * CHARACTERS
    return "" if characters == whole else f"reads {characters / whole:.0%} of the text"


async def many(bench: Bench, peers: Sequence[Contender]) -> list[Row]:
    """Many streams at once, in step: memory in the middle of them, and CPU."""
    contenders = [FLOOR, THREE, *peers]
    for number in range(bench.rounds):
        bench.say(f"{bench.streams} streams, round {number + 1} of {bench.rounds}")
        for contender in bench.able(contenders):
            with bench.excuse(contender.name):
                floor = await _fan(bench, floor_of(contender))
                value = await _fan(bench, contender)
                for figure, mine, its in zip(
                    (SPEED_OF_MANY, MEMORY_OF_MANY), value, floor, strict=True
                ):
                    if mine is not None:
                        bench.sample(figure, contender.name).add(mine, its)
    return [
        bench.row(figure, c.name, target if c is THREE else None)
        for figure, target in ((SPEED_OF_MANY, 1.25), (MEMORY_OF_MANY, 1.3))
        for c in contenders
    ]


async def _fan(bench: Bench, contender: Contender) -> tuple[float, float | None]:
    """Return µs per event and KiB per stream."""
    async with bench.start(contender) as process:
        await spend(process, bench.base(contender, "burst-16"), 1)
        before = resident(process.pid)
        events = 4 if bench.small else FAN_EVENTS
        base = bench.base(contender, f"fan-{bench.streams}-{events}")
        process.tell(do="ask", base=base, at_once=bench.streams)
        await bench.server.hear()
        await settle(process.pid)
        after = resident(process.pid)
        bench.server.tell(release=True)
        told = await process.hear()
    memory = None if before is None or after is None else (after - before) / 1024 / bench.streams
    return told["cpu"] * 1e6 / events / bench.streams, memory


async def leaving(bench: Bench, peers: Sequence[Contender]) -> list[Row]:
    """Leaving an answer that pauses. Peers are cancelled, which everybody can be."""
    ways = {FLOOR: ["cancel", "aclose"], FIFTY: ["cancel", "aclose", "async with"]}
    ways |= {peer: ["cancel"] for peer in peers}
    for number in range(bench.rounds):
        bench.say(f"leaving, round {number + 1} of {bench.rounds}")
        for contender in bench.able([*ways]):
            with bench.excuse(contender.name):
                async with bench.start(contender) as process:
                    await spend(process, bench.base(contender, "burst-16"), 1)
                    for how in ways[contender]:
                        await _leave(bench, contender, process, how)
    rows = [
        bench.row(figure, c.name, 2 if c is FIFTY else None)
        for how, figure in LEAVING.items()
        for c in ways
        if how in ways[c]
    ]
    for contender in (FLOOR, FIFTY):
        for how in ways[contender]:
            # To be cancelled takes the loop a few rounds, whoever it is.
            least = bench.sample(TICKS, f"{FLOOR.name}, {how}").values if how == "cancel" else [0]
            target = median(least) if contender is FIFTY and least else None
            rows.append(bench.row(TICKS, f"{contender.name}, {how}", target))
    return rows


async def _leave(bench: Bench, contender: Contender, process: Process, how: str) -> None:
    command = {"do": "cancel"} if how == "cancel" else {"do": "leave", "how": how}
    sample = bench.sample(LEAVING[how], contender.name)
    times, ticks = [], []
    for _ in range(1 if bench.small else LEAVES):
        told = await process.ask(base=bench.base(contender, "hold-17"), **command)
        if not told.get("cancelled", True):
            sample.note = "swallows the cancellation"
        try:
            lost = (await bench.server.hear(NEVER))["lost"]
        except ProcessFailedError:
            sample.note = f"not within {NEVER:g} s in at least one round"
            process.kill()
            await bench.server.hear()
            return
        times.append((lost - told["left"]) / 1e6)
        ticks.append(told["ticks"])
    sample.add(median(times))
    bench.sample(TICKS, f"{contender.name}, {how}").add(median(ticks))
