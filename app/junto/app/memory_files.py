"""The commands ``junto memory export`` and ``import``."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from junto.core import ChatError
from junto.core.memory import MemoryStore, export_lines, import_lines

from .memory_store import emit, turns_of, work
from .screen import Screen

__all__ = ["export_to", "import_from"]


def export_to(
    address: str, tenant: str, conversation: str | None, output: Path | None, *, force: bool
) -> None:
    """Write conversations as JSON lines, into a file or to standard output."""

    async def step(store: MemoryStore) -> None:
        if conversation is not None:
            await turns_of(store, tenant, conversation)
        count = 0
        if output is None:
            async for line in export_lines(store, tenant=tenant, conversation=conversation):
                emit(line)
            return
        with _written(output, force=force) as file:
            async for line in export_lines(store, tenant=tenant, conversation=conversation):
                file.write(f"{line}\n")
                count += 1
        Screen().note(f"exported {_turns(count)} into {output}")

    work(address, step)


@contextmanager
def _written(path: Path, *, force: bool) -> Generator[IO[str]]:
    """A file that its owner alone can read, and that is there when it is whole.

    Raises:
        ChatError: It is there already.
    """
    if not force and (path.exists() or path.is_symlink()):
        msg = f"{path} is there already: name another file, or replace it with --force"
        raise ChatError(msg)
    # mkstemp makes it readable for nobody else.
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    new = Path(name)
    try:
        with os.fdopen(number, "w", encoding="ascii") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if force:
            new.replace(path)
        else:
            # Unlike a rename it replaces nothing that has come in between.
            os.link(new, path)
    except FileExistsError as error:
        msg = f"{path} is there already: name another file, or replace it with --force"
        raise ChatError(msg) from error
    finally:
        new.unlink(missing_ok=True)


def import_from(address: str, tenant: str | None, path: Path) -> None:
    """Store what was exported."""

    async def step(store: MemoryStore) -> None:
        if str(path) == "-":
            count = await import_lines(store, sys.stdin, tenant=tenant)
        else:
            with path.open(encoding="utf-8") as file:
                count = await import_lines(store, file, tenant=tenant)
        Screen().note(f"imported {_turns(count)}")

    work(address, step, new=True)


def _turns(count: int) -> str:
    return "1 turn" if count == 1 else f"{count} turns"
