"""Which conversation, of whom; and what an id may hold, the same for every store."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any, TypeAlias

from attrs import frozen

__all__ = [
    "SUMMARY_PREFIX",
    "ConversationKey",
    "KeyLike",
    "check_conversation",
    "check_id",
    "check_key",
    "summaries_of",
]

_LONGEST_ID = 255
_NOT_IN_IDS = {"Cc", "Cf", "Cs"}


def check_id(value: object, name: str, *, empty: bool = False) -> str:
    """An id, if it can be one.

    Args:
        value: The id.
        name: What it is, for the error.
        empty: Whether it may be empty.

    Raises:
        ValueError: It has more than 255 characters or none, or holds control or format
            characters or lone surrogates.
        TypeError: It is no text.
    """
    if not isinstance(value, str):
        msg = f"{name} is a str, not {type(value).__name__}"
        raise TypeError(msg)
    if not (value or empty) or len(value) > _LONGEST_ID:
        msg = f"{name} has 1 to {_LONGEST_ID} characters, not {len(value)}"
        raise ValueError(msg)
    if value.isascii() and value.isprintable():
        return value
    for character in value:
        if unicodedata.category(character) in _NOT_IN_IDS:
            msg = f"{name} holds the character {character!a}, which it may not"
            raise ValueError(msg)
    return value


def check_conversation(conversation: object) -> str:
    """The id of a conversation, if it can be one.

    Raises:
        ValueError: There is none, it is longer than 255 characters, or it holds control
            or format characters or lone surrogates.
        TypeError: It is no text.
    """
    if conversation is None:
        msg = (
            "memory needs to know the conversation: pass conversation_id='…' with the "
            "question (there is no default, which all users would share)"
        )
        raise ValueError(msg)
    return check_id(conversation, "conversation_id")


@frozen(order=True)
class ConversationKey:
    """A conversation: its id, and the tenant that it belongs to.

    Ids are compared character by character: nothing is folded, trimmed or normalised.

    Attributes:
        conversation: 1 to 255 characters, none of them control or format characters or
            lone surrogates.
        tenant: The same; empty for an application without tenants.
    """

    conversation: str
    tenant: str = ""

    def digest(self) -> str:
        """64 hexadecimal digits that stand for it, where an id must not be seen.

        The tenant's length is part of what is hashed, so that no two keys can meet by
        moving characters from one id to the other.
        """
        tenant = self.tenant.encode()
        head = f"{len(tenant)}:".encode()
        return hashlib.sha256(head + tenant + self.conversation.encode()).hexdigest()


KeyLike: TypeAlias = ConversationKey | str
"""A conversation's key, or its bare id where there are no tenants."""


def check_key(key: KeyLike) -> ConversationKey:
    """The key, checked; a store calls this before anything else.

    Raises:
        ValueError: One of its ids cannot be.
        TypeError: It is no key, or one of its ids is no text.
    """
    given: Any = key
    if not isinstance(given, ConversationKey):
        return ConversationKey(check_conversation(given))
    check_conversation(given.conversation)
    check_id(given.tenant, "tenant", empty=True)
    return given


SUMMARY_PREFIX = "junto.summary."
"""What the ids of conversations begin with that hold only summaries of others."""


def summaries_of(key: KeyLike) -> ConversationKey:
    """The conversation in which the summaries of another one are kept.

    Whoever deletes a conversation deletes this one as well.
    """
    key = check_key(key)
    return ConversationKey(f"{SUMMARY_PREFIX}{key.digest()}", key.tenant)
