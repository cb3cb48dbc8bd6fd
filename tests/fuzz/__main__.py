"""`make fuzz`: look for input that breaks a law of reading, or that costs more than its length.

What is found is written to `.fuzz/`, with the command that reads it again.  New kinds of input
are kept there too, and the next run goes on with them.
"""

import argparse
import gc
import hashlib
import logging
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import ModuleType

from .shapes import Shape

HERE = Path(".fuzz")
CORPUS = HERE / "corpus"
SIZES = (20_000, 160_000)  # bytes
MOST = 3  # what growth beyond the length's is allowed: a square has 8
TRIES = 4


def main() -> int:
    """Read what the command line says; return the exit status."""
    parser = argparse.ArgumentParser("make fuzz ARGS=…", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for the fuzzer")
    parser.add_argument("--shapes", action="store_true", help="only measure growth")
    parser.add_argument("file", nargs="*", type=Path, help="only read these again")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if arguments.file:
        return again(arguments.file)
    if arguments.shapes:
        return growth()
    # The fuzzer has to see each module being imported, so that measuring is another process.
    shapes = subprocess.run([sys.executable, "-m", "tests.fuzz", "--shapes"], check=False)
    return shapes.returncode or hunt(arguments.seconds)


def again(files: list[Path]) -> int:
    """Hold the laws for files that were found; the traceback of the first that breaks one."""
    from .laws import check

    for file in files:
        check(file.read_bytes())
        print(f"{file}: the laws hold")
    return 0


def growth() -> int:
    """Read each shape short and long; return 1 if one takes much longer than its length says.

    It is the processor's time of this thread, best of some tries, and a bound that only
    growth with the square exceeds: a busy machine changes nothing.
    """
    from .shapes import SHAPES

    slow = 0
    for name, shape in SHAPES.items():
        excess = _excess(shape)
        if excess > MOST:
            slow = 1
            print(f"slow: {name!r} of tests/fuzz/shapes.py costs {excess:.1f} times its length")
    if not slow:
        print(f"{len(SHAPES)} shapes of streams cost no more than their length", flush=True)
    return slow


def _excess(shape: Callable[[int], Shape]) -> float:
    """By how much the cost grows faster than the length: 1 if it does not."""
    best = math.inf
    for _ in range(TRIES):
        short, long = (_cost(shape(size)) for size in SIZES)
        best = min(best, long / short / (SIZES[1] / SIZES[0]))
        if best <= MOST:
            break
    return best


def _cost(shape: Shape) -> float:
    """Seconds of the processor."""
    gc.collect()
    gc.disable()
    start = time.thread_time()
    try:
        for read in shape.reads():
            read()
    finally:
        gc.enable()
    return time.thread_time() - start


def hunt(seconds: int) -> int:
    """Let the fuzzer look for that long; it ends the process itself."""
    import atheris  # type: ignore[import-untyped]  # in an environment of its own

    with atheris.instrument_imports(include=["junto"]):
        from . import laws
    from .mutations import JUNK, mutated

    _plant(laws)
    tokens = HERE / "tokens.txt"
    tokens.write_text("".join(f'"{_escaped(junk)}"\n' for junk in JUNK if len(junk) < 60))

    def once(data: bytes) -> None:
        try:
            laws.check(data)
        except BaseException:
            file = HERE / f"crash-{hashlib.sha1(data).hexdigest()}"
            file.write_bytes(data)
            law = [*laws.CHECKS][data[0] % len(laws.CHECKS)] if len(data) > 1 else "native"
            print(f"\n{file}: the law {law!r} does not hold for {data[2:]!r}")
            print(f"Read it again: make fuzz ARGS={file}", flush=True)
            raise

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        chance = Random(seed)
        if chance.random() < 0.3 or len(data) < 3:
            return bytes(atheris.Mutate(data, most))
        return (data[:2] + mutated(data[2:], chance))[:most]

    atheris.Setup(
        [
            sys.argv[0],
            str(CORPUS),
            f"-max_total_time={seconds}",
            f"-artifact_prefix={HERE}/",
            f"-dict={tokens}",
            "-max_len=16384",
            "-timeout=20",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
        ],
        once,
        custom_mutator=mutate,
    )
    atheris.Fuzz()
    return 0


def _plant(laws: ModuleType) -> None:
    """Write the recordings into the corpus, for each law that is about them."""
    from .mutations import seeds_for

    CORPUS.mkdir(parents=True, exist_ok=True)
    for number, law in enumerate(laws.CHECKS):
        for name, body in seeds_for(law).items():
            file = hashlib.sha1(f"{law} {name}".encode()).hexdigest()
            (CORPUS / file).write_bytes(bytes([number, 0]) + body)


def _escaped(junk: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in junk)


if __name__ == "__main__":
    sys.exit(main())
