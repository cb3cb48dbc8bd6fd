"""How plugins are named: ``name``, ``name?key=value&key=value``, ``name:what``."""

from __future__ import annotations

import re

from attrs import frozen

from ..errors import PluginError

__all__ = ["Name", "parse_advisor", "parse_model", "parse_store"]

# A model's name may hold a question mark; parameters begin with a word and an equals sign.
_PARAMETERS = re.compile(r"\?(?=[A-Za-z_]\w*=)")


@frozen
class Name:
    """A name, taken apart.

    Attributes:
        plugin: The plugin's name.
        what: What stands behind the colon: a model, a file, an address; may be ``None``.
        pairs: The parameters, as they were written.
    """

    plugin: str
    what: str | None = None
    pairs: tuple[tuple[str, str], ...] = ()


def parse_advisor(text: str) -> Name:
    """``name`` or ``name?key=value``.

    Raises:
        PluginError: The parameters are not written like that.
    """
    plugin, _, query = text.partition("?")
    return Name(plugin, None, _pairs(plugin, query))


def parse_model(text: str) -> Name:
    """``provider``, ``provider:model``, and parameters behind either.

    Raises:
        PluginError: The parameters are not written like that.
    """
    head, *query = _PARAMETERS.split(text, maxsplit=1)
    plugin, colon, what = head.partition(":")
    return Name(plugin, what if colon else None, _pairs(plugin, *query))


def parse_store(text: str) -> Name:
    """As a provider's, or an address such as ``scheme://host/path?key=value``.

    An address is the plugin's to read, so it stays whole; its scheme is the plugin's name.

    Raises:
        PluginError: The parameters are not written like that.
    """
    plugin, _, rest = text.partition(":")
    if rest.startswith("//"):
        return Name(plugin, text)
    name = parse_model(text)
    return name if name.what else Name(name.plugin, None, name.pairs)


def _pairs(plugin: str, query: str = "") -> tuple[tuple[str, str], ...]:
    from urllib.parse import unquote  # Only where there are parameters, or nearly so.

    pairs: list[tuple[str, str]] = []
    for piece in query.split("&") if query else ():
        key, equals, value = piece.partition("=")
        if not equals or not key:
            msg = (
                f"parameter {key or piece!r} of {plugin!r} is not written key=value, as in "
                f"{plugin}?key=value&other=value"
            )
            raise PluginError(msg)
        pairs.append((unquote(key), unquote(value)))
    return tuple(pairs)
