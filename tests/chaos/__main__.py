"""`make chaos`: attack each store, print what came of it, and fail on any violation."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..benchmarks.report import table
from .attack import Plan, attack
from .checker import KINDS, Found
from .targets import STORES, SkippedError, target

COUNTS = {
    "acknowledged": "turns whose end a reader saw",
    "stored": "turns in the store",
    "cancelled": "turns that were cancelled",
    "left": "turns that were left early",
    "busy": "turns that were refused, another running",
    "interrupted": "turns that another one interrupted",
    "store away": "times the store was away before a turn",
    "not stored": "times a commit failed",
    "completed late": "turns completed by their id after that",
    "kills": "workers killed",
    "crashes": "crashes of the store's server",
    "locks watched": "locks watched after a kill",
}
SHOWN = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 1 if there was any violation."""
    options = _parser().parse_args(arguments)
    plan = Plan(seconds=options.seconds, processes=options.processes, seed=options.seed)
    results: dict[str, tuple[Found, float]] = {}
    skipped: dict[str, str] = {}
    for name in options.stores:
        print(f"attacking {name} for {plan.seconds:g} s", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="junto-chaos-") as folder:
            try:
                results[name] = asyncio.run(run(name, Path(folder), plan, naive=options.naive))
            except SkippedError as error:
                skipped[name] = str(error)
    if results:
        print(told(results))
    for name, why in skipped.items():
        print(f"SKIPPED {name}: {why}")
    return int(any(found.violations for found, _ in results.values()) or not results)


async def run(name: str, folder: Path, plan: Plan, *, naive: bool = False) -> tuple[Found, float]:
    """Attack a store of a kind; its files are in the folder."""
    async with target(name, folder, naive=naive) as attacked:
        return await attack(attacked, folder, plan)


def told(results: dict[str, tuple[Found, float]]) -> str:
    """The counts and the violations as a table, with some of the violations in words."""
    head = ["", *results]
    found = [one for one, _ in results.values()]
    rows = [[text, *(str(one.counts[name]) for one in found)] for name, text in COUNTS.items()]
    longest = [f"{seconds:.2f} s" for _, seconds in results.values()]
    rows += [["longest that a lock outlived a kill", *longest]]
    rows += [
        [f"VIOLATIONS {kind}: {text}", *(str(one.of(kind)) for one in found)]
        for kind, text in KINDS.items()
    ]
    lines = [table(head, rows), ""]
    for name, (one, _) in results.items():
        lines += [f"{name}: {kind}: {text}" for kind, text in one.violations[:SHOWN]]
        total = len(one.violations)
        lines += [f"{name}: {total} violations" if total else f"{name}: no violation"]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    add = parser.add_argument
    add("--stores", type=_stores, default=STORES, metavar="A B", help=" ".join(STORES))
    add("--seconds", type=float, default=30.0, help="for each store (%(default)s)")
    add("--processes", type=int, default=4, help="that share a store (%(default)s)")
    add("--seed", type=int, default=0, help="of the chances (%(default)s)")
    add("--naive", action="store_true", help="attack stores that lose turns, to see it found")
    return parser


def _stores(text: str) -> tuple[str, ...]:
    names = tuple(text.split())
    if unknown := [name for name in names if name not in STORES]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(STORES)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
