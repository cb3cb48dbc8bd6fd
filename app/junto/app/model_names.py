"""What may stand after ``--model``."""

from __future__ import annotations

import difflib
import os

from junto.core import PluginError
from junto.core.plugins import installed

__all__ = ["DEFAULT", "full_name", "local_part"]

DEFAULT = "local"


def full_name(text: str) -> str:
    """``provider:model`` for what the person typed.

    A GGUF file's path and the name of a local model need no ``local:`` in front.

    Raises:
        PluginError: It is none of these; the text names the nearest.
    """
    providers = {plugin.name for plugin in installed() if plugin.kind == "provider"}
    provider, colon, _ = text.partition(":")
    if provider in providers:
        return text
    if text.lower().endswith(".gguf") or text.startswith("~") or os.sep in text:
        return f"local:{text}"
    names = _local_names()
    if text in names:
        return f"local:{text}"
    if colon:
        return text  # the core says what is wrong with the provider's name
    near = [name for name in names if name.startswith(text)]
    near = near or difflib.get_close_matches(text, [*names, *providers], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`junto models` lists what there is;"
    others = ", ".join(sorted(providers - {"local"}))
    msg = f"there is no local model {text!r}; {hint} others are named provider:model ({others})"
    raise PluginError(msg)


def local_part(name: str) -> str | None:
    """The local model in a full name: empty for the default, ``None`` for other providers."""
    provider, _, model = name.partition(":")
    return model if provider == "local" else None


def _local_names() -> list[str]:
    from junto.providers.local import CATALOGUE, installed

    return list(dict.fromkeys([*CATALOGUE, *(model.name for model in installed())]))
