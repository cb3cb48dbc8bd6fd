"""For tests of pipelines and plugins: stand-ins that need no network."""

from __future__ import annotations

from .scripted import Script, ScriptedModel, Step

__all__ = ["Script", "ScriptedModel", "Step"]
