"""Conversation memory: what a turn is, how it is written down, and what a store promises.

The ready-made stores and the advisors that use them are in :mod:`junto.advisors`.
"""

from __future__ import annotations

from .codec import TURN_VERSION, hash_input, turn_from_json, turn_to_json
from .key import (
    SUMMARY_PREFIX,
    ConversationKey,
    KeyLike,
    check_conversation,
    check_id,
    check_key,
    summaries_of,
)
from .store import (
    ConversationInfo,
    Lease,
    LeasedStore,
    ManagedStore,
    MemoryStore,
    check_store,
    has_leases,
    is_managed,
)
from .transfer import ALL, branch, export_lines, import_lines
from .turn import FIRST, Turn, TurnStatus, path_to
from .vectors import (
    Recalled,
    RecallScope,
    VectorRecord,
    VectorStore,
    check_vector_store,
    unit_vector,
)

__all__ = [
    "ALL",
    "FIRST",
    "SUMMARY_PREFIX",
    "TURN_VERSION",
    "ConversationInfo",
    "ConversationKey",
    "KeyLike",
    "Lease",
    "LeasedStore",
    "ManagedStore",
    "MemoryStore",
    "RecallScope",
    "Recalled",
    "Turn",
    "TurnStatus",
    "VectorRecord",
    "VectorStore",
    "branch",
    "check_conversation",
    "check_id",
    "check_key",
    "check_store",
    "check_vector_store",
    "export_lines",
    "has_leases",
    "hash_input",
    "import_lines",
    "is_managed",
    "path_to",
    "summaries_of",
    "turn_from_json",
    "turn_to_json",
    "unit_vector",
]
