"""The commands of ``junto memory`` that look and delete."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from junto.core import ChatError, ToolCallPart
from junto.core.memory import (
    ALL,
    SUMMARY_PREFIX,
    ConversationKey,
    ManagedStore,
    MemoryStore,
    Turn,
    check_id,
    is_managed,
    path_to,
    summaries_of,
    turn_to_json,
)

from .memory_store import confirmed, emit, turns_of, work
from .screen import Screen

__all__ = ["prune_turns", "remove", "show_list", "show_turns"]


def show_list(address: str, tenant: str, *, as_json: bool) -> None:
    """List the conversations of a tenant."""

    async def step(store: MemoryStore) -> None:
        rows = [row for row in await _rows(store, tenant) if not _is_summary(row)]
        if as_json:
            emit(json.dumps(rows, indent=2, ensure_ascii=False))
            return
        if not rows:
            Screen().note("there are no conversations")
        for row in rows:
            turns = "1 turn" if row["turns"] == 1 else f"{row['turns']} turns"
            emit(f"{row['conversation']}  ({turns}, {_time(row['updated'])})")

    work(address, step)


async def _rows(store: MemoryStore, tenant: str) -> list[dict[str, Any]]:
    check_id(tenant, "tenant", empty=True)
    if is_managed(store):
        return [
            {"conversation": info.key.conversation, "turns": info.turns, "updated": info.updated}
            for info in await store.describe(tenant)
        ]
    rows: list[dict[str, Any]] = []
    for name in sorted(await store.conversations(tenant)):
        turns = await store.load(ConversationKey(name, tenant), ALL)
        updated = turns[-1].created if turns else None
        rows.append({"conversation": name, "turns": len(turns), "updated": updated})
    return rows


def _is_summary(row: dict[str, Any]) -> bool:
    return str(row["conversation"]).startswith(SUMMARY_PREFIX)


def show_turns(address: str, tenant: str, conversation: str, *, every: bool, as_json: bool) -> None:
    """Show the turns of a conversation: those that it goes on with, or every one."""

    async def step(store: MemoryStore) -> None:
        turns = await turns_of(store, tenant, conversation)
        turns = turns if every else path_to(turns)
        if as_json:
            bodies = [json.loads(turn_to_json(turn)) for turn in turns]
            emit(json.dumps(bodies, indent=2))
            return
        for place, turn in enumerate(turns):
            _show(turn, first=place == 0)

    work(address, step)


def _show(turn: Turn, *, first: bool) -> None:
    if not first:
        emit("")
    incomplete = "" if turn.complete else ", incomplete"
    after = "" if turn.parent is None else f", after {turn.parent or 'nothing'}"
    number = "" if turn.seq is None else f"{turn.seq}. "
    emit(f"{number}{turn.id}  ({_time(turn.created)}{incomplete}{after})")
    for message in turn.messages:
        calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
        said = [message.text, *(f"calls {call.name}({call.arguments})" for call in calls)]
        lines = "\n".join(text for text in said if text).splitlines()
        emit(f"  {message.role}:")
        for line in lines:
            emit(f"    {line}")


def remove(address: str, tenant: str, conversation: str, *, ask: bool) -> None:
    """Delete a conversation and its summaries."""

    async def step(store: MemoryStore) -> None:
        turns = await turns_of(store, tenant, conversation)
        count = "1 turn" if len(turns) == 1 else f"{len(turns)} turns"
        if ask and not confirmed(f"delete {conversation} with {count}?"):
            Screen().note("nothing is deleted")
            return
        key = ConversationKey(conversation, tenant)
        # The summaries first: whoever is interrupted here can ask again.
        await store.clear(summaries_of(key))
        await store.clear(key)
        Screen().note(f"deleted {conversation}: {count}")

    work(address, step)


def prune_turns(address: str, tenant: str | None, older_than: float, *, ask: bool) -> None:
    """Delete turns by age."""

    async def step(store: MemoryStore) -> None:
        managed = _managed(store)
        whose = "everybody's turns" if tenant is None else f"the turns of {tenant or 'no tenant'}"
        if ask and not confirmed(f"delete {whose} from before {_before(older_than)}?"):
            Screen().note("nothing is deleted")
            return
        count = await managed.prune(older_than, tenant=tenant)
        Screen().note(f"deleted {count} {'turn' if count == 1 else 'turns'}")

    work(address, step)


def _managed(store: MemoryStore) -> ManagedStore:
    if is_managed(store):
        return store
    msg = f"{store!r} cannot delete by age: it does not declare managed = True"
    raise ChatError(msg)


def _before(seconds: float) -> str:
    return _time(datetime.now(UTC).timestamp() - seconds)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "at an unknown time"
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return "a very long time ago"
