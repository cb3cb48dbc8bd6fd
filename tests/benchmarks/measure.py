"""Reading over a loopback: CPU per event and request, many streams at once, leaving early.

A contender's process and one of its floor live side by side, fresh in every round, and work in
turns, slice by slice: what the machine does besides falls on both. A round's value is the median
of its slices, its ratio the median of theirs to the floor's slices beside them.
"""

from collections.abc import Sequence

from attrs import frozen

from .bench import Bench, median, spend
from .contestants import FIFTY, FLOOR, JUNTO, THREE, floor_of
from .processes import Contender, Process, ProcessFailedError, resident, settle
from .report import Figure, Row
from .server import EDGE, EVERY
from .wire import CHARACTERS


@frozen
class Scenario:
    """One way in which the server answers, and the figure that it gives.

    Attributes:
        path: The first part of the server's paths.
        units: What the CPU time of an answer is divided by.
        times: Answers in a slice; of a slow contender, `slow_times`.
        slices: In a round; of a slow contender, `SLOW_SLICES`.
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
    Scenario(Figure("CPU per event, many events a read", "µs"), "burst-1000", 1000, 6, 1, 16, 1.5),
    Scenario(Figure("CPU per event, one event a wake-up", "µs"), "paced-150", 150, 1, 1, 8, 1.15),
    Scenario(Figure("CPU per request, reply of one event", "µs"), "burst-1", 1, 60, 15, 16, 1.5),
)
SLOW_SLICES = 2

FAN_SLICES = 4
SPEED_OF_MANY = Figure("CPU per event, many streams at once", "µs")
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
            slices = SLOW_SLICES if contender.slow else scenario.slices
            times, slices = (1, 1) if bench.small else (times, slices)
            await spend(beside, bases[0], 1)
            _, characters = await spend(process, bases[1], 1)
            values, ratios = [], []
            for number in range(slices):
                cpu = [0.0, 0.0]
                # Who comes first changes from slice to slice.
                for who in (number % 2, 1 - number % 2):
                    cpu[who], _ = await spend((beside, process)[who], bases[who], times)
                values.append(cpu[1])
                ratios.append(cpu[1] / cpu[0])
            sample = bench.sample(scenario.figure, contender.name)
            sample.values.append(median(values) * 1e6 / times / scenario.units)
            sample.ratios.append(median(ratios))
            sample.note = _text_note(characters, scenario.units)


def _text_note(characters: int, events: int) -> str:
    whole = events * CHARACTERS
    return "" if characters == whole else f"reads {characters / whole:.0%} of the text"


async def many(bench: Bench, peers: Sequence[Contender]) -> list[Row]:
    """Many streams at once, in step: CPU between pauses, and memory while all are open."""
    contenders = [FLOOR, THREE, *peers]
    for number in range(bench.rounds):
        bench.say(f"{bench.streams} streams, round {number + 1} of {bench.rounds}")
        for contender in bench.able(contenders):
            with bench.excuse(contender.name):
                await _fan(bench, contender)
    return [
        bench.row(figure, c.name, target if c is THREE else None)
        for figure, target in ((SPEED_OF_MANY, 1.25), (MEMORY_OF_MANY, 1.3))
        for c in contenders
    ]


async def _fan(bench: Bench, contender: Contender) -> None:
    """Open the streams of the floor and of a contender, and let them go on in turns."""
    server, slices = bench.server, 1 if bench.small else FAN_SLICES
    both = (floor_of(contender), contender)
    async with bench.start(both[0]) as floor, bench.start(both[1]) as process:
        pids = floor.pid, process.pid
        for one, who in zip(both, (floor, process), strict=True):
            await spend(who, bench.base(one, "burst-16"), 1)
        memory = [resident(pid) for pid in pids]
        at, used = [0.0, 0.0], [0.0, 0.0]
        for i, who in enumerate((floor, process)):
            base = bench.base(both[i], f"fan-{i}-{bench.streams}-{_fan_events(slices)}")
            who.tell(do="ask", base=base, at_once=bench.streams)
            await server.hear()
            at[i] = await settle(pids[i])
        for number in range(slices):
            for i in (number % 2, 1 - number % 2):
                server.tell(release=str(i))
                await server.hear()
                now = await settle(pids[i])
                used[i] += now - at[i]
                at[i] = now
        memory = [resident(pid) - before for pid, before in zip(pids, memory, strict=True)]
        for i, who in enumerate((floor, process)):
            server.tell(release=str(i))
            await who.hear()
    events = slices * EVERY * bench.streams
    bench.sample(SPEED_OF_MANY, contender.name).add(used[1] * 1e6 / events, used[0] * 1e6 / events)
    kib = [size / 1024 / bench.streams for size in memory]
    bench.sample(MEMORY_OF_MANY, contender.name).add(kib[1], kib[0])


def _fan_events(slices: int) -> int:
    return EDGE + slices * EVERY + EDGE


async def leaving(bench: Bench, peers: Sequence[Contender]) -> list[Row]:
    """Leaving an answer that pauses. Peers are cancelled, which everybody can be."""
    ways = {FLOOR: ["cancel", "aclose"], FIFTY: ["cancel", "aclose", "async with"]}
    ways |= {peer: ["cancel"] for peer in peers}
    for contender in bench.able([*ways]):
        bench.say(f"leaving: {contender.name}")
        with bench.excuse(contender.name):
            # One process for all rounds: a stream that is left leaves nothing behind.
            async with bench.start(contender) as process:
                await spend(process, bench.base(contender, "burst-16"), 1)
                for how in ways[contender] * bench.rounds:
                    if not await _leave(bench, contender, process, how):
                        break
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


async def _leave(bench: Bench, contender: Contender, process: Process, how: str) -> bool:
    """Leave several times; tells whether the server saw it, else the process is at its end."""
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
            sample.note = f"not within {NEVER:g} s at least once"
            process.kill()
            await bench.server.hear()
            return False
        times.append((lost - told["left"]) / 1e6)
        ticks.append(told["ticks"])
    sample.add(median(times))
    bench.sample(TICKS, f"{contender.name}, {how}").add(median(ticks))
    return True
