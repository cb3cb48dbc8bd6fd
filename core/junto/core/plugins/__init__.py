"""Names lead to plugins through entry points, and only when asked.

A package announces what it offers in its metadata, and junto's own plugins use nothing
else::

    [project.entry-points."junto.providers"]
    echo = "junto_echo:EchoModel"

    [project.entry-points."junto.api"]
    v1 = "junto.core"

The groups are ``junto.providers``, ``junto.advisors`` and ``junto.memory``; ``junto.api``
says which versions of the plugin API the distribution was written for, so that it can be
told without importing anything.  Listing plugins reads metadata; a plugin is imported when
its name is used, and importing it changes nothing: what is active is what was asked for.

Two variables of the environment are read each time:

* ``JUNTO_PLUGINS``: the distributions whose plugins may be used beside junto's own, with
  commas between them; empty for none, unset for all.
* ``JUNTO_STRICT_PLUGINS``: with ``1`` the first name that is looked up loads all plugins,
  and the first one that cannot be used is an error.
"""

from __future__ import annotations

from .found import API, KINDS, Kind, Plugin, installed, unknown_distributions
from .loading import check_all, load, load_all
from .resolving import place_advisor, resolve_advisor, resolve_model, resolve_store

__all__ = [
    "API",
    "KINDS",
    "Kind",
    "Plugin",
    "check_all",
    "installed",
    "load",
    "load_all",
    "place_advisor",
    "resolve_advisor",
    "resolve_model",
    "resolve_store",
    "unknown_distributions",
]
