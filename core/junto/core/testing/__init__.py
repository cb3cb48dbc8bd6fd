"""For tests of pipelines and plugins: stand-ins that need no network.

Only what is a fixture or a class of tests needs pytest, and is loaded when asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .embeddings import ScriptedEmbeddings
from .network import NetworkForbiddenError, forbid_network
from .recording import Recorded, RecordingAdvisor
from .scripted import Script, ScriptedModel, Step
from .steps import Pause, Sizes, batches, cut, hang, recut
from .validator import EventStreamError, validate_events, validate_stream

if TYPE_CHECKING:
    from .contract import AdvisorContract
    from .fixtures import no_network
    from .provider_contract import ProviderContract
    from .stores import MemoryContract
    from .wire import (
        Asked,
        Blank,
        CallPiece,
        ChatCompletions,
        DashScopeNative,
        Dialect,
        Failure,
        Frame,
        Sent,
        SentMessage,
    )

__all__ = [
    "AdvisorContract",
    "Asked",
    "Blank",
    "CallPiece",
    "ChatCompletions",
    "DashScopeNative",
    "Dialect",
    "EventStreamError",
    "Failure",
    "Frame",
    "MemoryContract",
    "NetworkForbiddenError",
    "Pause",
    "ProviderContract",
    "Recorded",
    "RecordingAdvisor",
    "Script",
    "ScriptedEmbeddings",
    "ScriptedModel",
    "Sent",
    "SentMessage",
    "Sizes",
    "Step",
    "batches",
    "cut",
    "forbid_network",
    "hang",
    "no_network",
    "recut",
    "validate_events",
    "validate_stream",
]


_LATE = {
    "AdvisorContract": ".contract",
    "MemoryContract": ".stores",
    "ProviderContract": ".provider_contract",
    "no_network": ".fixtures",
    **dict.fromkeys(
        (
            "Asked",
            "Blank",
            "CallPiece",
            "ChatCompletions",
            "DashScopeNative",
            "Dialect",
            "Failure",
            "Frame",
            "Sent",
            "SentMessage",
        ),
        ".wire",
    ),
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(_LATE[name], __name__), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
