"""How much work a reader does, counted and not timed.

What is counted: calls; the length of each text that a call of ours is given, and of each text
whose method is called, since it may be looked through; and the memory that a read needs at its
peak, since what is allocated is also filled.  What a regular expression does is not seen.
"""

import sys
import tracemalloc
from types import CodeType, FrameType
from typing import Any

from .shapes import Shape


class _Counter:
    """A profile function that adds up."""

    def __init__(self) -> None:
        self.steps = 0
        self._arguments: dict[CodeType, tuple[str, ...]] = {}

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call":
            self.steps += 1 + _length(getattr(called, "__self__", None))
        elif event == "call":
            self.steps += 1
            if names := self._names(frame.f_code):
                given = frame.f_locals
                self.steps += sum(_length(given.get(name)) for name in names)

    def _names(self, code: CodeType) -> tuple[str, ...]:
        """The arguments of a function of ours; of a generator none, it goes on by calls."""
        names = self._arguments.get(code)
        if names is None:
            ours = "junto" in code.co_filename and not code.co_name.startswith("<")
            names = self._arguments[code] = code.co_varnames[: ours * code.co_argcount]
        return names


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes) else 0


def work_of(shape: Shape) -> int:
    """Read it, and return the work."""
    counter = _Counter()
    allocated = 0
    before = sys.getprofile()
    tracemalloc.start()
    try:
        for read in shape.reads():
            used = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            sys.setprofile(counter)
            try:
                read()
            finally:
                sys.setprofile(before)
            allocated += tracemalloc.get_traced_memory()[1] - used
    finally:
        tracemalloc.stop()
    return counter.steps + allocated
