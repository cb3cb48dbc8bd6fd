"""For tests of pipelines and plugins: stand-ins that need no network.

Only what is a fixture or a class of tests needs pytest, and is loaded when asked for.
"""

from __future__ import annotations

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
    from .stores import MemoryContract

__all__ = [
    "AdvisorContract",
    "EventStreamError",
    "MemoryContract",
    "NetworkForbiddenError",
    "Pause",
    "Recorded",
    "RecordingAdvisor",
    "Script",
    "ScriptedEmbeddings",
    "ScriptedModel",
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


def __getattr__(name: str) -> Any:
    if name == "AdvisorContract":
        from .contract import AdvisorContract

        return AdvisorContract
    if name == "MemoryContract":
        from .stores import MemoryContract

        return MemoryContract
    if name == "no_network":
        from .fixtures import no_network

        return no_network
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
