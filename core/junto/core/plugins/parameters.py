"""Parameters in a name, typed by the annotations of what they are for."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any, Unpack, get_args, get_origin, get_type_hints

from attrs import frozen

from .._near import nearest
from ..errors import PluginError
from .found import Plugin
from .written import NotWritable, Unfit, choices_of, leaves_of, read, words_of

__all__ = ["arguments"]

_Pairs = Sequence[tuple[str, str]]


def arguments(
    plugin: Plugin, factory: Callable[..., Any], first: Sequence[str], pairs: _Pairs
) -> Mapping[str, Any]:
    """The keyword arguments that the parameters of a name stand for.

    Args:
        plugin: Whose they are, for the text of errors.
        factory: What is going to be called.
        first: What it is given by position.
        pairs: The parameters, as text; one that comes several times is a list.

    Raises:
        PluginError: A parameter does not exist or does not fit, or one is missing.
    """
    signature = _signature(factory)
    if signature is None:
        if pairs:
            msg = f"{plugin} does not say which parameters it takes, so a name can give it none"
            raise PluginError(msg)
        return {}
    callee = _Callee(plugin, factory, signature, len(first))
    given: dict[str, list[str]] = {}
    for key, text in pairs:
        given.setdefault(key, []).append(text)
    values = {key: callee.value(key, texts) for key, texts in given.items()}
    try:
        signature.bind(*first, **values)
    except TypeError as error:
        raise PluginError(callee.misfit(error)) from None
    return values


def _signature(factory: Callable[..., Any]) -> inspect.Signature | None:
    try:
        if sys.version_info >= (3, 14):
            from annotationlib import Format

            # What only a type checker imports cannot be evaluated here, and need not be.
            return inspect.signature(factory, annotation_format=Format.FORWARDREF)
        return inspect.signature(factory)
    except (TypeError, ValueError):
        return None


@frozen
class _Callee:
    """What is going to be called.

    Attributes:
        plugin: Whose it is.
        factory: The class or function.
        signature: What it takes.
        taken: How many arguments it gets by position.
    """

    plugin: Plugin
    factory: Callable[..., Any]
    signature: inspect.Signature
    taken: int

    def value(self, key: str, texts: Sequence[str]) -> Any:
        """What the text of a parameter stands for."""
        parameters = self._parameters()
        if key not in parameters:
            near = nearest(key, parameters)
            names = ", ".join(parameters) or "none"
            hint = f"did you mean {near!r}?" if near else f"there are {names}"
            raise PluginError(f"{self.plugin} has no parameter {key!r}; {hint}")
        parameter = parameters[key]
        try:
            leaves = leaves_of(self._hint(parameter.annotation), parameter.default)
        except NotWritable:
            made = f"{_title(self.factory)}({key}=…)"
            msg = f"{key} of {self.plugin} cannot be written in a name: make it yourself, as {made}"
            raise PluginError(msg) from None
        try:
            return read(texts, leaves)
        except Unfit as unfit:
            near = nearest(texts[0], choices_of(leaves))
            hint = f"; did you mean {near!r}?" if near else ""
            msg = f"{key} of {self.plugin} is {words_of(leaves)}, not {unfit}{hint}"
        raise PluginError(msg)

    def misfit(self, error: TypeError) -> str:
        """What is missing, and what to write instead."""
        if self.plugin.kind != "advisor" and not self.taken:
            return f"{self.plugin} cannot be made so: {error} (try '{self.plugin.name}:…')"
        made = f"{_title(self.factory)}(…)"
        return f"{self.plugin} cannot be made so: {error}; make it yourself, as {made}"

    def _parameters(self) -> dict[str, inspect.Parameter]:
        """The parameters that a name may give, those of a typed ``**keywords`` included."""
        free: dict[str, inspect.Parameter] = {}
        for i, parameter in enumerate(self.signature.parameters.values()):
            if parameter.kind is parameter.VAR_KEYWORD:
                free |= self._keywords(parameter.annotation)
            elif parameter.kind is parameter.KEYWORD_ONLY or (
                parameter.kind is parameter.POSITIONAL_OR_KEYWORD and i >= self.taken
            ):
                free[parameter.name] = parameter
        return free

    def _keywords(self, annotation: Any) -> dict[str, inspect.Parameter]:
        try:
            hint = self._hint(annotation)
            fields = get_type_hints(*get_args(hint)) if get_origin(hint) is Unpack else {}
        except (NotWritable, NameError):
            return {}
        kind = inspect.Parameter.KEYWORD_ONLY
        return {name: inspect.Parameter(name, kind, annotation=a) for name, a in fields.items()}

    def _hint(self, annotation: Any) -> Any:
        """An annotation, evaluated where it stands.

        Raises:
            NotWritable: It holds a name that only a type checker knows.
        """
        if not isinstance(annotation, str):
            return annotation
        init = inspect.getattr_static(self.factory, "__init__", None)
        names: dict[str, Any] = {}
        for stands in (self.factory, init) if isinstance(self.factory, type) else (self.factory,):
            names |= vars(sys.modules.get(getattr(stands, "__module__", ""), _Nowhere))
        alone = FunctionType(_nothing.__code__, {})
        alone.__annotations__ = {"it": annotation}
        try:
            return get_type_hints(alone, names, include_extras=True)["it"]
        except (NameError, AttributeError, TypeError) as error:
            raise NotWritable from error


def _nothing() -> None: ...


class _Nowhere:
    """In place of a module that is not there."""


def _title(factory: Callable[..., Any]) -> str:
    return getattr(factory, "__name__", type(factory).__name__)
