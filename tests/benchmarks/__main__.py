"""`make bench`: run all sections, print the tables, write the JSON."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from .bench import Bench
from .contestants import PEERS
from .environments import ROOT, EnvironmentFailedError, Environments
from .measure import leaving, many, reading
from .offline import chain, importing, installing
from .processes import Contender, ProcessFailedError, start_server
from .remembering import remembering
from .report import Report, Row, machine

USUAL = ("chain", "import", "size", "leaving", "reading", "many")
# What is measured only when it is asked for.
SECTIONS = (*USUAL, "memory")


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    try:
        report = asyncio.run(
            run(
                cache(Environments(say=_say).python),
                sections=options.only or USUAL,
                peers=options.peers,
                rounds=2 if options.quick else options.rounds,
                streams=options.streams,
                thorough=options.thorough,
            )
        )
    except (EnvironmentFailedError, ProcessFailedError) as error:
        sys.exit(f"what nothing can be measured without has failed: {error}")
    report.write(options.json)
    print(report.markdown())
    _say(f"written to {options.json}")


async def run(
    python: Callable[[str], Path],
    *,
    sections: Sequence[str] = USUAL,
    peers: Sequence[Contender] = PEERS,
    rounds: int = 5,
    streams: int = 500,
    thorough: bool = False,
    small: bool = False,
) -> Report:
    """Measure; whoever cannot take part has a row that says why."""
    server, address = await start_server()
    async with server:
        bench = Bench(
            server, address, python, rounds=rounds, streams=streams, small=small, say=_say
        )
        # Memory has no peers here.
        for peer in peers if set(sections) - {"memory"} else ():
            with bench.excuse(peer.name):
                bench.python(peer.environment)
        report, rows = Report(machine(), rounds, streams), list[Row]()
        for section in SECTIONS:
            if section not in sections:
                continue
            match section:
                case "chain":
                    rows += await chain(bench)
                case "import":
                    rows += await importing(bench, peers)
                case "size":
                    rows += await installing(bench, peers)
                case "leaving":
                    rows += await leaving(bench, peers)
                case "reading":
                    rows += await reading(bench, peers)
                case "memory":
                    rows += await remembering(bench)
                case _:
                    rows += await many(bench, [p for p in peers if thorough or not p.slow])
        return report.ended(rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=…", description="What junto costs, beside a floor and its peers."
    )
    add = parser.add_argument
    add(
        "--only",
        type=_sections,
        metavar="A,B",
        help=f"some of {', '.join(SECTIONS)}; all but the last by default",
    )
    add(
        "--peers",
        type=_peers,
        default=PEERS,
        metavar="A,B",
        help="none, or some of " + ", ".join(dict.fromkeys(p.environment for p in PEERS)),
    )
    add("--rounds", type=int, default=5, help="how often everything is done (%(default)s)")
    add("--quick", action="store_true", help="two rounds: to see whether it runs")
    add("--thorough", action="store_true", help="many streams of slow peers too: 8 minutes more")
    add("--streams", type=int, default=500, help="how many at once (%(default)s)")
    add("--json", type=Path, default=ROOT / "build" / "bench.json", help="where to write")
    return parser


def _sections(text: str) -> tuple[str, ...]:
    return _among(text, SECTIONS)


def _peers(text: str) -> tuple[Contender, ...]:
    names = () if text == "none" else _among(text, [peer.environment for peer in PEERS])
    return tuple(peer for peer in PEERS if peer.environment in names)


def _among(text: str, known: Sequence[str]) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
    return names


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
