"""For tests of pipelines and plugins: stand-ins that need no network."""

from __future__ import annotations

from .scripted import Script, ScriptedModel, Step
from .steps import Pause, Sizes, batches, cut, hang, recut

__all__ = [
    "Pause",
    "Script",
    "ScriptedModel",
    "Sizes",
    "Step",
    "batches",
    "cut",
    "hang",
    "recut",
]
