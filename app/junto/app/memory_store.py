"""The store that a command of ``junto memory`` works on, and what all of them say alike."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import click

from junto.advisors import open_store
from junto.core import ChatError
from junto.core.memory import ALL, ConversationKey, MemoryStore, Turn, check_id, check_key

from .failures import failures
from .screen import OutputError, Screen, plain

__all__ = ["confirmed", "emit", "opened", "turns_of", "work"]

T = TypeVar("T")

_FILE = "sqlite:///"


@asynccontextmanager
async def opened(address: str, *, new: bool = False) -> AsyncGenerator[MemoryStore]:
    """The store at an address, closed in the end.

    Args:
        address: The address.
        new: Whether a file may be made.

    Raises:
        ValueError: It is no address, or of nothing that is there.
    """
    _check(address, new=new)
    store = open_store(address)
    try:
        yield store
    finally:
        close: Any = getattr(store, "aclose", None)
        if close is not None:
            await close()


def _check(address: str, *, new: bool) -> None:
    if address.lower().startswith("memory:"):
        msg = "memory: ends with this command: name a store that lasts, as sqlite:///chat.db"
        raise ValueError(msg)
    if not new and address.lower().startswith(_FILE):
        # SQLite would make it, and a wrong name look like a store without conversations.
        path = Path(unquote(address[len(_FILE) :]))
        if not path.exists():
            msg = f"there is no file {path}"
            raise ValueError(msg)


def work(
    address: str, step: Callable[[MemoryStore], Coroutine[Any, Any, T]], *, new: bool = False
) -> T:
    """Do something with a store; what goes wrong becomes a line and an exit code."""

    async def run() -> T:
        async with opened(address, new=new) as store:
            return await step(store)

    with failures(Screen(), details=False):
        return asyncio.run(run())
    raise AssertionError  # pragma: no cover  failures() exits


async def turns_of(store: MemoryStore, tenant: str, conversation: str) -> list[Turn]:
    """All turns of a conversation.

    Raises:
        ChatError: There are none.
    """
    check_id(tenant, "tenant", empty=True)
    turns = list(await store.load(check_key(ConversationKey(conversation, tenant)), ALL))
    if not turns:
        msg = f"there is no conversation {conversation!r}"
        raise ChatError(msg)
    return turns


def emit(text: str) -> None:
    """Write a line to standard output.

    Raises:
        OutputError: Nobody reads any more.
    """
    try:
        click.echo(plain(text))
    except OSError as error:
        raise OutputError(str(error)) from error


def confirmed(question: str) -> bool:
    """Whether the person says yes.

    Raises:
        ValueError: There is nobody to ask.
    """
    if not sys.stdin.isatty():
        msg = "there is no terminal to ask at: --yes does it without asking"
        raise ValueError(msg)
    return click.confirm(plain(question), err=True)
