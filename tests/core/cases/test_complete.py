"""Every numbered case has a test that carries its number, and a line on the page for users."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
PAGE = TESTS.parent / "docs" / "explanation" / "cases.md"

_ABSENT = {11, 24, 25, 29, 35, 37, 46, 52, 58, 66}
"""Numbers that no case has."""

CASES = [number for number in range(1, 71) if number not in _ABSENT]


def names_of_tests() -> list[str]:
    return [
        name
        for path in TESTS.glob("*/cases/test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    ]


def test_there_are_sixty_cases() -> None:
    assert len(CASES) == 60


def test_each_case_has_a_test_that_carries_its_number() -> None:
    tested = {
        int(found[1]) for name in names_of_tests() if (found := re.match(r"test_t(\d\d)_\w", name))
    }

    assert tested == set(CASES)


def test_each_case_has_a_line_on_the_page_and_the_test_it_names_exists() -> None:
    rows = re.findall(r"^\| T(\d\d) \|.*\| `(\w+)` \|$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert [int(number) for number, _ in rows] == CASES
    assert [name for number, name in rows if not name.startswith(f"test_t{number}_")] == []
    assert {name for _, name in rows} - set(names_of_tests()) == set()
