"""The file that grows while it is being fetched, whatever source feeds it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["DiskError", "PartialFile", "file_sha256"]

_BLOCK = 1 << 20


class DiskError(Exception):
    """Writing failed: no other source can help.  An ``OSError`` would look like theirs.

    Attributes:
        reason: What the system said.
    """

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class PartialFile:
    """A file that is appended to, hashed on the way, and put in place when it is whole.

    All sources of a model give the same bytes, so what one of them has brought before it
    broke off is kept for the next, and for the next try.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Not in append mode: truncating and writing at a position are both needed.
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o644), "r+b")
        self.size: int = self._file.seek(0, os.SEEK_END)
        self._hash = hashlib.sha256()
        self._hashed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, data: bytes) -> None:
        """Add to the end.

        Raises:
            DiskError: It cannot be written.
        """
        try:
            self._file.write(data)
        except OSError as error:
            raise DiskError(error) from error
        if self._hashed == self.size:
            self._hash.update(data)
            self._hashed += len(data)
        self.size += len(data)

    def truncate(self, size: int) -> None:
        """Forget everything behind ``size``."""
        if size == self.size:
            return
        self._file.truncate(size)
        self._file.seek(size)
        self.size = size
        if self._hashed > size:
            self._hash, self._hashed = hashlib.sha256(), 0

    def sha256(self, check: Callable[[], None] = lambda: None) -> str:
        """The hash of all of it; ``check`` is called on the way and may raise."""
        self._file.flush()
        self._file.seek(self._hashed)
        while block := self._file.read(_BLOCK):
            check()
            self._hash.update(block)
            self._hashed += len(block)
        return self._hash.hexdigest()

    def install(self, target: Path) -> None:
        """Put the file in its place, in one step and for good."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.path.replace(target)
        if os.name == "posix":
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


_BINARY = getattr(os, "O_BINARY", 0)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
