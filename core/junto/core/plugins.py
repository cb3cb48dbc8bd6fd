"""Names lead to plugins through entry points, and only when asked.

A package announces a provider as ``[project.entry-points."junto.providers"]`` with
``name = "package.module:Class"``.  Nothing is imported until somebody uses the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._near import nearest
from .errors import ChatError, PluginError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .model import ChatModel

__all__ = ["resolve_model"]

_PROVIDERS = "junto.providers"


def resolve_model(name: str) -> ChatModel:
    """The chat model that ``"provider:model"`` stands for.

    The part after the first colon is given to the provider as its one argument; without
    a colon the provider is called with none, and chooses its default.

    Raises:
        PluginError: No such provider, or it cannot be imported or made.
        ChatError: Whatever the provider itself says, unchanged.
    """
    provider, colon, model = name.partition(":")
    factory = _load(_PROVIDERS, provider)
    try:
        made = factory(model) if colon else factory()
    except (ChatError, ValueError):
        raise
    except TypeError as error:
        example = f"{provider}:MODEL"
        msg = f"provider {provider!r} cannot be made from {name!r} (try {example!r}): {error}"
        raise PluginError(msg) from error
    return made  # type: ignore[no-any-return]  # a plugin's class, known by contract only


def _load(group: str, name: str) -> Any:
    from importlib.metadata import entry_points  # A fifth of what junto.core takes to import.

    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        other = found.get(entry.name)
        if other is not None and other.value != entry.value and entry.name == name:
            msg = f"{name!r} is offered twice in {group}, by {_origin(other)} and {_origin(entry)}"
            raise PluginError(msg)
        found[entry.name] = entry
    entry_point = found.get(name)
    if entry_point is None:
        near = nearest(name, found)
        hint = (
            f"did you mean {near!r}?"
            if near
            else f"write provider:model, with a provider of {', '.join(sorted(found))}"
        )
        msg = f"there is no plugin {name!r} in {group}; {hint}"
        raise PluginError(msg)
    try:
        return entry_point.load()
    except ChatError:
        raise
    except (ImportError, AttributeError) as error:
        msg = f"plugin {name!r} ({entry_point.value}) cannot be loaded: {error}"
        raise PluginError(msg) from error


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name if entry.dist else 'an unknown distribution'} ({entry.value})"
