"""What was announced to be gone by now is gone."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("core", "advisors", "providers", "app")


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def announced(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, name and version of removal of each announcement."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("warn_deprecated"):
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            given = [keywords[name] for name in ("instead", "since", "gone")]
            assert all(isinstance(value, ast.Constant) for value in given), "write them out"
            yield node.lineno, ast.unparse(node.args[0]), ast.literal_eval(keywords["gone"])


def overdue(source: str, version: str) -> list[tuple[int, str]]:
    """Return what should be gone from a source by this version."""
    return [
        (line, what) for line, what, gone in announced(source) if number(gone) <= number(version)
    ]


def test_nothing_is_overdue() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = [
        (path.relative_to(ROOT).as_posix(), *one)
        for part in PARTS
        for path in sorted((ROOT / part).rglob("*.py"))
        for one in overdue(path.read_text(encoding="utf-8"), project["version"])
    ]

    assert found == [], "it was announced to be gone by now: remove it, and say so in a fragment"


@pytest.mark.parametrize(
    ("version", "found"), [("0.4.9", []), ("0.5.0", [(3, "'old()'")]), ("1.0.0", [(3, "'old()'")])]
)
def test_what_is_overdue_would_be_found(version: str, found: list[tuple[int, str]]) -> None:
    source = """
def old():
    core.warn_deprecated("old()", instead="new()", since="0.3", gone="0.5")
"""
    assert overdue(source, version) == found
