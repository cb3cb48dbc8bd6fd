"""Importing plugins, and what is said of those that cannot be imported."""

from __future__ import annotations

import os
import sys
from typing import Any

from .._logging import Logger, get_logger, told_of
from ..errors import ChatError, PluginError
from .found import Kind, Plugin, api_problem, find, installed, unknown_distributions

__all__ = ["check_all", "find_and_load", "load", "load_all"]

log: Logger = get_logger("junto.plugins")

# What tells an object that is ready to be used from one that makes it.
_METHODS: dict[Kind, tuple[str, ...]] = {
    "provider": ("stream",),
    "advisor": (),
    "memory": ("load", "append"),
}
_checked: list[object] = []


def load(plugin: Plugin) -> Any:
    """Import a plugin: a class or a function that makes it, or the thing itself.

    The version of the API is looked at twice: in the metadata, before anything is
    imported, and in the attribute ``api`` of what was imported.

    Raises:
        PluginError: It cannot be used; the text says why and what to do.
        ChatError: What the plugin itself says, such as a missing extra.
    """
    if plugin.problem:
        raise PluginError(plugin.problem)
    try:
        loaded: Any = plugin.entry.load()
    except ChatError:
        raise
    except (Exception, SystemExit) as error:
        # Whatever a foreign module raises when it is imported, its name belongs to it.
        msg = (
            f"{plugin} cannot be loaded from {plugin.value}: {type(error).__name__}: {error} "
            "(`junto plugins --check` shows where)"
        )
        raise PluginError(msg) from error
    if not (callable(loaded) or all(hasattr(loaded, name) for name in _METHODS[plugin.kind])):
        msg = f"{plugin} is {type(loaded).__name__}, and nothing that makes one: see {plugin.value}"
        raise PluginError(msg)
    declared: object = getattr(loaded, "api", None)
    if isinstance(declared, int) and not isinstance(declared, bool):
        problem = api_problem(plugin, [declared])
        if not problem and plugin.api and declared not in plugin.api:
            problem = (
                f"{plugin} declares plugin API {declared} in {plugin.value} and "
                f"{' and '.join(map(str, plugin.api))} in its metadata: its author has to make "
                "the two agree"
            )
        if problem:
            raise PluginError(problem)
    return loaded


def find_and_load(kind: Kind, name: str) -> tuple[Plugin, Any]:
    """The plugin of that name, and what was imported.

    Raises:
        PluginError: There is none, or it cannot be used; with ``JUNTO_STRICT_PLUGINS=1``
            also if any other cannot be.
    """
    if _is_strict():
        _check_once()
    plugin = find(kind, name)
    return plugin, load(plugin)


def check_all(kind: Kind | None = None) -> list[tuple[Plugin, Exception | None]]:
    """Import every plugin that may be used, and say which cannot be.

    Those that ``JUNTO_PLUGINS`` leaves out are not among them.
    """
    checked: list[tuple[Plugin, Exception | None]] = []
    for plugin in installed():
        if plugin.is_left_out or (kind is not None and plugin.kind != kind):
            continue
        try:
            load(plugin)
        except ChatError as error:
            checked.append((plugin, error))
        else:
            checked.append((plugin, None))
    return checked


def load_all(kind: Kind) -> dict[str, Any]:
    """What every plugin of a kind is, by name; one that cannot be loaded is left out.

    That costs one line in the log, at the level of warnings.

    Raises:
        PluginError: One cannot be loaded, and ``JUNTO_STRICT_PLUGINS`` is ``1``.
    """
    found: dict[str, Any] = {}
    for plugin, error in check_all(kind):
        if error is None:
            found[plugin.name] = load(plugin)
        elif _is_strict():
            raise error
        else:
            log.warning(
                "plugin.failed",
                kind=plugin.kind,
                name=plugin.name,
                distribution=plugin.distribution,
                version=plugin.version,
                **told_of(error.__cause__ or error),
            )
    return found


def _is_strict() -> bool:
    return os.environ.get("JUNTO_STRICT_PLUGINS", "") not in {"", "0"}


def _check_once() -> None:
    """Load all plugins, once for what is installed, and raise for the first that fails."""
    state = (tuple(sys.path), installed())
    if state in _checked:
        return
    unknown = unknown_distributions()
    if unknown:
        msg = f"JUNTO_PLUGINS names {unknown[0]!r}, which is not installed or offers no plugin"
        raise PluginError(msg)
    for _, error in check_all():
        if error is not None:
            raise error
    _checked[:] = [state]
