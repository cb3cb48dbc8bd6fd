"""The command ``junto memory edit``."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from attrs import evolve

from junto.core import AssistantMessage, ChatError, Message, TextPart, UserMessage
from junto.core.memory import (
    FIRST,
    ConversationKey,
    MemoryStore,
    Turn,
    branch,
    check_key,
)

from .memory_store import turns_of, work
from .screen import Screen

__all__ = ["edit_turn"]


def edit_turn(
    address: str,
    place: tuple[str, str],
    turn_id: str,
    *,
    question: str | None,
    answer: str | None,
    target: str | None,
) -> None:
    """Store a changed turn, as a branch or in another conversation.

    Args:
        address: The store's.
        place: Tenant and conversation.
        turn_id: Which turn, by its id or its number.
        question: What was asked instead.
        answer: What was answered instead.
        target: The other conversation.
    """
    tenant, conversation = place

    async def step(store: MemoryStore) -> None:
        turns = await turns_of(store, tenant, conversation)
        at = _find(turns, turn_id)
        old = turns[at]
        before = old.parent if old.parent is not None else turns[at - 1].id if at else FIRST
        changed = _changed(old, question, answer)
        key = ConversationKey(conversation, tenant)
        if target is None:
            await store.append(key, evolve(changed, parent=before))
            Screen().note(f"{conversation} goes on with the turn {changed.id}")
            return
        new = check_key(ConversationKey(target, tenant))
        if await store.load(new, 1):
            msg = f"there is a conversation {target!r} already: name a new one"
            raise ChatError(msg)
        if before != FIRST:
            await branch(store, key, before, new)
        await store.append(new, evolve(changed, parent=None))
        Screen().note(f"{target} goes on with the turn {changed.id}")

    work(address, step)


def _find(turns: Sequence[Turn], turn_id: str) -> int:
    for i, turn in enumerate(turns):
        if turn.id == turn_id:
            return i
    for i, turn in enumerate(turns):
        if str(turn.seq) == turn_id:
            return i
    msg = f"there is no turn {turn_id!r}: `junto memory show` lists them"
    raise ChatError(msg)


def _changed(turn: Turn, question: str | None, answer: str | None) -> Turn:
    given, said = list(turn.input), list(turn.output)
    if question is not None:
        asked = [i for i, message in enumerate(given) if isinstance(message, UserMessage)]
        if not asked:
            raise ChatError("the turn has no question: it begins with results of tools")
        given[asked[0]] = _with_text(given[asked[0]], question)
    if answer is not None:
        answered = [i for i, message in enumerate(said) if isinstance(message, AssistantMessage)]
        if answered:
            said[answered[-1]] = _with_text(said[answered[-1]], answer)
        else:
            said.append(AssistantMessage(answer))
    return evolve(
        turn,
        id=uuid.uuid4().hex,
        input=given,
        output=said,
        seq=None,
        created=None,
        metadata={**turn.metadata, "edited_from": turn.id},
    )


def _with_text(message: Message, text: str) -> Message:
    """The message with another text, and its other parts as they were."""
    others = [part for part in message.parts if not isinstance(part, TextPart)]
    return evolve(message, parts=[TextPart(text), *others])
