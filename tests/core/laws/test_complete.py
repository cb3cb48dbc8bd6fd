"""Every law has a test that names it."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "explanation" / "laws.md"

LAWS = range(1, 21)


def test_each_of_the_twenty_laws_has_tests_that_name_it() -> None:
    tests = [
        name
        for path in HERE.glob("test_law_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    ]
    named = {int(found[1]) for name in tests if (found := re.match(r"test_law_(\d\d)_\w", name))}

    assert named == set(LAWS)
    assert [name for name in tests if not re.match(r"test_law_\d\d_\w", name)] == []


def test_each_of_the_twenty_laws_is_on_the_page_for_users() -> None:
    headings = re.findall(r"^## (\d+)\. ", PAGE.read_text("utf-8"), re.MULTILINE)

    assert [int(number) for number in headings] == list(LAWS)
