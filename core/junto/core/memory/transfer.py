"""Out of a store and into one, by the four methods that every store has."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from attrs import evolve

from ..store_errors import StoreFormatError
from .codec import turn_from_json, turn_to_json
from .key import ConversationKey, KeyLike, check_id, check_key
from .store import MemoryStore
from .turn import Turn, path_to

__all__ = ["ALL", "branch", "export_lines", "import_lines"]

ALL = 1_000_000_000
"""As a limit: every turn."""


async def export_lines(
    store: MemoryStore, *, tenant: str = "", conversation: str | None = None
) -> AsyncIterator[str]:
    """Conversations as JSON lines, without line ends: one for each turn, in their order.

    Args:
        store: From where.
        tenant: Whose.
        conversation: Which; ``None`` for all.
    """
    check_id(tenant, "tenant", empty=True)
    names = await store.conversations(tenant) if conversation is None else [conversation]
    for name in names:
        key = check_key(ConversationKey(name, tenant))
        for turn in await store.load(key, ALL):
            yield export_line(key, turn)


def export_line(key: ConversationKey, turn: Turn) -> str:
    """One turn as a line."""
    head = json.dumps({"tenant": key.tenant, "conversation": key.conversation})
    return f'{head[:-1]}, "turn": {turn_to_json(turn)}}}'


async def import_lines(
    store: MemoryStore, lines: Iterable[str], *, tenant: str | None = None
) -> int:
    """Store what was exported; turns whose ids are there change nothing.

    Args:
        store: Where to.
        lines: The lines; empty ones are passed over.
        tenant: Whose they are to be, instead of who is named there.

    Returns:
        How many lines have been read.

    Raises:
        StoreFormatError: A line is none; the ones before it are stored.
    """
    count = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            body: Any = json.loads(line)
            whose = body["tenant"] if tenant is None else tenant
            key = check_key(ConversationKey(body["conversation"], whose))
            turn = turn_from_json(json.dumps(body["turn"]))
        except (LookupError, TypeError, ValueError, RecursionError, StoreFormatError) as error:
            msg = f"line {number} is no exported turn: {error}"
            raise StoreFormatError(msg) from error
        await store.append(key, turn)
        count += 1
    return count


async def branch(store: MemoryStore, source: KeyLike, turn_id: str, target: KeyLike) -> int:
    """Copy the turns that lead to one of them, and that one, into another conversation.

    Returns:
        How many turns were copied.

    Raises:
        LookupError: There is no such turn.
    """
    turns = path_to(await store.load(check_key(source), ALL), turn_id)
    if not turns:
        msg = f"there is no turn {turn_id!r} in this conversation"
        raise LookupError(msg)
    key = check_key(target)
    for turn in turns:
        await store.append(key, evolve(turn, parent=None))
    return len(turns)
