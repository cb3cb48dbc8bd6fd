"""From a name to what it stands for."""

from __future__ import annotations

import inspect
from typing import Any, cast

from ..errors import PluginError
from ..hooks import Advisor, Placement
from ..model import ChatModel, as_model
from ..signatures import HOOKS
from .found import Plugin
from .loading import find_and_load
from .naming import Name, parse_advisor, parse_model, parse_store
from .parameters import arguments

__all__ = ["place_advisor", "resolve_advisor", "resolve_model", "resolve_store"]


def resolve_model(name: str) -> ChatModel:
    """The chat model that ``"provider:model"`` stands for.

    The part behind the first colon is given to the provider as its one argument by
    position; without a colon it is given none, and chooses its default.  Parameters may
    follow: ``"dashscope:qwq-plus?region=intl"``.

    Raises:
        PluginError: No such provider, or it cannot be imported or made so.
        ChatError: Whatever the provider itself says, unchanged.
    """
    parsed = parse_model(name)
    plugin, loaded = find_and_load("provider", parsed.plugin)
    ready = hasattr(loaded, "stream") or inspect.isasyncgenfunction(loaded)
    made = _made(plugin, loaded, parsed, ready=ready)
    try:
        return as_model(made)
    except TypeError as error:
        raise PluginError(f"{plugin} gave no chat model: {error}") from error


def resolve_advisor(name: str) -> Advisor:
    """A new advisor, as ``"name"`` or ``"name?key=value&key=value"`` stands for it.

    Raises:
        PluginError: No such advisor, or it cannot be imported or made so.
    """
    return cast("Advisor", place_advisor(name).advisor)


def place_advisor(name: str) -> Placement:
    """The same, with the plugin that it came from.

    Raises:
        PluginError: As :func:`resolve_advisor`.
    """
    parsed = parse_advisor(name)
    plugin, loaded = find_and_load("advisor", parsed.plugin)
    ready = inspect.isasyncgenfunction(loaded) or _has_hooks(loaded)
    made = _made(plugin, loaded, parsed, ready=ready)
    if isinstance(made, type | str) or not (callable(made) or _has_hooks(made)):
        raise PluginError(f"{plugin} gave no advisor, but {made!r}")
    given: Any = made
    return Placement(given, plugin=plugin)


def resolve_store(name: str) -> Any:
    """The memory store that a name or an address stands for.

    An address such as ``"sqlite:///chat.db"`` is given whole to the plugin of its scheme;
    of ``"name:what"`` it gets what stands behind the colon, and of ``"name"`` nothing.

    Raises:
        PluginError: No such store, or it cannot be imported or made so.
    """
    parsed = parse_store(name)
    plugin, loaded = find_and_load("memory", parsed.plugin)
    return _made(plugin, loaded, parsed, ready=hasattr(loaded, "load"))


def _made(plugin: Plugin, loaded: Any, name: Name, *, ready: bool) -> Any:
    """What was loaded makes it, or is it."""
    if ready and not isinstance(loaded, type):
        if name.what or name.pairs:
            raise PluginError(f"{plugin} is ready as it is, and takes no parameters")
        return loaded
    first = () if name.what is None else (name.what,)
    values = arguments(plugin, loaded, first, name.pairs)
    # What goes wrong in there is the plugin's to say.
    return loaded(*first, **values)


def _has_hooks(given: object) -> bool:
    return not isinstance(given, type) and any(
        callable(getattr(given, hook, None)) for hook in HOOKS
    )
