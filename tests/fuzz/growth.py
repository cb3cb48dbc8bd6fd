"""What reading costs as streams grow: `python -m tests.fuzz.growth`, a part of `make fuzz`.

Unlike the tests, which count, this also sees what happens inside of regular expressions and
operators: it measures the processor's time of this thread, the best of some tries, against a
bound that only growth with the square exceeds.
"""

import gc
import logging
import math
import sys
import time
from collections.abc import Callable

from .shapes import SHAPES, Shape

SIZES = (20_000, 160_000)  # bytes
MOST = 3.0  # of growth beyond the length's: a square has 8
TRIES = 4


def main() -> int:
    """Read each shape short and long; return 1 if one costs much more than its length says."""
    logging.disable(logging.CRITICAL)
    slow = 0
    for name, shape in SHAPES.items():
        excess = excess_of(shape)
        if excess > MOST:
            slow = 1
            print(f"slow: {name!r} of tests/fuzz/shapes.py costs {excess:.1f} times its length")
    if not slow:
        print(f"{len(SHAPES)} shapes of streams cost no more than their length")
    return slow


def excess_of(shape: Callable[[int], Shape]) -> float:
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


if __name__ == "__main__":
    sys.exit(main())
