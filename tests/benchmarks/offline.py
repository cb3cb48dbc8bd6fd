"""What needs no server: the chain by itself, imports, and what an installation holds."""

from collections.abc import Sequence

from .bench import Bench
from .contestants import CORE, IMPORTS, JUNTO, STACK, Import
from .environments import JUNTO as JUNTO_ENVIRONMENT
from .environments import distributions
from .processes import Contender, Process
from .report import Figure, Row

CHAIN = Contender("the chain", JUNTO_ENVIRONMENT, "chain")
EVENTS, ROUNDS = 2000, 12
PER_EVENT = Figure("The chain alone, per event", "ns", base="")
PER_REQUEST = Figure("The chain alone, per request", "µs", base="")
# One more advisor, by what it overrides: ns per event and µs per request, at most.
TARGETS = {"no hook": (10, 5), "on_event": (100, 5), "around": (300, 5)}

IMPORTING = Figure(
    "CPU to import, and to make a client; the stack is aiohttp, attrs, msgspec and structlog",
    "ms",
    base="the stack",
)
IMPORTING_CORE = Figure("CPU to import `junto.core`, without aiohttp and rich", "ms", base="")
SIZE = Figure("Distributions in an installation", "distributions", base="")

_TIMED = """
import json, sys, time
start = time.process_time()
{code}
cpu = time.process_time() - start
print(json.dumps({{"cpu": cpu, "heavy": sorted({{"aiohttp", "rich"}} & set(sys.modules))}}))
"""


async def chain(bench: Bench) -> list[Row]:
    """What the chain costs over a model in memory, and what one more advisor adds to it."""
    names: dict[str, str] = {}
    for number in range(bench.rounds):
        bench.say(f"the chain, round {number + 1} of {bench.rounds}")
        async with bench.start(CHAIN) as process:
            events, rounds = (64, 1) if bench.small else (EVENTS, ROUNDS)
            told = await process.ask(do="measure", events=events, rounds=rounds)
        for name in told["event"]:
            names[name] = f"one more, {name}" if name in TARGETS else name
            bench.sample(PER_EVENT, names[name]).add(told["event"][name] * 1e9)
            bench.sample(PER_REQUEST, names[name]).add(told["request"][name] * 1e6)
    return [
        bench.row(figure, shown, TARGETS[name][i] if name in TARGETS else None)
        for i, figure in enumerate((PER_EVENT, PER_REQUEST))
        for name, shown in names.items()
    ]


async def importing(bench: Bench, peers: Sequence[Contender]) -> list[Row]:
    """CPU of imports, in fresh processes, beside that of the libraries that junto stands on."""
    wanted = {JUNTO_ENVIRONMENT, *(peer.environment for peer in peers)}
    imports = [one for one in IMPORTS if one.environment in wanted]
    for number in range(bench.rounds + 1):
        # The first round only fills the caches of the system and of compiled files.
        bench.say(f"importing, round {number} of {bench.rounds}" if number else "importing once")
        floor = await _import(bench, STACK)
        for one in imports:
            with bench.excuse(one.name):
                value = await _import(bench, one)
                if number:
                    bench.sample(IMPORTING, one.name).add(value, floor)
        value = await _import(bench, CORE, light=True)
        if number:
            bench.sample(IMPORTING_CORE, CORE.name).add(value)
    return [
        *(
            bench.row(IMPORTING, one.name, 1.15 if one.environment == JUNTO_ENVIRONMENT else None)
            for one in imports
        ),
        bench.row(IMPORTING_CORE, CORE.name, 150),
    ]


async def _import(bench: Bench, one: Import, *, light: bool = False) -> float:
    python = bench.python(one.environment)
    async with await Process.start(python, "-c", _TIMED.format(code=one.code)) as process:
        told = await process.hear()
    if light and told["heavy"]:
        bench.sample(IMPORTING_CORE, one.name).note = f"imports {', '.join(told['heavy'])}"
    return float(told["cpu"]) * 1e3


async def installing(bench: Bench, peers: Sequence[Contender]) -> list[Row]:
    """How many distributions come with each."""
    names = dict.fromkeys(contender.environment for contender in (JUNTO, *peers))
    for name in names:
        with bench.excuse(name):
            bench.sample(SIZE, name).add(distributions(bench.python(name)))
    return [bench.row(SIZE, name, 16 if name == JUNTO_ENVIRONMENT else None) for name in names]
