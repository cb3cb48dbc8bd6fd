"""A lock between processes: a file that the system unlocks when its holder dies."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path

__all__ = ["locked"]


_HELD = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}


def _try_lock(fd: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # A file system without locks must not keep anybody waiting for ever.
        return error.errno not in _HELD
    return True


@contextlib.contextmanager
def locked(path: Path, wait: Callable[[], None]) -> Generator[None, None, None]:
    """Hold the lock ``path``; call ``wait`` again and again until it is free.

    The file stays: removing it would let two holders lock two files of one name.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _try_lock(fd):
            wait()
        yield
    finally:
        os.close(fd)
