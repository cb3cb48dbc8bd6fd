"""``-o key=value``: the fields of ChatOptions, typed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, cast, get_args, get_origin, get_type_hints

from junto.core import ChatOptions

__all__ = ["parse_options"]

_YES = {"true", "on", "yes", "1"}
_NO = {"false", "off", "no", "0"}
# Tools come with functions to run; a command line has none.
_NOT_HERE = {"tools"}


def parse_options(pairs: Iterable[str]) -> ChatOptions:
    """Options from ``key=value`` texts; ``stop`` may come several times.

    Raises:
        ValueError: An unknown key, or a value that does not fit; the text names the fix.
    """
    hints = {
        name: [kind for kind in get_args(hint) or (hint,) if kind is not NoneType]
        for name, hint in get_type_hints(ChatOptions).items()
        if name not in _NOT_HERE
    }
    hints["extra"] = [Mapping]
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        name = key.strip().replace("-", "_")
        if not equals:
            msg = f"{pair!r} is not key=value, as in top_p=0.8"
            raise ValueError(msg)
        if name not in hints:
            near = difflib.get_close_matches(name, hints, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "one of: " + ", ".join(sorted(hints))
            msg = f"{key!r} is not an option; {hint}"
            raise ValueError(msg)
        value = _typed(name, text, hints[name])
        values[name] = (*values.get(name, ()), *value) if isinstance(value, tuple) else value
    try:
        return ChatOptions(**values)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _typed(name: str, text: str, kinds: list[Any]) -> Any:
    if Mapping in [get_origin(kind) or kind for kind in kinds] and (
        str not in kinds or text.lstrip().startswith("{")
    ):
        return _json_object(name, text)
    if tuple in [get_origin(kind) for kind in kinds]:
        return (text,)
    if bool in kinds:
        word = text.strip().lower()
        if word not in _YES | _NO:
            msg = f"{name} is true or false, not {text!r}"
            raise ValueError(msg)
        return word in _YES
    for kind, words in ((int, "a whole number"), (float, "a number")):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                msg = f"{name} is {words}, not {text!r}"
                raise ValueError(msg) from None
    return text


def _json_object(name: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        msg = f"""{name} is a JSON object such as {{"key": "value"}}, not {text!r}"""
        raise ValueError(msg)  # noqa: TRY004  what the person typed is the wrong text
    return cast("dict[str, Any]", value)
