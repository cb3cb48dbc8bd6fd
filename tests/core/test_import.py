"""What comes along with the ground floor."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import junto.core, junto.core.testing, sys
print(*sorted({"aiohttp", "rich", "structlog", "click", "msgspec"} & set(sys.modules)))
"""


def test_importing_core_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
