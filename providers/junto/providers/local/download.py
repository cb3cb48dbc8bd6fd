"""Bringing a model of the catalogue into the cache.

Sources are tried in order.  What has come is kept, so that an interrupted download goes
on where it was, even from another source.  The file appears in its place only when its
SHA-256 is right, and two processes that want the same file do not fetch it twice.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from pathlib import Path

from junto.core import ChatError, get_logger

from ._lock import locked
from .cache import asked_name, locate, models_folder, work_folder
from .catalogue import CATALOGUE, ArchiveSource, CatalogueModel, UrlSource
from .partial import DiskError, PartialFile
from .progress import FetchListener, FetchProgress, Phase
from .sources import SourceRefusedError, Transfer, read_source, space_needed

__all__ = [
    "DownloadCancelledError",
    "DownloadError",
    "fetch",
    "fetch_async",
    "fetch_entry",
]

_log = get_logger("junto.providers.local")


class DownloadError(ChatError, OSError):
    """A model could not be fetched.

    Attributes:
        attempts: Each source that was tried, and why it did not work.
    """

    def __init__(
        self,
        message: str = "",
        *,
        attempts: tuple[tuple[str, str], ...] = (),
        number: int | None = None,
    ) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.errno = number


class DownloadCancelledError(ChatError):
    """A download was called off; what had come is kept."""


def fetch(
    name: str | os.PathLike[str] | None = None,
    progress: FetchListener | None = None,
    *,
    cancelled: threading.Event | None = None,
) -> Path:
    """Make sure that a model is on this machine, and say where.

    Blocks, so call it from a thread, or use :func:`fetch_async`.

    Args:
        name: A model of the catalogue; a path or the name of a file in the cache is only
            checked.  Without one, ``JUNTO_LOCAL_MODEL`` or the default.
        progress: Told how it goes.
        cancelled: Set it from another thread to call the download off.

    Raises:
        DownloadError: No source could give it, or there is no space.
        DownloadCancelledError: ``cancelled`` was set.
        ModelFileError: There is no such model.
    """
    entry = CATALOGUE.get(asked_name(name))
    return locate(name) if entry is None else fetch_entry(entry, progress, cancelled=cancelled)


async def fetch_async(
    name: str | os.PathLike[str] | None = None, progress: FetchListener | None = None
) -> Path:
    """:func:`fetch` in a worker thread.  Cancelling stops it, and waits until it has."""
    cancelled = threading.Event()
    worker = asyncio.ensure_future(asyncio.to_thread(fetch, name, progress, cancelled=cancelled))
    try:
        return await asyncio.shield(worker)
    except asyncio.CancelledError:
        cancelled.set()
        await asyncio.wait([worker])
        if not worker.cancelled():
            worker.exception()
        raise


def fetch_entry(
    entry: CatalogueModel,
    progress: FetchListener | None = None,
    *,
    cancelled: threading.Event | None = None,
) -> Path:
    """:func:`fetch` for an entry that need not be in the catalogue."""
    return _Fetch(entry, progress, cancelled or threading.Event()).run()


class _ListenerError(Exception):
    """A listener failed in a way that would look like the disk's or the network's."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Fetch:
    """One download."""

    def __init__(
        self, entry: CatalogueModel, progress: FetchListener | None, cancelled: threading.Event
    ) -> None:
        self._entry = entry
        self._progress = progress
        self._cancelled = cancelled
        self._target = models_folder() / entry.file_name
        self._work = work_folder(entry.file_name)
        self._source = ""
        self._attempts: list[tuple[str, str]] = []

    def run(self) -> Path:
        if not self._is_here():
            try:
                self._work.mkdir(parents=True, exist_ok=True)
                with locked(self._work.with_suffix(".lock"), self._wait):
                    # Another process may have fetched it while this one waited.
                    if not self._is_here():
                        self._try_sources()
            except DownloadError:
                raise
            except _ListenerError as error:
                raise error.reason from None
            except DiskError as error:
                raise self._disk_error(error.reason) from error
            except OSError as error:
                raise self._disk_error(error) from error
        if self._progress is not None:
            size = self._entry.size
            self._progress(FetchProgress(self._entry.name, self._source, "done", size, size))
        return self._target

    def _is_here(self) -> bool:
        return self._target.is_file() and self._target.stat().st_size == self._entry.size

    def _try_sources(self) -> None:
        with PartialFile(self._work / "partial") as file:
            if file.size > self._entry.size:
                file.truncate(0)
            for source in self._entry.sources:
                if self._try_source(source, file):
                    file.install(self._target)
                    shutil.rmtree(self._work, ignore_errors=True)
                    return
        listed = "; ".join(f"{label}: {reason}" for label, reason in self._attempts)
        msg = (
            f"no source could give the model {self._entry.name!r}. Use a GGUF file of your own "
            "(local:/path/to/file.gguf, or JUNTO_LOCAL_MODEL=/path), or another provider. "
            f"Tried {listed}"
        )
        raise DownloadError(msg, attempts=tuple(self._attempts))

    def _try_source(self, source: UrlSource | ArchiveSource, file: PartialFile) -> bool:
        """Whether the source gave the file."""
        self._source = source.label
        self._check_space(source, file.size)
        transfer = Transfer(file, self._entry.size, self._work, self._moved)
        while True:
            inherited = file.size
            self._tell("downloading", file.size)
            try:
                read_source(source, transfer)
            except SourceRefusedError as error:
                return self._refuse(str(error), file)
            self._tell("verifying", file.size)
            if file.sha256(self._check) == self._entry.sha256:
                return True
            file.truncate(0)
            if not inherited:
                return self._refuse("its bytes are not the ones with the right SHA-256", file)
            # The wrong bytes may be older than this source: it gets a chance of its own.

    def _refuse(self, reason: str, file: PartialFile) -> bool:
        self._attempts.append((self._source, reason))
        _log.info("model source refused", model=self._entry.name, source=self._source, why=reason)
        self._tell("refused", file.size, reason)
        return False

    def _check_space(self, source: UrlSource | ArchiveSource, have: int) -> None:
        need = space_needed(source, self._entry.size, have)
        free = shutil.disk_usage(self._work).free
        if free < need:
            msg = (
                f"the model {self._entry.name!r} needs {need / 1e6:,.0f} MB on the disk of "
                f"{models_folder()}, where {free / 1e6:,.0f} MB are free: make room, or point "
                "JUNTO_CACHE at a folder on another disk"
            )
            raise DownloadError(msg, attempts=tuple(self._attempts), number=errno.ENOSPC)

    def _disk_error(self, error: OSError) -> DownloadError:
        msg = (
            f"the model {self._entry.name!r} cannot be written into {models_folder()} "
            f"({error.strerror or error}): point JUNTO_CACHE at another folder"
        )
        return DownloadError(msg, attempts=tuple(self._attempts), number=error.errno)

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise DownloadCancelledError(f"fetching {self._entry.name!r} was called off")

    def _wait(self) -> None:
        self._tell("waiting", 0, "another process is fetching it")
        self._cancelled.wait(0.2)
        self._check()

    def _moved(self, done: int) -> None:
        self._check()
        self._tell("downloading", done)

    def _tell(self, phase: Phase, done: int, note: str = "") -> None:
        if self._progress is not None:
            total = self._entry.size
            told = FetchProgress(self._entry.name, self._source, phase, done, total, note)
            try:
                self._progress(told)
            except OSError as error:
                raise _ListenerError(error) from error
