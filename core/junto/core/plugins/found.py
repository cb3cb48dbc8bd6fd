"""What is installed, as the distributions' metadata has it.  Nothing is imported here."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import evolve, field, frozen

from .._near import nearest
from ..errors import PluginError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "API",
    "KINDS",
    "Kind",
    "Plugin",
    "api_problem",
    "find",
    "installed",
    "unknown_distributions",
]

API: Final = 1
"""The version of the plugin API: what providers, advisors and stores may rely on."""

_OLDEST = 1  # still understood

Kind: TypeAlias = Literal["provider", "advisor", "memory"]

KINDS: Final[dict[Kind, str]] = {
    "provider": "junto.providers",
    "advisor": "junto.advisors",
    "memory": "junto.memory",
}
"""The kinds of plugins, and the groups of entry points that announce them."""

_TITLES: Final[dict[Kind, str]] = {
    "provider": "a provider",
    "advisor": "an advisor",
    "memory": "a memory store",
}
_API_GROUP = "junto.api"
_OWN = "junto"


@frozen(kw_only=True)
class Plugin:
    """A plugin, as its distribution announces it.

    Attributes:
        kind: ``"provider"``, ``"advisor"`` or ``"memory"``.
        name: The name by which it is asked for.
        value: Where it is, as ``"package.module:Class"``.
        distribution: The distribution that brings it.
        version: The distribution's version.
        api: The versions of the plugin API that the distribution declares; empty where it
            declares none, which counts as the first.
        problem: Why it cannot be used, as far as that is known without importing it.
        is_left_out: ``JUNTO_PLUGINS`` does not allow it; that is its problem then.
    """

    kind: Kind
    name: str
    value: str
    distribution: str
    version: str
    api: tuple[int, ...] = ()
    problem: str = ""
    is_left_out: bool = False
    entry: EntryPoint = field(repr=False, eq=False)

    @property
    def origin(self) -> str:
        """The distribution and its version."""
        return f"{self.distribution} {self.version}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} ({self.origin})"


_cache: dict[tuple[str, ...], tuple[Plugin, ...]] = {}


def installed(*, anew: bool = False) -> tuple[Plugin, ...]:
    """All plugins that are installed, by kind and name, with what is wrong with them.

    Args:
        anew: Read the metadata again; otherwise that is done once, until the path changes.
    """
    path = tuple(sys.path)
    found = None if anew else _cache.get(path)
    if found is None:
        found = _read()
        _cache.clear()
        _cache[path] = found
    return _judged(found)


def find(kind: Kind, name: str) -> Plugin:
    """The plugin of that name.

    Raises:
        PluginError: There is none, it may not be used, or it is offered twice.
    """
    named = _named(kind, name, installed())
    if not named:
        # It may have been installed since; what is missing is worth a second look.
        named = _named(kind, name, installed(anew=True))
    if not named:
        raise PluginError(_unknown(kind, name, installed()))
    if named[0].problem:
        raise PluginError(named[0].problem)
    return named[0]


def unknown_distributions() -> list[str]:
    """What ``JUNTO_PLUGINS`` names and what offers no plugin, as it is written there."""
    here = {_normal(plugin.distribution) for plugin in installed()}
    allowed = _allowed() or {}
    return [written for name, written in allowed.items() if name not in here]


def api_problem(plugin: Plugin, versions: Iterable[int]) -> str:
    """Why a plugin that was written for these versions of the API cannot be used, or nothing."""
    wanted = sorted(versions)
    if not wanted or any(_OLDEST <= version <= API for version in wanted):
        return ""
    written = " and ".join(map(str, wanted))
    here = f"{API}" if _OLDEST == API else f"{_OLDEST} to {API}"
    head = f"{plugin} was written for junto's plugin API {written}, and this junto has API {here}"
    if wanted[-1] > API:
        return f"{head}: install a newer junto (pip install --upgrade junto)"
    return (
        f"{head}: install a newer {plugin.distribution} "
        f"(pip install --upgrade {plugin.distribution}), or the junto that it was written for"
    )


def _named(kind: Kind, name: str, plugins: Sequence[Plugin]) -> list[Plugin]:
    found = [plugin for plugin in plugins if plugin.kind == kind and plugin.name == name]
    # One that may be used stands in front of one that is left out.
    return sorted(found, key=lambda plugin: plugin.is_left_out)


def _unknown(kind: Kind, name: str, plugins: Sequence[Plugin]) -> str:
    names = sorted({p.name for p in plugins if p.kind == kind and not p.is_left_out})
    others: list[Kind] = [p.kind for p in plugins if p.name == name]
    near = nearest(name, names)
    if near:
        hint = f"did you mean {near!r}?"
    elif others:
        hint = f"{name!r} is the name of {_TITLES[others[0]]}"
    else:
        head = "write provider:model, with a provider of" if kind == "provider" else "there are"
        hint = f"{head} {', '.join(names) or 'none'} (`junto plugins` lists all)"
    return f"there is no {_TITLES[kind].split(maxsplit=1)[1]} {name!r}; {hint}"


def _read() -> tuple[Plugin, ...]:
    from importlib.metadata import entry_points  # A fifth of what junto.core takes to import.

    entries = entry_points()
    versions: dict[str, list[int]] = {}
    for entry in entries.select(group=_API_GROUP):
        if entry.dist is not None and (number := re.fullmatch(r"v(\d{1,6})", entry.name)):
            versions.setdefault(entry.dist.name, []).append(int(number[1]))
    found: list[Plugin] = []
    for kind, group in KINDS.items():
        for entry in sorted(entries.select(group=group), key=lambda entry: entry.name):
            distribution = entry.dist.name if entry.dist is not None else "unknown"
            plugin = Plugin(
                kind=kind,
                name=entry.name,
                value=entry.value,
                distribution=distribution,
                version=entry.dist.version if entry.dist is not None else "",
                api=tuple(sorted(versions.get(distribution, ()))),
                entry=entry,
            )
            found.append(plugin)
    return tuple(found)


def _judged(plugins: Iterable[Plugin]) -> tuple[Plugin, ...]:
    allowed = _allowed()
    judged: list[Plugin] = []
    usable: dict[tuple[str, str], list[Plugin]] = {}
    for plugin in plugins:
        name = _normal(plugin.distribution)
        if allowed is None or name == _OWN or name in allowed:
            judged.append(evolve(plugin, problem=api_problem(plugin, plugin.api)))
            usable.setdefault((plugin.kind, plugin.name), []).append(plugin)
        else:
            fix = f"add {plugin.distribution} there to use it"
            msg = f"{plugin} is left out by JUNTO_PLUGINS: {fix}"
            judged.append(evolve(plugin, problem=msg, is_left_out=True))
    for i, plugin in enumerate(judged):
        twins = usable.get((plugin.kind, plugin.name), ())
        if len(twins) > 1 and not plugin.is_left_out:
            judged[i] = evolve(plugin, problem=_twice(twins))
    return tuple(judged)


def _twice(twins: Sequence[Plugin]) -> str:
    offers = " and ".join(f"{plugin.origin} ({plugin.value})" for plugin in twins)
    first = twins[0]
    return (
        f"{first.kind} {first.name!r} is offered more than once, by {offers}: uninstall all but "
        "one, or name in JUNTO_PLUGINS the distributions to use"
    )


def _allowed() -> dict[str, str] | None:
    """The distributions that ``JUNTO_PLUGINS`` names; ``None`` where it is unset."""
    written = os.environ.get("JUNTO_PLUGINS")
    if written is None:
        return None
    return {_normal(name): name.strip() for name in written.split(",") if name.strip()}


def _normal(distribution: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()
