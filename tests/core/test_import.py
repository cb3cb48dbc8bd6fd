"""What it costs to import the ground floor."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import time
begun = time.process_time()
import junto.core
print(time.process_time() - begun)
import sys
print(*sorted({"aiohttp", "rich", "structlog", "click", "msgspec"} & set(sys.modules)))
"""


def imported() -> tuple[float, str]:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    seconds, heavy = done.stdout.split("\n")[:2]
    return float(seconds), heavy


def test_importing_core_is_cheap_and_loads_nothing_heavy() -> None:
    seconds, heavy = min(imported() for _ in range(5))

    assert heavy == ""
    assert seconds <= 0.150
