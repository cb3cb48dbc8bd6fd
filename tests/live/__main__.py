"""Run the suite if there is a key, and say clearly if there is none."""

import sys
from pathlib import Path

import pytest

from junto.core import AuthenticationError
from junto.providers.dashscope._key import find_key, read_key_file

SUITE = Path(__file__).with_name("dashscope_suite.py")


def main(arguments: list[str]) -> int:
    """Return the exit status: 0 also where the suite is skipped."""
    try:
        _, source = find_key(None) or read_key_file()
    except AuthenticationError as error:
        print(f"SKIPPED: the live suite was not run.\n{error}")
        return 0
    print(f"Asking the real service with the key from {source}: this costs a few tokens.")
    return int(pytest.main([str(SUITE), "-p", "no:randomly", "-rs", *arguments]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
