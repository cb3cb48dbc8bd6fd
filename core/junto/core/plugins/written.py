"""Text for a value of a type that can be written: numbers, words, yes and no, none, lists."""

from __future__ import annotations

import inspect
import types
from collections import abc
from collections.abc import Iterator, Sequence
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Required,
    TypeAlias,
    Union,
    get_args,
    get_origin,
)

from ..errors import clean_text

__all__ = ["NotWritable", "Unfit", "choices_of", "leaves_of", "read", "words_of"]

_NONE = {"none", "null"}
_YES = {"true", "yes", "on", "1"}
_NO = {"false", "no", "off", "0"}

_WRAPPERS: Final[tuple[Any, ...]] = (Annotated, Required, NotRequired)
_UNIONS: Final[tuple[Any, ...]] = (Union, types.UnionType)
_LISTS: Final[dict[Any, Any]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    **dict.fromkeys((tuple, abc.Iterable, abc.Collection, abc.Sequence), tuple),
    abc.Set: frozenset,
}

Leaves: TypeAlias = "tuple[Any, ...]"
"""The members of a type that can be written; the more particular ones first."""


class NotWritable(Exception):  # noqa: N818  no failure: the caller says what it means
    """A type of which nothing can be written."""


class Unfit(Exception):  # noqa: N818  the same
    """A text that stands for nothing of the type; the message is the text, to be shown."""


def leaves_of(hint: Any, default: Any = inspect.Parameter.empty) -> Leaves:
    """What can be written for a type.

    Args:
        hint: The evaluated annotation; ``inspect.Parameter.empty`` where there is none.
        default: Tells the type where there is no annotation.

    Raises:
        NotWritable: Nothing can.
    """
    untyped: tuple[Any, ...] = (inspect.Parameter.empty, Any, object)
    if hint in untyped:
        known = isinstance(default, bool | int | float)
        return (type(default),) if known else (str,)
    flat = list(_flat(hint))
    found = [leaf for leaf in flat if _rank(leaf) is not None]
    # Of `Store | None`, none alone is not worth a parameter.
    if found == [type(None)] != flat or not found:
        raise NotWritable
    return tuple(sorted(found, key=lambda leaf: _rank(leaf) or 0))


def read(texts: Sequence[str], leaves: Leaves) -> Any:
    """The value that a text stands for, or several texts for a list.

    Raises:
        Unfit: There is none.
    """
    for leaf in leaves:
        if (make := _LISTS.get(get_origin(leaf))) is not None:
            return make(read([text], _inner(leaf)) for text in texts)
        if len(texts) == 1:
            found = _read_one(texts[0], leaf)
            if found is not _NOTHING:
                return found
    raise Unfit(repr(clean_text(texts[0], 60)) if len(texts) == 1 else f"{len(texts)} values")


def words_of(leaves: Leaves) -> str:
    """What can be written, in words."""
    return " or ".join(filter(None, map(_word, leaves)))


def choices_of(leaves: Leaves) -> list[str]:
    """The words that can be written, where there are such."""
    literals = [get_args(leaf) for leaf in leaves if _rank(leaf) == _LITERAL]
    return [str(value) for values in literals for value in values]


def _flat(hint: Any) -> Iterator[Any]:
    origin: Any = get_origin(hint)
    if origin in _UNIONS:
        for member in get_args(hint):
            yield from _flat(member)
    elif origin in _WRAPPERS:
        yield from _flat(get_args(hint)[0])
    elif hasattr(hint, "__supertype__"):  # a NewType
        yield from _flat(hint.__supertype__)
    elif type(hint).__name__ == "TypeAliasType":  # `type X = …`, from 3.12 on
        yield from _flat(hint.__value__)
    else:
        yield hint


_LITERAL = 1


def _rank(leaf: Any) -> int | None:
    """Which is tried first; ``None`` for what cannot be written."""
    origin: Any = get_origin(leaf)
    if origin in _LISTS:
        return 6 if any(_rank(entry) is not None for entry in _flat(_entry(leaf))) else None
    if origin is Literal:
        return _LITERAL
    order: dict[Any, int] = {type(None): 0, int: 2, float: 3, bool: 4, str: 5}
    return order.get(leaf) if isinstance(leaf, type) else None


def _inner(leaf: Any) -> Leaves:
    """What can be written for one entry of a list."""
    return leaves_of(_entry(leaf))


def _entry(leaf: Any) -> Any:
    return next(iter(get_args(leaf)), str)


_NOTHING = object()


def _read_one(text: str, leaf: Any) -> Any:
    word = text.strip().lower()
    if leaf is str:
        return text
    if leaf is type(None):
        return None if word in _NONE else _NOTHING
    if leaf is bool:
        return word in _YES if word in _YES | _NO else _NOTHING
    if get_origin(leaf) is Literal:
        same = [value for value in get_args(leaf) if text == str(value) or word == _lower(value)]
        return same[0] if same else _NOTHING
    try:
        return leaf(text)
    except ValueError:
        return _NOTHING


def _lower(value: object) -> str | None:
    return str(value).lower() if value is None or isinstance(value, bool) else None


def _word(leaf: Any) -> str:
    if get_origin(leaf) is Literal:
        return " or ".join(repr(value) for value in get_args(leaf))
    if get_origin(leaf) in _LISTS:
        return f"a list (key=one&key=two), each {words_of(_inner(leaf))}"
    words: dict[Any, str] = {
        type(None): "none",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "text",
    }
    return words[leaf]
