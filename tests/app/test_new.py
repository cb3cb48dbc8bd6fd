"""`junto new` writes a package, or says why not; tests/plugins runs what it wrote."""

import tomllib
from pathlib import Path

import pytest

from .conftest import Run

FILES = {
    "provider": {"src/junto_word_count/model.py"},
    "advisor": {"src/junto_word_count/advisor.py"},
    "memory": {"src/junto_word_count/store.py"},
}


@pytest.mark.parametrize("kind", FILES)
def test_it_writes_two_files_a_test_a_readme_and_their_metadata(
    junto: Run, tmp_path: Path, kind: str
) -> None:
    done = junto("new", kind, "word-count")

    root = tmp_path / "junto-word-count"
    written = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"junto-word-count is written" in done.stdout
    assert written == FILES[kind] | {
        "README.md",
        "pyproject.toml",
        "src/junto_word_count/__init__.py",
        "src/junto_word_count/py.typed",
        "tests/test_junto_word_count.py",
    }


@pytest.mark.parametrize(
    ("kind", "group", "cls"),
    [
        ("provider", "junto.providers", "WordCountModel"),
        ("advisor", "junto.advisors", "WordCountAdvisor"),
        ("memory", "junto.memory", "WordCountStore"),
    ],
)
def test_its_metadata_announces_the_plugin_and_the_api(
    junto: Run, tmp_path: Path, kind: str, group: str, cls: str
) -> None:
    junto("new", kind, "word-count", "--into", str(tmp_path))
    project = tomllib.loads((tmp_path / "junto-word-count" / "pyproject.toml").read_text())

    assert project["project"]["entry-points"] == {
        group: {"word-count": f"junto_word_count:{cls}"},
        "junto.api": {"v1": "junto.core"},
    }


def test_nothing_is_left_to_fill_in(junto: Run, tmp_path: Path) -> None:
    for kind in FILES:
        junto("new", kind, f"a-{kind}")
    texts = [path.read_text() for path in tmp_path.rglob("junto-a-*/**/*") if path.is_file()]

    assert len(texts) == 18
    assert [text for text in texts if "$" in text.replace('"$"', "").replace("$ ", "")] == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Word_Count", "such as 'word-count'"),
        ("word--count", "such as 'word-count'"),
        ("1st", "such as 'st'"),
        ("../escape", "such as 'escape'"),
        ("é", "such as 'my-plugin'"),
        ("", "such as 'my-plugin'"),
        ("a" * 41, "at most 40 in all"),
        ("word-", "such as 'word'"),
        ("junto-words", "leave junto out of 'junto-words'"),
        ("memory", "there is advisor 'memory' (junto "),
    ],
)
def test_a_bad_name_is_refused_with_a_better_one(
    junto: Run, tmp_path: Path, name: str, hint: str
) -> None:
    before = set(tmp_path.rglob("*"))

    done = junto("new", "advisor", name)

    assert (done.returncode, done.stdout) == (1, b"")
    assert hint in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert set(tmp_path.rglob("*")) == before


def test_what_is_there_already_is_never_touched(junto: Run, tmp_path: Path) -> None:
    (tmp_path / "junto-words").write_text("mine")

    done = junto("new", "advisor", "words")

    assert done.returncode == 1
    assert b"is there already: take another name, or move it away" in done.stderr
    assert (tmp_path / "junto-words").read_text() == "mine"


def test_a_folder_that_is_not_there_is_said(junto: Run) -> None:
    done = junto("new", "advisor", "words", "--into", "nowhere")

    assert done.returncode == 1
    assert b"nowhere is no folder: make it first" in done.stderr


def test_an_unknown_kind_is_wrong_usage(junto: Run) -> None:
    assert junto("new", "plugin", "words").returncode == 2


def test_its_templates_are_not_taken_for_code() -> None:
    folder = Path(__file__).parents[2] / "app" / "junto" / "app" / "templates"

    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".txt"}
