"""Downloads from a server on this machine."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from junto.core import ChatError, ModelFileError
from junto.providers.local import (
    DownloadCancelledError,
    DownloadError,
    FetchProgress,
    UrlSource,
    fetch,
    fetch_async,
    fetch_entry,
    models_folder,
)
from junto.providers.local import download as download_module

from .sources import DATA, SHA256, Server, entry, whole


def test_a_file_comes_from_its_address_with_progress(cache: Path, server: Server) -> None:
    seen: list[FetchProgress] = []
    path = fetch_entry(entry(UrlSource("web", server.url("/model"))), seen.append)

    assert whole(path)
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert {p.phase for p in seen} == {"downloading", "verifying", "done"}
    assert seen[-1] == FetchProgress("tiny", "web", "done", len(DATA), len(DATA))


def test_what_is_there_is_not_fetched_again(cache: Path, server: Server) -> None:
    source = UrlSource("web", server.url("/model"))
    fetch_entry(entry(source))
    fetch_entry(entry(source))

    assert len(server.ranges) == 1


def test_a_broken_connection_is_taken_up_where_it_broke(cache: Path, server: Server) -> None:
    server.cuts = [300_000, 200_000]

    assert whole(fetch_entry(entry(UrlSource("web", server.url("/model")))))
    assert server.ranges == [None, "bytes=300000-", "bytes=500000-"]


def test_an_interrupted_download_goes_on_in_the_next_run_from_another_source(
    cache: Path, server: Server
) -> None:
    server.cuts = [300_000, 0]
    with pytest.raises(DownloadError):
        fetch_entry(entry(UrlSource("first", server.url("/model"))))

    assert whole(fetch_entry(entry(UrlSource("second", server.url("/model")))))
    assert server.ranges[-1] == "bytes=300000-"


def test_a_server_that_ignores_ranges_is_read_from_the_start(cache: Path, server: Server) -> None:
    server.cuts = [300_000]

    assert whole(fetch_entry(entry(UrlSource("web", server.url("/norange")))))


def test_sources_that_refuse_or_lie_are_passed_over(cache: Path, server: Server) -> None:
    seen: list[FetchProgress] = []
    sources = [
        UrlSource("closed", "http://127.0.0.1:1/model"),
        UrlSource("unknown", "http://no-such-host.invalid/model"),
        UrlSource("file", "file:///etc/passwd"),
        UrlSource("gone", server.url("/nothing")),
        UrlSource("login page", server.url("/html")),
        UrlSource("wrong", server.url("/wrong")),
        UrlSource("good", server.url("/model")),
    ]
    assert whole(fetch_entry(entry(*sources), seen.append))

    notes = {p.source: p.note for p in seen if p.phase == "refused"}
    assert list(notes) == [source.label for source in sources[:-1]]
    assert "refused" in notes["closed"]
    assert "neither http nor https" in notes["file"]
    assert "404" in notes["gone"]
    assert "6 bytes instead of" in notes["login page"]
    assert "SHA-256" in notes["wrong"]


def test_wrong_bytes_of_an_earlier_run_do_not_spoil_a_good_source(
    cache: Path, server: Server
) -> None:
    folder = models_folder() / ".parts" / "tiny.gguf"
    folder.mkdir(parents=True)
    (folder / "partial").write_bytes(b"x" * 1000)

    assert whole(fetch_entry(entry(UrlSource("web", server.url("/model")))))


def test_when_all_fail_the_error_lists_them_and_names_the_ways_out(
    cache: Path, server: Server
) -> None:
    sources = UrlSource("one", server.url("/nothing")), UrlSource("two", server.url("/wrong"))
    with pytest.raises(DownloadError) as caught:
        fetch_entry(entry(*sources))

    assert isinstance(caught.value, ChatError)
    assert isinstance(caught.value, OSError)
    assert [label for label, _ in caught.value.attempts] == ["one", "two"]
    for word in ("JUNTO_LOCAL_MODEL", "local:/path", "another provider", "one: HTTP 404", "two:"):
        assert word in str(caught.value)
    assert not (models_folder() / "tiny.gguf").exists()


def test_a_full_disk_is_found_out_first(
    cache: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int = 10_000

    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage())
    with pytest.raises(DownloadError, match=r"needs 18 MB.*0 MB are free.*JUNTO_CACHE") as caught:
        fetch_entry(entry(UrlSource("web", server.url("/model"))))

    assert caught.value.errno == 28
    assert str(models_folder()) in str(caught.value)
    assert server.ranges == []


def test_a_cache_that_cannot_be_written_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("JUNTO_CACHE", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match=r"cannot be written.*JUNTO_CACHE"):
        fetch_entry(entry())


def test_two_processes_fetch_a_file_once(cache: Path, server: Server) -> None:
    server.gate = threading.Event()
    server.cuts = [1000]
    script = f"""
        import sys; sys.path[:] = {sys.path!r}
        from junto.providers.local import CatalogueModel, UrlSource, fetch_entry
        seen = set()
        def show(p):
            if p.phase not in seen:
                seen.add(p.phase); print(p.phase, flush=True)
        source = UrlSource("web", {server.url("/model")!r})
        fetch_entry(CatalogueModel(name="tiny", title="", file_name="tiny.gguf", size={len(DATA)},
            sha256={SHA256!r}, licence="", sources=(source,)), show)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def line(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        return process.stdout.readline().strip()

    with start() as first:
        assert line(first) == "downloading"
        with start() as second:
            assert line(second) == "waiting"
            server.gate.set()
            assert second.wait() == first.wait() == 0
            assert line(second) == "done"
    assert server.ranges == [None, "bytes=1000-"]


def test_a_download_can_be_called_off_and_keeps_what_has_come(cache: Path, server: Server) -> None:
    cancelled = threading.Event()

    def stop(progress: FetchProgress) -> None:
        if progress.done:
            cancelled.set()

    source = UrlSource("web", server.url("/model"))
    with pytest.raises(DownloadCancelledError):
        fetch_entry(entry(source), stop, cancelled=cancelled)

    assert whole(fetch_entry(entry(source)))
    assert server.ranges[-1] is not None


@pytest.mark.parametrize("phase", ["downloading", "verifying", "done"])
def test_an_error_of_the_listener_passes_unchanged(cache: Path, server: Server, phase: str) -> None:
    error = BrokenPipeError("nobody reads")

    def fail(progress: FetchProgress) -> None:
        if progress.phase == phase:
            raise error

    with pytest.raises(BrokenPipeError) as caught:
        fetch_entry(entry(UrlSource("web", server.url("/model"))), fail)
    assert caught.value is error


async def test_a_cancelled_task_stops_its_download(
    cache: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = {"tiny": entry(UrlSource("web", server.url("/model")))}
    monkeypatch.setattr(download_module, "CATALOGUE", catalogue)
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    hold = threading.Event()

    def pause(progress: FetchProgress) -> None:
        if progress.done:
            loop.call_soon_threadsafe(begun.set)
            hold.wait(30)

    task = asyncio.ensure_future(fetch_async("tiny", pause))
    await begun.wait()
    task.cancel()
    loop.call_soon(hold.set)
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not (models_folder() / "tiny.gguf").exists()
    assert whole(await fetch_async("tiny"))


def test_fetching_a_path_only_checks_it(cache: Path, gguf: Path) -> None:
    assert fetch(gguf) == gguf
    with pytest.raises(ModelFileError, match="does not exist"):
        fetch(gguf.with_stem("other"))


def test_fetching_an_unknown_name_suggests_the_nearest(cache: Path) -> None:
    with pytest.raises(ModelFileError, match="did you mean 'smollm2-135m'"):
        fetch("smollm2")
