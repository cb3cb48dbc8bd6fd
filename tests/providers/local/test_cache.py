"""Finding, listing and removing model files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from junto.core import ModelFileError
from junto.providers.local import (
    CATALOGUE,
    DEFAULT_MODEL,
    InstalledModel,
    LocalModel,
    cache_folder,
    installed,
    locate,
    models_folder,
    remove,
)

QWEN = CATALOGUE[DEFAULT_MODEL]


def put(path: Path, size: int = 100) -> Path:
    """A sparse file that begins as a model does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(b"GGUF")
        file.truncate(size)
    return path


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the XDG rules are Linux's")
def test_the_cache_is_where_xdg_says_and_a_relative_path_is_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("JUNTO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "junto"
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert cache_folder() == Path.home() / ".cache" / "junto"


def test_junto_cache_moves_the_cache(cache: Path) -> None:
    assert models_folder() == cache / "models"


def test_the_default_model_counts_where_none_is_named(cache: Path) -> None:
    path = put(models_folder() / QWEN.file_name, QWEN.size)
    assert locate() == locate("") == locate(DEFAULT_MODEL) == path
    assert LocalModel().model == DEFAULT_MODEL


@pytest.mark.parametrize("name", [None, ""])
def test_the_environment_names_a_file_where_none_is_named(
    cache: Path, gguf: Path, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    monkeypatch.setenv("JUNTO_LOCAL_MODEL", str(gguf))
    assert locate(name) == gguf
    assert LocalModel(name).model == "tiny"


def test_the_environment_may_hold_a_name_and_a_given_name_beats_it(
    cache: Path, gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUNTO_LOCAL_MODEL", "smollm2-135m")
    assert LocalModel().model == "smollm2-135m"
    assert locate(gguf) == gguf


def test_a_tilde_is_the_home_folder(
    cache: Path, gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(gguf.parent))
    monkeypatch.setenv("USERPROFILE", str(gguf.parent))
    assert locate("~/tiny.gguf") == gguf


def test_any_file_in_the_cache_is_found_by_its_name(cache: Path) -> None:
    path = put(models_folder() / "my-model.gguf")
    assert locate("my-model") == path


def test_a_model_that_is_not_there_names_the_command_and_the_other_ways(cache: Path) -> None:
    with pytest.raises(ModelFileError) as caught:
        locate(DEFAULT_MODEL)
    text = str(caught.value)
    assert f"junto models fetch {DEFAULT_MODEL}" in text
    assert "491 MB" in text
    assert str(models_folder()) in text
    assert "JUNTO_LOCAL_MODEL" in text


def test_an_unknown_name_suggests_the_nearest(cache: Path) -> None:
    with pytest.raises(ModelFileError, match=r"did you mean 'qwen2\.5-coder-0\.5b'"):
        locate("qwen2.5-coder")
    with pytest.raises(ModelFileError, match="known: qwen"):
        locate("zzz")


def test_a_file_that_is_missing_a_folder_or_no_model_is_told_apart(
    cache: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.gguf"
    text.write_text("hello")
    (tmp_path / "folder.gguf").mkdir()
    (tmp_path / "empty.gguf").touch()
    claims = {
        "none.gguf": "does not exist",
        "folder.gguf": "is a folder",
        "text.gguf": "is not a GGUF file",
        "empty.gguf": "is not a GGUF file",
        "text.gguf/inside.gguf": "cannot be read",
    }
    for name, claim in claims.items():
        with pytest.raises(ModelFileError, match=claim):
            locate(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_file_that_may_not_be_read_says_so(cache: Path, gguf: Path) -> None:
    gguf.chmod(0)
    with pytest.raises(ModelFileError, match="cannot be read"):
        locate(gguf)


def test_a_truncated_model_of_the_catalogue_is_damaged(cache: Path) -> None:
    put(models_folder() / QWEN.file_name, 1000)
    with pytest.raises(ModelFileError, match=r"1,000 bytes instead of 491,400,064.*fetch"):
        locate(DEFAULT_MODEL)


def test_installed_models_are_listed_by_name(cache: Path) -> None:
    assert installed() == []
    own = put(models_folder() / "zebra.gguf")
    known = put(models_folder() / QWEN.file_name, 500)
    assert installed() == [
        InstalledModel(DEFAULT_MODEL, known, 500),
        InstalledModel("zebra", own, 100),
    ]


def test_removing_frees_the_file_and_the_parts_of_a_download(cache: Path) -> None:
    put(models_folder() / QWEN.file_name, 500)
    put(models_folder() / ".parts" / QWEN.file_name / "partial", 70)
    assert remove(DEFAULT_MODEL) == 570
    assert installed() == []


@pytest.mark.parametrize("name", [DEFAULT_MODEL, "../../etc/passwd", "nothing"])
def test_only_what_is_in_the_cache_can_be_removed(cache: Path, name: str) -> None:
    put(models_folder() / "zebra.gguf")
    with pytest.raises(ModelFileError, match="it holds zebra"):
        remove(name)
