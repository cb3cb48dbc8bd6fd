"""What is in the repository, and what is not."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FOLDERS = {"advisors", "app", "core", "docs", "providers", "tests"}

# Written in halves, so that this file passes its own test.
FOREIGN = (
    "/ro" + "ot/",
    "/wo" + "rk/",
    "/opt/wh" + "eels",
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry.npm" + "js",
)


def files() -> list[Path]:
    """Return what is tracked, and what would be with the next commit."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    if not (found := files()):
        pytest.skip("not a git repository")
    return found


def test_the_folders_at_the_top_are_the_parts_their_tests_and_their_docs(
    tracked: list[Path],
) -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in tracked if path.parent != ROOT}

    assert {top for top in tops if not top.startswith(".")} <= FOLDERS


def test_no_file_names_a_machine_or_the_host_of_a_registry(tracked: list[Path]) -> None:
    found = [
        (str(path.relative_to(ROOT)), word)
        for path in tracked
        for word in FOREIGN
        if word.encode() in path.read_bytes()
    ]

    assert found == []


def test_every_fragment_of_the_changelog_has_a_known_kind(tracked: list[Path]) -> None:
    kinds = {"breaking", "added", "changed", "fixed", "security"}
    wrong = [
        path.name
        for path in tracked
        if path.parent == ROOT / "docs" / "changelog.d"
        and path.name != ".gitkeep"
        and (path.suffix != ".md" or path.stem.split(".")[1] not in kinds)
    ]

    assert wrong == []
